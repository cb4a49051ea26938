"""What apps ask of the database on their way in (SMART App Launch 2.2), at most: a change is written here with its reason in the commit."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.doors.test_app_launch import BACK, CENTRE, DOCTOR, FHIR, LAUNCH, SCOPES, App, bearer, led, patients
from tests.support.machines import register, token_for
from tests.support.statements import Asked, counted
from tests.support.web import make_door, territory, visiting

from maillage.doors.fhir import FhirDoor
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
MOST = {
    "/patients/{id:id}, of a patient": 14,
    "POST /patients/{id:id}/applications/{client:id}, of a patient": 9,
    "/oauth/authorize, of a patient": 8,
    "POST /oauth/authorize, of a patient": 11,
    "/oauth/authorize": 4,
    "POST /oauth/authorize": 7,
    "/oauth/authorize, refused": 4,
    "POST /oauth/authorize, refused": 5,
    "/compte/applications": 4,
    "POST /compte/applications/{id:id}": 8,
    "/ouvrir/{handle:id}": 4,
}


async def test_apps_ask_no_more_of_the_database(db: Database, dsn: str, clock: FixedClock) -> None:
    asked = Asked()
    await register(db, "app", CENTRE, *SCOPES, kind="public-app", jwks="", redirect_uris=(BACK,), launch_uri=LAUNCH)
    transport = httpx.ASGITransport(FhirDoor(db, mode="test"))
    async with (
        counted(dsn, clock) as counting,
        httpx.AsyncClient(transport=transport) as fhir,
        visiting(make_door(counting), DOCTOR) as browser,
    ):
        await browser.get("/compte")  # what is read once for each organisation
        asked.follow(browser.client)
        await authorised(App(db, browser, fhir), asked)
        await browser.get(await context(db, fhir))
    assert asked.found == MOST


async def authorised(app: App, asked: Asked) -> None:
    """An app opened on a patient, one that asks which patient, one that is refused; then one that is taken back."""
    [(patient, ins)] = patients(CENTRE)
    with asked.when("of a patient"):
        opened = await app.browser.post(f"/patients/{patient}/applications/app", shown=f"/patients/{patient}")
        told = parse_qs(urlsplit(opened.headers["refresh"].removeprefix("0; url=")).query)
        await app.exchange(await app.code(app.asks(scope="launch patient/*.rs online_access", launch=told["launch"][0])))
    await app.exchange(await app.code(app.asks(scope=" ".join(SCOPES[1:])), ins=ins))
    with asked.when("refused"):
        assert led(await app.answers(app.asks(), accord="non"))["error"] == "access_denied"
        await app.browser.get(app.asks(scope="system/*.rs"))
    page = await app.browser.get("/compte/applications")
    ids = re.findall(r'action="(/compte/applications/[^"]+)"', page.text)
    assert len(ids) == 2
    assert (await app.browser.post(ids[0], shown="/compte/applications")).status_code == 303


async def context(db: Database, fhir: httpx.AsyncClient) -> str:
    """The link by which a doctor's own software opens a request."""
    await register(db, "lgc", CENTRE, "system/Patient.rs", "system/HealthcareService.rs")
    token = await token_for(FhirDoor(db, mode="test"), "lgc", "system/Patient.r system/HealthcareService.r")
    given = await fhir.post(f"{FHIR}/Patient/{patients(CENTRE)[0][0]}/$open-context", headers=bearer({"access_token": token}))
    return urlsplit(given.json()["parameter"][0]["valueUrl"]).path
