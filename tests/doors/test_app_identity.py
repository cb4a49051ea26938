"""An app that asks for `openid` is told who the person is, by a token that anybody can check against our published key."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet
from tests.doors.test_app_launch import BACK, CENTRE, DOCTOR, FHIR, SCOPES, App, led
from tests.support.machines import register
from tests.support.web import make_door, territory, visiting

from maillage.doors.fhir import FhirDoor
from maillage.kernel.clock import FixedClock
from maillage.settings import ClientSettings, Settings
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
ASKED = "openid fhirUser user/*.rs online_access"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "apps.key"


@pytest_asyncio.fixture
async def app(db: Database, key: Path) -> AsyncIterator[App]:
    await register(db, "app", CENTRE, *SCOPES, "openid", "fhirUser", kind="public-app", jwks="", redirect_uris=(BACK,))
    door = FhirDoor(db, mode="test", settings=Settings(clients=ClientSettings(identity_key=str(key))))
    transport = httpx.ASGITransport(door, raise_app_exceptions=True)
    async with visiting(make_door(db), DOCTOR) as browser, httpx.AsyncClient(transport=transport) as fhir:
        yield App(db, browser, fhir)


async def published(app: App) -> KeySet:
    told = (await app.fhir.get(f"{FHIR}/.well-known/openid-configuration")).json()
    assert told["issuer"] == FHIR
    keys = (await app.fhir.get(told["jwks_uri"])).json()
    assert all("d" not in one for one in keys["keys"]), "nothing private is published"
    return KeySet.import_key_set(keys)


async def identity(app: App, **asked: str) -> dict[str, Any]:
    return (await app.exchange(await app.code(app.asks(scope=ASKED, **asked)))).json()


async def test_the_app_is_told_who_the_person_is(app: App, clock: FixedClock) -> None:
    told = await identity(app, nonce="n-1")
    claims = jwt.decode(told["id_token"], await published(app), algorithms=["RS256"]).claims
    at = int(clock.now().timestamp())
    assert claims == {
        "iss": FHIR,
        "aud": "app",
        "iat": at,
        "exp": at + 300,
        "nonce": "n-1",
        "sub": claims["sub"],
        "fhirUser": f"{FHIR}/Practitioner/{claims['sub']}",
    }
    person = await app.reads(told["access_token"], f"Practitioner/{claims['sub']}")
    assert (person.status_code, person.json()["resourceType"]) == (200, "Practitioner")


async def test_without_fhir_user_no_address_is_told_and_without_openid_nothing(app: App) -> None:
    told = (await app.exchange(await app.code(app.asks(scope="openid user/*.rs")))).json()
    claims = jwt.decode(told["id_token"], await published(app), algorithms=["RS256"]).claims
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp"}
    assert "id_token" not in (await app.exchange(await app.code(app.asks(scope="user/*.rs")))).json()


async def test_a_token_that_is_renewed_says_nobody_again(app: App) -> None:
    told = await identity(app)
    renewed = (await app.renew(told["refresh_token"])).json()
    assert "access_token" in renewed
    assert "id_token" not in renewed


async def test_fhir_user_alone_is_refused_and_so_is_a_nonce_without_end(app: App) -> None:
    for asked, error in (({"scope": "fhirUser user/*.rs"}, "invalid_scope"), ({"scope": ASKED, "nonce": "n" * 501}, "invalid_request")):
        answer = await app.browser.get(app.asks(**asked))
        assert answer.headers["location"].startswith(f"{BACK}&error={error}")


async def test_what_an_app_may_not_know_it_is_not_told(db: Database, app: App) -> None:
    await register(db, "other", CENTRE, *SCOPES, kind="public-app", jwks="", redirect_uris=(BACK,))
    code = led(await app.answers(app.asks(scope=ASKED, client_id="other")))["code"]
    told = (await app.exchange(code, client_id="other")).json()
    assert "id_token" not in told
    assert "openid" not in told["scope"].split()


async def test_the_person_reads_what_the_app_will_know(app: App) -> None:
    page = (await app.browser.get(app.asks(scope=ASKED))).text
    assert "Savoir qui vous êtes" in page
    assert "Savoir quelle est votre fiche dans l’annuaire" in page


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


async def test_the_key_is_made_once_for_its_account_alone_and_no_other_signs(app: App, db: Database, key: Path, tmp_path: Path) -> None:
    told = await identity(app)
    assert mode_of(key) == 0o600
    again = FhirDoor(db, mode="test", settings=Settings(clients=ClientSettings(identity_key=str(key))))
    other = FhirDoor(db, mode="test", settings=Settings(clients=ClientSettings(identity_key=str(tmp_path / "other.key"))))
    for door, holds in ((again, True), (other, False)):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door)) as http:
            keys = KeySet.import_key_set((await http.get(f"{FHIR}/.well-known/jwks.json")).json())
        if holds:
            assert jwt.decode(told["id_token"], keys, algorithms=["RS256"]).claims["aud"] == "app"
        else:
            with pytest.raises(InvalidKeyIdError):
                jwt.decode(told["id_token"], keys, algorithms=["RS256"])
