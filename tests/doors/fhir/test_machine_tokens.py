"""SMART backend services: a token for a proof. Each lie of an assertion gets the one answer that tells nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from tests.doors.fhir.conftest import Caller
from tests.support import machines, postgres
from tests.support.machines import BASE, KEYS, asked, claims, form, register, signed, software, token_for

from maillage.access.clients import actions, rules
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.settings import FhirSettings, ServerSettings, Settings
from maillage.store import Database

pytestmark = pytest.mark.asyncio
REFUSED = {"error": "invalid_client", "error_description": "The client could not be authenticated."}


async def labo(db: Database, *scopes: str, **more: Any) -> None:
    await register(db, "labo", "org-a", *(scopes or ("system/*.cruds",)), **more)


@pytest.mark.parametrize("alg", sorted(machines.FITS))
async def test_a_signed_assertion_gives_a_token_of_five_minutes(alg: str, door: FhirDoor, clock: FixedClock) -> None:
    await labo(door.db)
    answer = await asked(door, signed(claims(door.db, "labo"), alg))
    assert answer.status_code == 200, answer.text
    given = answer.json()
    assert (given["token_type"], given["expires_in"], given["scope"]) == ("bearer", 300, "system/*.rs")
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    async with software(door, authorization=f"Bearer {given['access_token']}") as http:
        assert (await http.get("/fhir/Observation")).status_code == 200
        assert (await http.post("/fhir/Basic", json={})).status_code == 403
        clock.advance(timedelta(minutes=5))
        assert (await http.get("/fhir/Observation")).status_code == 401


def unsigned(db: Database) -> str:
    parts = [msgspec.json.encode(part) for part in ({"alg": "none", "kid": "p384"}, claims(db, "labo"))]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def signed_with_the_public_key(db: Database, alg: str = "HS256") -> str:
    """The oldest trick: the public key, which everybody has, taken as the secret of a symmetric signature."""
    pem = KEYS["rsa"].as_pem(private=False)
    parts = [msgspec.json.encode(part) for part in ({"alg": alg, "kid": "rsa"}, claims(db, "labo"))]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return f"{text.decode()}.{base64.urlsafe_b64encode(hmac.digest(pem, text, 'sha256')).decode().rstrip('=')}"


def later(db: Database, **after: float) -> int:
    return int((db.clock.now() + timedelta(**after)).timestamp())


def lie(name: str, **said: Any) -> Any:
    return pytest.param(lambda db: signed(claims(db, "labo", **{k: v(db) if callable(v) else v for k, v in said.items()})), id=name)


def head(name: str, key: str = "", alg: str = "ES384", **header: Any) -> Any:
    return pytest.param(lambda db: signed(claims(db, "labo"), alg, key=key, **header), id=name)


STRANGER = KEYS["stranger"].as_dict(private=False)
LIES = [
    pytest.param(unsigned, id="alg none"),
    pytest.param(signed_with_the_public_key, id="hmac with the public key"),
    pytest.param(lambda db: signed_with_the_public_key(db, "RS384"), id="hmac called rsa"),
    pytest.param(lambda db: signed(claims(db, "labo"))[:-6] + "AAAAAA", id="signature altered"),
    pytest.param(lambda db: "a.b.c", id="no jwt"),
    pytest.param(lambda db: f"{base64.urlsafe_b64encode(b'[' * 4500).decode()}.a.b", id="nested without end"),
    pytest.param(lambda db: f"{signed(claims(db, 'labo'))}.more", id="four parts"),
    head("key of a stranger", "stranger"),
    head("embedded jwk", "stranger", jwk=STRANGER),
    head("jku", "stranger", jku="https://attacker.invalid/jwks.json"),
    head("x5u", "stranger", x5u="https://attacker.invalid/cert.pem"),
    head("x5c", "stranger", x5c=["MIIB"]),
    head("kid unknown", kid="p521"),
    head("kid of another kind of key", kid="rsa"),
    head("kid missing", kid=""),
    head("kid that is a path", kid="../../etc/passwd"),
    head("algorithm of another curve", "p256", "ES256", kid="p384"),
    head("algorithm that is not listed", "rsa", "RS512"),
    head("critical header", crit=["b64"], b64=True),
    head("another type", typ="at+jwt"),
    lie("audience missing", aud=None),
    lie("audience is another server", aud="https://attacker.invalid/oauth/token"),
    lie("audience is the fhir base", aud=BASE),
    lie("audience among others", aud=[f"{BASE}/oauth/token", "https://attacker.invalid/"]),
    lie("issuer is another", iss="other"),
    lie("issuer missing", iss=None),
    lie("issuer is a list", iss=["labo"]),
    lie("subject is another", sub="other"),
    lie("subject missing", sub=None),
    lie("expired", exp=lambda db: later(db, seconds=-1)),
    lie("expiry too far", exp=lambda db: later(db, minutes=6)),
    lie("expiry missing", exp=None),
    lie("expiry is text", exp=lambda db: str(later(db, minutes=1))),
    lie("expiry is a truth", exp=True),
    lie("expiry is no number", exp=float("inf")),
    lie("not yet", nbf=lambda db: later(db, minutes=2)),
    lie("issued in the future", iat=lambda db: later(db, minutes=2)),
    lie("jti missing", jti=None),
    lie("jti is a number", jti=7),
    lie("jti without end", jti="x" * 201),
]


@pytest.mark.parametrize("assertion", LIES)
async def test_class_18_a_lying_assertion_is_refused_like_any_other(assertion: Any, door: FhirDoor) -> None:
    await labo(door.db)
    answer = await asked(door, assertion(door.db))
    assert (answer.status_code, answer.json()) == (400, REFUSED)
    async with door.db.trail.transaction(SYSTEM) as tx:
        row = await tx.fetchrow("SELECT verb, outcome FROM audit_event")
        assert row["verb"].startswith("login-client-refused:")
        assert row["outcome"] == "4"
    async with door.db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM api_jti") == 0
        assert await tx.fetchval("SELECT count(*) FROM api_token") == 0


async def test_class_18_an_assertion_is_taken_once(door: FhirDoor) -> None:
    await labo(door.db)
    assertion = signed(claims(door.db, "labo"))
    answers = [await asked(door, assertion) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json() == REFUSED


async def test_class_18_of_twenty_who_bring_the_same_assertion_at_once_one_is_served(door: FhirDoor) -> None:
    await labo(door.db)
    assertion = signed(claims(door.db, "labo"))
    answers = await asyncio.gather(*(asked(door, assertion) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 19]


async def test_class_18_an_assertion_stays_spent_when_nothing_was_granted(door: FhirDoor) -> None:
    await labo(door.db, "system/Task.r")
    assertion = signed(claims(door.db, "labo"))
    assert (await asked(door, assertion, "system/Patient.r")).json()["error"] == "invalid_scope"
    assert (await asked(door, assertion, "system/Task.r")).json() == REFUSED


async def test_spent_assertions_are_forgotten_once_nobody_could_use_them(door: FhirDoor, clock: FixedClock) -> None:
    await labo(door.db)
    await token_for(door, "labo", "system/*.rs")
    clock.advance(timedelta(minutes=16))
    await token_for(door, "labo", "system/*.rs")
    async with door.db.transaction(SYSTEM) as tx:
        assert [await tx.fetchval(f"SELECT count(*) FROM {table}") for table in ("api_jti", "api_token")] == [1, 1]


# --- no oracle -----------------------------------------------------------------------------------
async def test_class_22_an_unknown_a_disabled_and_a_known_client_with_a_wrong_key_get_the_same_bytes(door: FhirDoor) -> None:
    await labo(door.db)
    await register(door.db, "closed", "org-a", "system/*.cruds")
    async with door.db.transaction(SYSTEM) as tx:
        await actions.disable_client(tx, "closed")
    told = [
        await asked(door, signed(claims(door.db, "unknown"))),
        await asked(door, signed(claims(door.db, "closed"))),
        await asked(door, signed(claims(door.db, "labo"), key="stranger")),
    ]
    drop = {"x-request-id", "date"}
    seen = {(a.status_code, a.content, str({k: v for k, v in a.headers.items() if k not in drop})) for a in told}
    assert len(seen) == 1


async def test_class_22_an_unknown_client_costs_a_verification_too(door: FhirDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near-same time, shown without a clock: as many signatures are verified whoever asks."""
    await labo(door.db)
    verified: list[str] = []
    real = rules.jws.deserialize_compact

    def counting(*given: Any, **more: Any) -> Any:
        verified.append(given[0])
        return real(*given, **more)

    monkeypatch.setattr(rules.jws, "deserialize_compact", counting)
    for name, key in (("unknown", ""), ("labo", "stranger"), ("labo", "")):
        await asked(door, signed(claims(door.db, name), key=key))
    assert len(verified) == 3


