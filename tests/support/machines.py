"""Software of a partner, as a test plays it: its key, its record, its assertions, honest or lying."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from maillage.access.clients import actions, rules
from maillage.access.clients.types import Client
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.ids import new_id
from maillage.store import Database

BASE = "http://testserver/fhir"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEYS: dict[str, RSAKey | ECKey] = {
    "rsa": RSAKey.generate_key(2048, {"kid": "rsa"}),
    "p384": ECKey.generate_key("P-384", {"kid": "p384"}),
    "p256": ECKey.generate_key("P-256", {"kid": "p256"}),
    "stranger": ECKey.generate_key("P-384", {"kid": "p384"}),
}
OURS = ("rsa", "p384", "p256")
FITS = {"RS384": "rsa", "PS256": "rsa", "PS384": "rsa", "ES384": "p384", "ES256": "p256"}


def jwks(*names: str) -> str:
    return rules.public_keys(msgspec.json.encode({"keys": [KEYS[name].as_dict(private=False) for name in names or OURS]}).decode())


async def register(db: Database, name: str, organization: str, *scopes: str, **more: Any) -> None:
    """A client of an administrator: software with keys unless said otherwise."""
    values: dict[str, Any] = {"kind": "backend", "jwks": jwks(), "certificate": "", "redirect_uris": (), "launch_uri": "", **more}
    async with db.transaction(SYSTEM) as tx:
        await actions.register_client(tx, Client(name=name, display="", organizations=(organization,), scopes=scopes, **values))


def signed(claims: Mapping[str, Any], alg: str = "ES384", *, key: str = "", **header: Any) -> str:
    """A compact JWT; a header may say anything."""
    made = {"alg": alg, "typ": "JWT", "kid": FITS.get(alg, key), **header}
    return jws.serialize_compact(made, msgspec.json.encode(claims), KEYS[key or FITS[alg]], algorithms=[alg])


def claims(db: Database, name: str, **lies: Any) -> dict[str, Any]:
    """What an honest assertion says, and the lies instead; a lie of None leaves the claim out."""
    honest = {
        "iss": name,
        "sub": name,
        "aud": f"{BASE}/oauth/token",
        "exp": int((db.clock.now() + timedelta(minutes=4)).timestamp()),
        "jti": new_id(),
    }
    return {key: value for key, value in {**honest, **lies}.items() if value is not None}


def form(assertion: str, **more: str) -> dict[str, str]:
    return {"client_assertion_type": JWT_BEARER, "client_assertion": assertion, **more}


def software(door: FhirDoor, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(door, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)


async def asked(door: FhirDoor, assertion: str, scope: str = "system/*.rs", **headers: str) -> httpx.Response:
    """What the token endpoint answers."""
    async with software(door, **headers) as http:
        return await http.post("/fhir/oauth/token", data=form(assertion, grant_type="client_credentials", scope=scope))


async def token_for(door: FhirDoor, name: str, scope: str, **headers: str) -> str:
    answer = await asked(door, signed(claims(door.db, name)), scope, **headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])
