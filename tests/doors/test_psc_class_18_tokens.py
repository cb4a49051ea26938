"""Class 18: a token that is not what it says. The provider lies in one field at a time; each lie leaves the visitor outside."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jws
from tests.support.lying_provider import CLIENT, SECRET, Lies, Provider, by_hand, encoded, key, provider
from tests.support.psc import HOSPITAL_ROLE, authorise, door_for, inside, through
from tests.support.web import territory, visiting

from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio


@pytest.fixture
def psc(clock: FixedClock) -> Iterator[Provider]:
    with provider(clock.now) as made:
        yield made


def unsigned(_: Provider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{encoded({**header, 'alg': 'none'})}.{encoded(claims)}."


def by_hmac(secret: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    body = f"{encoded({**header, 'alg': 'HS256'})}.{encoded(claims)}"
    return f"{body}.{base64.urlsafe_b64encode(hmac.digest(secret, body.encode(), 'sha256')).decode().rstrip('=')}"


def by_public_key(made: Provider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Algorithm confusion: the public key, used as if it were a shared secret."""
    return by_hmac(made.signing.as_pem(private=False), header, claims)


def by_client_secret(_: Provider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return by_hmac(SECRET.encode(), header, claims)


def by_another(header_adds: dict[str, Any]) -> Any:
    def sign(made: Provider, header: dict[str, Any], claims: dict[str, Any]) -> str:
        other = key("RSA", "another")
        adds = {name: other.as_dict(private=False) if value == "KEY" else value for name, value in header_adds.items()}
        return by_hand(other.private_key, {**header, **adds}, claims)

    return sign


def changed_afterwards(made: Provider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    token = jws.serialize_compact(header, json.dumps(claims).encode(), made.signing, algorithms=["RS256"])
    first, _, last = token.split(".")
    return f"{first}.{encoded({**claims, 'sub': 'somebody-else'})}.{last}"


def with_critical_header(made: Provider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return by_hand(made.signing.private_key, {**header, "crit": ["exp"]}, claims)


def small_key(made: Provider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    weak = rsa.generate_private_key(65537, 1024)  # the lie
    modulus = weak.public_key().public_numbers().n.to_bytes(128, "big")
    made.published = [{"kty": "RSA", "kid": "weak", "e": "AQAB", "n": base64.urlsafe_b64encode(modulus).decode().rstrip("=")}]
    return by_hand(weak, {**header, "kid": "weak"}, claims)


AT = 1_763_280_000
LIES: dict[str, Lies] = {
    "unsigned": Lies(sign=unsigned),
    "signed with the public key": Lies(sign=by_public_key),
    "signed with the client's secret": Lies(sign=by_client_secret),
    "signed by another, under the key's name": Lies(sign=by_another({})),
    "with its own key inside": Lies(sign=by_another({"jwk": "KEY"})),
    "with the address of its key": Lies(sign=by_another({"jku": "http://127.0.0.1:1/jwks"})),
    "with a certificate inside": Lies(sign=by_another({"x5c": ["MII"]})),
    "with a header that must be understood": Lies(sign=with_critical_header),
    "under an unknown key": Lies(header={"kid": "nowhere"}),
    "with a small key": Lies(sign=small_key),
    "changed afterwards": Lies(sign=changed_afterwards),
    "of another type": Lies(header={"typ": "at+jwt"}),
    "cut": Lies(sign=lambda made, header, claims: f"{encoded(header)}.{encoded(claims)}"),
    "no token": Lies(sign=lambda made, header, claims: "x.y.z"),
    "iss other": Lies(claims={"iss": "https://evil.example"}),
    "iss missing": Lies(claims={"iss": None}),
    "aud other": Lies(claims={"aud": "another-client"}),
    "aud missing": Lies(claims={"aud": None}),
    "aud for two, no azp": Lies(claims={"aud": [CLIENT, "another-client"], "azp": None}),
    "azp other": Lies(claims={"azp": "another-client"}),
    "exp past": Lies(claims={"exp": 1}),
    "exp missing": Lies(claims={"exp": None}),
    "exp a word": Lies(claims={"exp": "later"}),
    "exp true": Lies(claims={"exp": True}),
    "iat old": Lies(claims={"iat": AT - 61}),
    "iat to come": Lies(claims={"iat": 4_000_000_000}),
    "iat missing": Lies(claims={"iat": None}),
    "nbf to come": Lies(claims={"nbf": 4_000_000_000}),
    "nonce other": Lies(claims={"nonce": "another"}),
    "nonce missing": Lies(claims={"nonce": None}),
    "acr lower": Lies(claims={"acr": "eidas0"}),
    "acr missing": Lies(claims={"acr": None}),
    "at_hash other": Lies(claims={"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
    "sub missing": Lies(claims={"sub": None}),
    "sub other in userinfo": Lies(userinfo={"sub": "somebody-else"}),
    "sub missing in userinfo": Lies(userinfo={"sub": None}),
    "no professional": Lies(userinfo={"SubjectNameID": None}),
    "another kind of number": Lies(userinfo={"SubjectNameID": "0751234567"}),
    "a list of numbers": Lies(userinfo={"SubjectNameID": ["810001234567"]}),
    "issuer other in discovery": Lies(metadata={"issuer": "https://evil.example"}),
    "endpoint without https": Lies(metadata={"token_endpoint": "http://192.0.2.1/token"}),
    "endpoint missing": Lies(metadata={"jwks_uri": None}),
}


async def kept(db: Database) -> tuple[int, int]:
    async with db.trail.transaction(SYSTEM) as tx:
        failures = await tx.fetchval("SELECT count(*) FROM audit_event WHERE verb = 'login-failed' AND outcome = '4'")
    async with db.transaction(SYSTEM) as tx:
        return await tx.fetchval("SELECT count(*) FROM web_session"), failures


@pytest.mark.parametrize("lie", LIES)
async def test_class_18_a_token_that_lies_opens_nothing(db: Database, psc: Provider, lie: str) -> None:
    await authorise(db, HOSPITAL_ROLE)
    psc.lies = LIES[lie]
    async with visiting(door_for(db, psc)) as visitor:
        discovered = "discovery" not in lie and "endpoint" not in lie
        answer = await (through(visitor) if discovered else visitor.get("/connexion/psc"))
        assert (answer.status_code, "location" in answer.headers) == (403 if discovered else 503, False)
        assert not await inside(visitor)
    assert await kept(db) == (0, 1 if discovered else 0)


@pytest.mark.parametrize(("algorithm", "kind"), [("RS256", "RSA"), ("PS256", "RSA"), ("ES256", "EC")])
async def test_the_three_signatures_are_read(db: Database, psc: Provider, algorithm: str, kind: str) -> None:
    await authorise(db, HOSPITAL_ROLE)
    psc.algorithm, psc.signing = algorithm, key(kind, f"for {kind}")
    psc.published = [key("RSA", "one"), psc.signing]
    async with visiting(door_for(db, psc)) as visitor:
        answer = await through(visitor)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert await inside(visitor)
        assert "Léo Castanier" in (await visitor.get("/")).text
