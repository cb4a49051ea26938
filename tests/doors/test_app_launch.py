"""Apps that act for a person: consent in a browser, code, tokens; and each way in which another could profit from it."""

from __future__ import annotations

import base64
import html
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio
from tests.support import postgres
from tests.support.machines import claims, form, register, signed, token_for
from tests.support.web import ORIGIN, Visitor, make_door, territory, visiting

from maillage import access, directory, worker
from maillage.access.clients.consents.actions import challenge_of
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.settings import Settings
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
CENTRE, DOCTOR, BACK, LAUNCH = "cms-clamart-soins", "medecin-clamart", "https://app.example/retour?x=1", "https://app.example/ouvrir"
FHIR, TOKEN = f"{ORIGIN}/fhir", f"{ORIGIN}/fhir/oauth/token"
SCOPES = ("launch", "launch/patient", "online_access", "patient/*.rs", "user/*.rs", "user/Observation.cruds")


@dataclass(slots=True)
class App:
    """A partner's app, its person's browser, and the server's other door."""

    db: Database
    browser: Visitor
    fhir: httpx.AsyncClient
    verifier: str = ""
    state: str = ""

    def asks(self, **changed: str) -> str:
        """The address to which the app sends the browser."""
        self.verifier, self.state = secrets.token_urlsafe(40), secrets.token_urlsafe(16)
        asked = {
            "response_type": "code",
            "client_id": "app",
            "redirect_uri": BACK,
            "scope": "launch/patient patient/*.rs online_access",
            "state": self.state,
            "aud": FHIR,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        return f"/oauth/authorize?{urlencode({name: value for name, value in (asked | changed).items() if value})}"

    async def answers(self, address: str, **given: str) -> httpx.Response:
        """What the browser gets when the person answers the page of consent."""
        page = await self.browser.get(address)
        assert page.status_code == 200, page.text
        carried = {
            name: html.unescape(value) for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
        }
        return await self.browser.post("/oauth/authorize", {**carried, "accord": "oui", **given}, shown=address)

    async def code(self, address: str, **given: str) -> str:
        told = led(await self.answers(address, **given))
        assert told["state"] == self.state
        return told["code"]

    async def exchange(self, code: str, /, **changed: str) -> httpx.Response:
        sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": "app", "code_verifier": self.verifier}
        return await self.fhir.post(TOKEN, data=sent | changed)

    async def renew(self, refresh: str, **changed: str) -> httpx.Response:
        return await self.fhir.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": refresh, "client_id": "app"} | changed)

    async def reads(self, token: str, path: str) -> httpx.Response:
        return await self.fhir.get(f"{FHIR}/{path}", headers={"authorization": f"Bearer {token}"})


def led(answer: httpx.Response) -> dict[str, str]:
    """Where a page leads, which is the app's own address, and what the app is told."""
    assert answer.status_code == 200, answer.text
    address = answer.headers["refresh"].removeprefix("0; url=")
    assert html.escape(address) in answer.text
    assert address.startswith(f"{BACK}&")
    return {name: value for name, value in parse_qsl(urlsplit(address).query) if name != "x"}


def patients(organization: str) -> list[tuple[str, str]]:
    """Ids and INS of an organisation's patients."""
    home = f"Organization/{organization}"
    own = [one for one in directory.generate_patients(2026, 16) if one["managingOrganization"]["reference"] == home]
    return [(one["id"], next(i["value"] for i in one["identifier"] if "1.2.250.1.213.1.4" in i["system"])) for one in own]


def patients_of_others() -> list[str]:
    own = {id for id, _ in patients(CENTRE)}
    return [one["id"] for one in directory.generate_patients(2026, 16) if one["id"] not in own]


def second() -> str:
    """A patient of another place whom the centre sees too."""
    return patients_of_others()[-1]


@pytest_asyncio.fixture
async def app(db: Database) -> AsyncIterator[App]:
    await register(db, "app", CENTRE, *SCOPES, kind="public-app", jwks="", redirect_uris=(BACK,), launch_uri=LAUNCH)
    async with db.transaction(SYSTEM) as tx:
        await access.link(tx, second(), CENTRE, "presence", "Encounter/1")
    transport = httpx.ASGITransport(FhirDoor(db, mode="test"), raise_app_exceptions=True)
    async with visiting(make_door(db), DOCTOR) as browser, httpx.AsyncClient(transport=transport) as fhir:
        yield App(db, browser, fhir)


async def test_an_app_acts_for_one_patient_that_the_person_names(app: App) -> None:
    [(patient, ins)], other = patients(CENTRE), second()
    page = await app.browser.get(app.asks())
    for said in ("Autoriser « app » ?", "Lire et chercher toutes les données de ce patient", "app.example", "Patient concerné"):
        assert said in html.unescape(page.text).replace("\xa0", " ").replace("\u202f", " "), said
    given = (await app.exchange(await app.code(app.asks(), ins=ins))).json()
    assert (given["patient"], given["token_type"], given["expires_in"], given["need_patient_banner"]) == (patient, "bearer", 300, True)
    assert given["scope"].split() == ["launch/patient", "online_access", "patient/*.rs"]
    assert (await app.reads(given["access_token"], f"Patient/{patient}")).status_code == 200
    assert (await app.reads(given["access_token"], f"Patient/{other}")).status_code == 404
    found = (await app.reads(given["access_token"], "Patient?_total=accurate")).json()
    assert ([entry["resource"]["id"] for entry in found["entry"]], found["total"]) == ([patient], 1)
    assert (await app.reads(given["access_token"], "Organization")).status_code == 200
    assert (await app.reads(given["access_token"], "AuditEvent")).status_code == 403


async def test_class_31_an_app_never_sees_more_than_the_person(app: App) -> None:
    given = (await app.exchange(await app.code(app.asks(scope="user/*.rs")))).json()
    assert "patient" not in given
    all_of_them = {one["id"] for one in directory.generate_patients(2026, 16)}
    found = (await app.reads(given["access_token"], f"Patient?_count=200&_id={','.join(sorted(all_of_them))}")).json()
    seen = {entry["resource"]["id"] for entry in found.get("entry", ())}
    assert seen == {patients(CENTRE)[0][0], second()}
    others = all_of_them - seen
    assert others
    for id in sorted(others)[:3]:
        assert (await app.reads(given["access_token"], f"Patient/{id}")).status_code == 404
    answer = await app.fhir.post(f"{FHIR}/Basic", json={"resourceType": "Basic", "code": {"text": "x"}}, headers=bearer(given))
    assert answer.status_code == 403


def bearer(given: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {given['access_token']}", "content-type": "application/fhir+json"}


async def test_the_audit_names_the_person_and_the_app(app: App, db: Database) -> None:
    given = (await app.exchange(await app.code(app.asks(scope="user/*.rs")))).json()
    await app.reads(given["access_token"], f"Patient/{patients(CENTRE)[0][0]}")
    async with db.trail.transaction(SYSTEM) as tx:
        row = await tx.fetchrow(
            "SELECT actor_kind, software FROM audit_event WHERE res_type = 'Patient' AND verb = 'read' ORDER BY seq DESC LIMIT 1"
        )
        verbs = {row["verb"] for row in await tx.fetch("SELECT verb FROM audit_event WHERE res_type = 'Session'")}
    assert (row["actor_kind"], row["software"]) == ("person", "app")
    assert {"app-allowed", "login-app"} <= verbs


async def test_an_app_with_keys_proves_who_it_is(app: App, db: Database) -> None:
    await register(db, "sure", CENTRE, "user/*.rs", kind="app", redirect_uris=(BACK,))
    for proof, status in (("", 400), ("stranger", 400), ("p384", 200)):
        code = await app.code(app.asks(client_id="sure", scope="user/*.rs"))
        shown = form(signed(claims(db, "sure", aud=TOKEN), key=proof)) if proof else {}
        answer = await app.exchange(code, client_id="sure", **shown)
        assert (answer.status_code, answer.json().get("error")) == (status, None if status == 200 else "invalid_client")


# --- the patient's page, the doctor's own software ------------------------------------------------
async def test_an_app_is_opened_from_the_page_of_a_patient(app: App) -> None:
    [(patient, _)], other = patients(CENTRE), second()
    page = await app.browser.get(f"/patients/{patient}")
    assert f'action="/patients/{patient}/applications/app"' in page.text
    opened = await app.browser.post(f"/patients/{patient}/applications/app", shown=f"/patients/{patient}")
    told = parse_qs(urlsplit(opened.headers["refresh"].removeprefix("0; url=")).query)
    assert told["iss"] == [FHIR]
    address = app.asks(scope="launch patient/*.rs", launch=told["launch"][0])
    assert "Patient concerné" not in (await app.browser.get(address)).text
    given = (await app.exchange(await app.code(address))).json()
    assert given["patient"] == patient
    assert (await app.reads(given["access_token"], f"Patient/{other}")).status_code == 404
    again = await app.browser.get(address)  # a handle is taken once
    assert parse_qs(urlsplit(again.headers["location"]).query)["error"] == ["invalid_request"]


async def test_the_software_of_a_doctor_opens_a_request_on_its_patient(app: App, db: Database) -> None:
    door = FhirDoor(db, mode="test")
    patient = patients(CENTRE)[0][0]
    await register(db, "lgc", CENTRE, "system/Patient.rs", "system/HealthcareService.rs")
    token = await token_for(door, "lgc", "system/Patient.r system/HealthcareService.r")
    body = {"resourceType": "Parameters", "parameter": [{"name": "service", "valueId": "percy-hge"}]}
    asked = await app.fhir.post(f"{FHIR}/Patient/{patient}/$open-context", json=body, headers=bearer({"access_token": token}))
    assert asked.status_code == 200, asked.text
    link = asked.json()["parameter"][0]["valueUrl"]
    assert patient not in link
    led_to = await app.browser.get(urlsplit(link).path)
    assert led_to.headers["location"] == f"/demandes/nouvelle?patient={patient}&service=percy-hge"
    assert (await app.browser.get(led_to.headers["location"])).status_code == 200
    async with visiting(make_door(db)) as stranger:  # through the sign-in, and back
        assert (await stranger.get(urlsplit(link).path)).headers["location"] == f"/connexion?vers={urlsplit(link).path}"
        await stranger.sign_in("hge-percy")
        assert (await stranger.get(urlsplit(link).path)).status_code == 404
    assert (await app.browser.get(f"/ouvrir/{secrets.token_hex(24)}")).status_code == 404
    hidden = patients_of_others()[0]
    refused = await app.fhir.post(f"{FHIR}/Patient/{hidden}/$open-context", json=body, headers=bearer({"access_token": token}))
    assert refused.status_code == 404


async def test_a_link_ends_after_minutes(app: App, db: Database, clock: FixedClock) -> None:
    await register(db, "lgc", CENTRE, "system/Patient.rs")
    token = await token_for(FhirDoor(db, mode="test"), "lgc", "system/Patient.r")
    asked = await app.fhir.post(f"{FHIR}/Patient/{patients(CENTRE)[0][0]}/$open-context", headers=bearer({"access_token": token}))
    link = urlsplit(asked.json()["parameter"][0]["valueUrl"]).path
    clock.advance(timedelta(minutes=5))
    assert (await app.browser.get(link)).status_code == 404


# --- lies ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"aud": ""}, "invalid_request"),
        ({"aud": "https://other.example/fhir"}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": "launch patient/*.rs"}, "invalid_scope"),
        ({"scope": "launch patient/*.rs", "launch": "0" * 48}, "invalid_request"),
    ],
)
async def test_class_19_a_wrong_request_goes_back_to_the_app_with_a_code(changed: dict[str, str], error: str, app: App) -> None:
    answer = await app.browser.get(app.asks(**changed))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{BACK}&")
    assert parse_qs(urlsplit(answer.headers["location"]).query)["error"] == [error]


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://attacker.example/"},
        {"redirect_uri": f"{BACK}&y=2"},
        {"redirect_uri": BACK.replace("/retour", "/retour/")},
        {"redirect_uri": "https://app.example@attacker.example/retour?x=1"},
        {"redirect_uri": ""},
        {"client_id": "unknown"},
        {"client_id": ""},
    ],
    ids=str,
)
async def test_class_19_nothing_is_sent_to_an_address_that_is_not_the_apps_own(changed: dict[str, str], app: App) -> None:
    answer = await app.browser.get(app.asks(**changed))
    assert (answer.status_code, "location" in answer.headers, "refresh" in answer.headers) == (404, False, False)


async def test_no_is_told_to_the_app_and_gives_nothing(app: App, db: Database) -> None:
    told = led(await app.answers(app.asks(), accord="non"))
    assert (told["error"], told["state"], "code" in told) == ("access_denied", app.state, False)
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM api_grant") == 0


async def test_class_21_no_other_site_says_yes_in_the_persons_place(app: App) -> None:
    address = app.asks()
    sent = dict(parse_qsl(urlsplit(address).query)) | {"accord": "oui", "ins": patients(CENTRE)[0][1], "_csrf": "guess"}
    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-origin"}, {}):
        assert (await app.browser.client.post("/oauth/authorize", data=sent, headers=headers)).status_code == 403


async def test_a_patient_whom_the_person_cannot_see_is_like_none(app: App) -> None:
    hidden = next(one for one in directory.generate_patients(2026, 16) if one["id"] == patients_of_others()[0])
    ins = next(i["value"] for i in hidden["identifier"] if "1.2.250.1.213.1.4" in i["system"])
    for typed in (ins, "190000000000000", ""):
        answer = await app.answers(app.asks(), ins=typed)
        assert (answer.status_code, "refresh" in answer.headers) == (422, False)


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": secrets.token_urlsafe(40)},
        {"redirect_uri": "https://app.example/"},
        {"redirect_uri": ""},
        {"client_id": "other"},
        {"code": "guess"},
    ],
    ids=["verifier", "redirect", "no-redirect", "client", "code"],
)
async def test_class_19_a_code_is_worth_nothing_in_other_hands(changed: dict[str, str], app: App, db: Database) -> None:
    await register(db, "other", CENTRE, "user/*.rs", kind="public-app", jwks="", redirect_uris=(BACK,))
    code = await app.code(app.asks(scope="user/*.rs"))
    answer = await app.exchange(code, **changed)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_class_19_a_code_that_comes_twice_ends_what_it_gave(app: App, clock: FixedClock) -> None:
    code = await app.code(app.asks(scope="user/*.rs"))
    given = (await app.exchange(code)).json()
    assert (await app.reads(given["access_token"], "Organization")).status_code == 200
    assert (await app.exchange(code)).json()["error"] == "invalid_grant"
    clock.advance(timedelta(seconds=5))
    assert (await app.reads(given["access_token"], "Organization")).status_code == 401


async def test_a_code_ends_after_a_minute(app: App, clock: FixedClock) -> None:
    code = await app.code(app.asks(scope="user/*.rs"))
    clock.advance(timedelta(seconds=60))
    assert (await app.exchange(code)).json()["error"] == "invalid_grant"


async def test_a_refresh_token_is_used_once_and_its_thief_ends_everything(app: App, clock: FixedClock) -> None:
    first = (await app.exchange(await app.code(app.asks(scope="user/*.rs online_access")))).json()
    clock.advance(timedelta(minutes=6))
    assert (await app.reads(first["access_token"], "Organization")).status_code == 401
    second = (await app.renew(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await app.reads(second["access_token"], "Organization")).status_code == 200
    assert (await app.renew(first["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await app.renew(second["refresh_token"])).json()["error"] == "invalid_grant"
    clock.advance(timedelta(seconds=5))
    assert (await app.reads(second["access_token"], "Organization")).status_code == 401


async def test_a_refresh_token_left_alone_ends_like_a_session(app: App, clock: FixedClock) -> None:
    given = (await app.exchange(await app.code(app.asks(scope="user/*.rs online_access")))).json()
    clock.advance(timedelta(minutes=20))
    assert (await app.renew(given["refresh_token"])).json()["error"] == "invalid_grant"


async def test_class_20_signing_out_ends_what_apps_may_do(app: App, clock: FixedClock) -> None:
    given = (await app.exchange(await app.code(app.asks(scope="user/*.rs online_access")))).json()
    await app.browser.post("/deconnexion", shown="/compte")
    clock.advance(timedelta(seconds=5))
    assert (await app.reads(given["access_token"], "Organization")).status_code == 401
    assert (await app.renew(given["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_consent_is_seen_and_taken_back(app: App, clock: FixedClock) -> None:
    given = (await app.exchange(await app.code(app.asks(scope="user/*.rs online_access")))).json()
    page = await app.browser.get("/compte/applications")
    [action] = re.findall(r'action="(/compte/applications/[^"]+)"', page.text)
    await app.browser.post(action, shown="/compte/applications")
    clock.advance(timedelta(seconds=5))
    assert (await app.reads(given["access_token"], "Organization")).status_code == 401
    assert "Aucune application" in (await app.browser.get("/compte/applications")).text


async def test_an_app_of_another_organisation_does_not_exist_here(app: App, db: Database) -> None:
    async with visiting(make_door(db), "hge-percy") as other:
        assert (await other.get(app.asks())).status_code == 404


async def test_the_request_of_an_app_survives_the_sign_in(app: App, db: Database) -> None:
    async with visiting(make_door(db)) as visitor:
        address = app.asks()
        sent = await visitor.get(address)
        assert parse_qs(urlsplit(sent.headers["location"]).query)["vers"] == [address]
        shown = await visitor.get(sent.headers["location"])
        assert html.escape(address) in shown.text


async def test_an_app_cannot_act_for_itself_nor_software_for_a_person(app: App, db: Database) -> None:
    await register(db, "sure", CENTRE, "user/*.rs", kind="app", redirect_uris=(BACK,))
    await register(db, "labo", CENTRE, "system/*.rs")
    for name, grant in (
        ("sure", {"grant_type": "client_credentials", "scope": "user/*.rs"}),
        ("labo", {"grant_type": "authorization_code", "code": "x", "code_verifier": "y"}),
    ):
        answer = await app.fhir.post(TOKEN, data=form(signed(claims(db, name, aud=TOKEN)), **grant))
        assert answer.json()["error"] == "unauthorized_client"
    assert (await app.browser.get(app.asks(client_id="labo"))).status_code == 404
    refused = await app.fhir.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": "x", "client_id": "sure"})
    assert refused.json()["error"] == "invalid_client"


async def test_secrets_of_consents_are_kept_as_hashes_only(app: App, db: Database) -> None:
    code = await app.code(app.asks(scope="user/*.rs online_access"))
    given = (await app.exchange(code)).json()
    rows = await postgres.texts(db.dsn, "api_grant", "api_token", "api_refresh", "audit_event")
    for secret in (code, given["access_token"], given["refresh_token"], app.verifier):
        assert secret not in rows
        assert base64.b16encode(secret.encode()).decode().lower() not in rows


async def test_a_consent_that_is_over_is_forgotten_after_a_month_with_its_tokens(app: App, clock: FixedClock) -> None:
    async def kept() -> list[int]:
        await worker.forget(app.db, Settings())
        async with app.db.transaction(SYSTEM) as tx:
            tables = ("api_grant", "api_refresh", "api_token")
            return [int(await tx.fetchval(f"SELECT count(*) FROM {table} WHERE $1::bool", True)) for table in tables]

    asked = "user/*.rs online_access"
    first = (await app.exchange(await app.code(app.asks(scope=asked)))).json()
    await app.code(app.asks(scope=asked))
    assert "refresh_token" in first
    assert (await kept())[:2] == [2, 1]
    clock.advance(timedelta(days=29))
    assert (await kept())[:2] == [2, 1]
    clock.advance(timedelta(days=2))
    assert (await kept())[:2] == [0, 0]