async def test_a_client_that_is_disabled_has_no_token_left(door: FhirDoor, clock: FixedClock) -> None:
    await labo(door.db)
    token = await token_for(door, "labo", "system/*.rs")
    async with door.db.transaction(SYSTEM) as tx:
        await actions.disable_client(tx, "labo")
    clock.advance(timedelta(seconds=5))  # a token that was just seen is not looked up again for so long
    async with software(door, authorization=f"Bearer {token}") as http:
        assert (await http.get("/fhir/Observation")).status_code == 401


@pytest.mark.parametrize(("keep", "status"), [(True, 200), (False, 401)])
async def test_new_keys_take_the_place_of_the_old_ones(keep: bool, status: int, door: FhirDoor, clock: FixedClock) -> None:
    await labo(door.db, jwks=machines.jwks("rsa"))
    token = await token_for_rsa(door)
    async with door.db.transaction(SYSTEM) as tx:
        await actions.rotate_keys(tx, "labo", machines.jwks("p384"), keep=keep)
    clock.advance(timedelta(seconds=5))
    assert (await asked(door, signed(claims(door.db, "labo"), "RS384"))).json() == REFUSED
    assert (await asked(door, signed(claims(door.db, "labo"), "ES384"))).status_code == 200
    async with software(door, authorization=f"Bearer {token}") as http:
        assert (await http.get("/fhir/Observation")).status_code == status


