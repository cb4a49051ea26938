"""FranceConnect+ on the loopback: ES256, levels, the pivot identity, tokens encrypted for us; and a patient who goes through it without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe, jwk
from tests.factories import patients as make
from tests.support.lying_provider import CLIENT, SECRET, Provider, key, merged, provider

from maillage import directory, record
from maillage.access import visible_to
from maillage.codes import systems
from maillage.codes.json import decode
from maillage.kernel.actor import SYSTEM
from maillage.settings import FranceConnectSettings
from maillage.store import Database

CITIZEN = "b6048e95bb134ec5b1d1e1fa69f287172e91722b9354d637a1bcf2ebb0fd2ef5v1"


@cache
def our_key() -> str:
    """The private key that the house gives its settings."""
    made = ec.generate_private_key(ec.SECP256R1())
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return made.private_bytes(*kinds).decode()


class Citizens(Provider):
    """It knows one citizen at a time; `closes` says under which of our published keys it encrypts, none by default."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.algorithm, self.signing, self.level, self.subject = "ES256", key("EC", "fc"), "eidas2", CITIZEN
        self.published = [self.signing]
        self.pivot: dict[str, Any] = {}
        self.closes: dict[str, Any] | None = None

    def metadata(self) -> dict[str, Any]:
        told = {"token_endpoint_auth_methods_supported": ["client_secret_post"], "authorization_response_iss_parameter_supported": None}
        return merged(super().metadata(), told)

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The secret comes in the form, as FranceConnect wants it."""
        honest = authorization == "" and (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        flow = self.flows.pop(form.get("code", ""), None)
        if not flow or not honest or flow["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": self.closed(self.id_token(flow, "opaque"))}

    def userinfo(self) -> Any:
        at = int(self.now().timestamp())
        told = {"sub": self.subject, "iss": self.issuer, "aud": CLIENT, "iat": at, "exp": at + 60, **self.pivot}
        return self.closed(self.signed(merged(told, self.lies.userinfo)))

    def closed(self, token: str) -> str:
        """Encrypted under the key that the house publishes, where it publishes one."""
        if self.closes is None:
            return token
        public = jwk.ECKey.import_key(self.closes)
        header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": self.closes["kid"], "cty": "JWT"}
        return jwe.encrypt_compact(header, token.encode(), public, algorithms=["ECDH-ES", "A256GCM"])

    def authorize(self, query: dict[str, str]) -> str:
        assert (query["scope"], query["prompt"]) == ("openid identite_pivot", "login")
        assert len(query["state"]) >= 32 <= len(query["nonce"])
        return super().authorize(query)


@contextmanager
def citizens(now: Callable[[], datetime]) -> Iterator[Citizens]:
    """FranceConnect for the length of the block."""
    made = Citizens(now)
    with provider(now, made):
        yield made


def settings(known: Citizens, **options: Any) -> FranceConnectSettings:
    return FranceConnectSettings(issuer=known.issuer, client_id=CLIENT, client_secret=SECRET, **options)


async def pivot_of(db: Database, patient: str) -> dict[str, Any]:
    """The identity of the person of a file, as the civil register would tell it."""
    async with db.transaction(SYSTEM) as tx:
        one = await directory.get_patient(tx, patient, visible_to(SYSTEM, "Patient"))
        name = directory.official_name(decode(await record.current(tx, "Patient", patient)))
    listed = [ext["valueString"] for ext in name.get("extension", []) if ext["url"] == systems.EXT_BIRTH_LIST_GIVEN_NAME]
    abroad = one.birth_insee.startswith("99")
    return {
        "family_name": one.family.upper(),
        "given_name": (listed or [one.given])[0],
        "birthdate": str(one.birth_date),
        "gender": one.gender,
        "birthplace": "" if abroad else one.birth_insee,
        "birthcountry": one.birth_insee if abroad else "99100",
    }


async def way_back(client: httpx.AsyncClient, path: str) -> str:
    """Follow the link to FranceConnect and sign in there: the address of ours to which the browser is sent back."""
    there = (await client.get(path)).headers["location"]
    async with httpx.AsyncClient() as world:
        back = urlsplit((await world.get(there)).headers["location"])
    assert back.path == "/mon-dossier/retour"
    return f"{back.path}?{back.query}"


async def through(holder: make.Holder, path: str = "") -> httpx.Response:
    """The whole way, from the page of a link or from the entrance; the own record is the holder's page then."""
    visit = holder.page.rpartition("/")[2]
    path = path or f"/mon-dossier/connexion?suivi={visit}"
    answer = await holder.client.get(await way_back(holder.client, path))
    if answer.status_code == 303:
        holder.page = answer.headers["location"].removesuffix("/dossier")
    return answer


def asked_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def published(text: str) -> dict[str, Any]:
    """The one key that the house publishes."""
    [found] = json.loads(text)["keys"]
    return dict(found)