async def token_for_rsa(door: FhirDoor) -> str:
    return str((await asked(door, signed(claims(door.db, "labo"), "RS384"))).json()["access_token"])


# --- the form ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion": ""}, "invalid_request"),
        ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "patient/*.rs"}, "invalid_scope"),
        ({"client_id": "other"}, "invalid_client"),
    ],
)
async def test_a_form_that_lacks_something_is_told_so(changed: dict[str, str], error: str, door: FhirDoor) -> None:
    await labo(door.db)
    sent = form(signed(claims(door.db, "labo")), grant_type="client_credentials", scope="system/*.rs") | changed
    async with software(door) as http:
        answer = await http.post("/fhir/oauth/token", data={name: value for name, value in sent.items() if value})
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_what_is_no_form_is_refused(door: FhirDoor) -> None:
    async with software(door) as http:
        doubled = "grant_type=client_credentials&grant_type=client_credentials"
        kinds = {"content-type": "application/x-www-form-urlencoded"}
        for content, headers in ((b"{}", {"content-type": "application/json"}), (doubled.encode(), kinds), (b"x=" + b"y" * 40_000, kinds)):
            answer = await http.post("/fhir/oauth/token", content=content, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert (await http.get("/fhir/oauth/token")).status_code == 405
        assert (await http.post("/fhir/oauth/else")).status_code == 404


# --- scopes ----------------------------------------------------------------------------------------
GRANTED = [
    ("system/*.cruds", "system/*.rs", "system/*.rs"),
    ("system/*.rs", "system/*.cruds", "system/*.rs"),
    ("system/Task.cru system/Patient.rs", "system/*.cruds", "system/Task.cru system/Patient.rs"),
    ("system/*.cruds", "system/*.read system/Task.write", "system/*.read system/Task.write"),
    ("system/Task.rs", "system/*.read", "system/Task.rs"),
    ("system/Observation.rs?category=laboratory", "system/Observation.rs", "system/Observation.rs?category=laboratory"),
    ("system/Observation.rs", "system/Observation.r?category=laboratory", "system/Observation.r?category=laboratory"),
    (
        "system/Observation.rs?status=final",
        "system/Observation.rs?category=laboratory",
        "system/Observation.rs?status=final&category=laboratory",
    ),
    ("system/Task.rs", "system/Task.rs user/Task.rs launch openid", "system/Task.rs"),
    ("system/Observation.rs", "system/Observation.rs?subject:Patient.family=x system/Observation.s", "system/Observation.s"),
]


@pytest.mark.parametrize(("record", "wanted", "granted"), GRANTED)
async def test_class_31_a_token_is_never_granted_more_than_the_record_of_its_client(
    record: str, wanted: str, granted: str, door: FhirDoor
) -> None:
    await labo(door.db, *record.split())
    answer = await asked(door, signed(claims(door.db, "labo")), wanted)
    assert answer.json()["scope"] == granted


async def test_class_06_software_sees_its_own_organisation_whatever_it_asks_for(door: FhirDoor, theirs: Caller) -> None:
    await labo(door.db)
    made = await theirs.make({"resourceType": "Basic", "code": {"text": "kanarek"}})
    assertion = signed(claims(door.db, "labo", organization="org-b", organizations=["org-b"]))
    async with software(door) as http:
        sent = form(assertion, grant_type="client_credentials", scope="system/*.cruds", organization="org-b", resource="org-b")
        token = (await http.post("/fhir/oauth/token", data=sent)).json()["access_token"]
    async with software(door, authorization=f"Bearer {token}", **{"x-organization": "org-b"}) as http:
        assert (await http.get(f"/fhir/Basic/{made['id']}")).status_code == 404
        assert "kanarek" not in (await http.get("/fhir/Basic")).text


# --- certificates ------------------------------------------------------------------------------------
DER = b"a certificate, as far as this server looks at it"
PEM = "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(DER).decode() + "-----END CERTIFICATE-----\n"
SHOWN = [f":{base64.b64encode(DER).decode()}:", quote(PEM)]
THUMBPRINT = base64.urlsafe_b64encode(hashlib.sha256(DER).digest()).decode().rstrip("=")


def behind_a_proxy(db: Database, *proxies: str) -> FhirDoor:
    settings = Settings(fhir=FhirSettings(certificate_header="Client-Cert"), server=ServerSettings(trusted_proxies=proxies))
    return FhirDoor(db, settings=settings, mode="test")


@pytest.mark.parametrize("shown", SHOWN, ids=["rfc9440", "pem"])
async def test_a_token_bound_to_a_certificate_is_worth_nothing_without_it(shown: str, db: Database) -> None:
    door = behind_a_proxy(db, "127.0.0.1")
    await labo(db, certificate=THUMBPRINT)
    assert (await asked(door, signed(claims(db, "labo")))).json() == REFUSED
    assert (await asked(door, signed(claims(db, "labo")), **{"client-cert": ":bm9uZQ==:"})).json() == REFUSED
    token = await token_for(door, "labo", "system/*.rs", **{"client-cert": shown})
    for header, status in ({"client-cert": shown}, 200), ({}, 401), ({"client-cert": ":bm9uZQ==:"}, 401), ({"client-cert": "?"}, 401):
        async with software(door, authorization=f"Bearer {token}", **header) as http:
            assert (await http.get("/fhir/Observation")).status_code == status


async def test_a_certificate_header_counts_only_from_the_proxies_that_are_named(db: Database) -> None:
    await labo(db, certificate=THUMBPRINT)
    for door in (behind_a_proxy(db, "192.0.2.7"), behind_a_proxy(db), FhirDoor(db, mode="test")):
        assert (await asked(door, signed(claims(db, "labo")), **{"client-cert": SHOWN[0]})).json() == REFUSED


# --- ending and looking ---------------------------------------------------------------------------------
async def test_a_client_ends_and_looks_at_its_own_tokens_only(door: FhirDoor) -> None:
    await labo(door.db)
    await register(door.db, "other", "org-b", "system/*.cruds")
    token = await token_for(door, "labo", "system/*.rs")

    async def told(name: str, what: str) -> httpx.Response:
        async with software(door) as http:
            return await http.post(f"/fhir/oauth/{what}", data=form(signed(claims(door.db, name)), token=token))

    assert (await told("other", "introspect")).json() == {"active": False}
    looked = (await told("labo", "introspect")).json()
    assert (looked["active"], looked["client_id"], looked["scope"], looked["exp"] - looked["iat"]) == (True, "labo", "system/*.rs", 300)
    assert (await told("other", "revoke")).status_code == 200
    assert (await told("labo", "introspect")).json()["active"] is True
    assert [(await told("labo", "revoke")).status_code for _ in range(2)] == [200, 200]
    assert (await told("labo", "introspect")).json() == {"active": False}
    async with software(door, authorization=f"Bearer {token}") as http:
        assert (await http.get("/fhir/Observation")).status_code == 401


async def test_no_secret_is_kept_and_none_is_logged(door: FhirDoor, caplog: pytest.LogCaptureFixture) -> None:
    await labo(door.db)
    assertion = signed(claims(door.db, "labo"))
    token = (await asked(door, assertion)).json()["access_token"]
    await asked(door, assertion)
    rows = await postgres.texts(door.db.dsn, "api_token", "api_client", "api_jti", "audit_event")
    for secret in (token, assertion, assertion.rpartition(".")[2]):
        assert secret not in rows + caplog.text


async def test_both_descriptions_say_the_same(door: FhirDoor) -> None:
    async with software(door) as http:
        told = (await http.get("/fhir/.well-known/smart-configuration")).json()
        security = (await http.get("/fhir/metadata")).json()["rest"][0]["security"]
    uris = {
        part["url"]: part["valueUri"] for one in security["extension"] if one["url"].endswith("oauth-uris") for part in one["extension"]
    }
    assert uris["token"] == told["token_endpoint"] == f"{BASE}/oauth/token"
    assert (uris["introspect"], uris["revoke"]) == (told["introspection_endpoint"], told["revocation_endpoint"])
    assert [one["valueCode"] for one in security["extension"] if one["url"].endswith("capabilities")] == told["capabilities"]
    assert {"RS384", "ES384"} <= set(told["token_endpoint_auth_signing_alg_values_supported"])
