"""The SMART client that the SMART project publishes, as software of a partner and as an app of a doctor, against a server on a socket and in a browser."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.conftest import LIMITS
from tests.journeys.conftest import PATIENTS, SEED
from tests.journeys.inspection import AXE, LOOKS, picture
from tests.journeys.whole import Whole
from tests.support import postgres
from tests.support.machines import register, signed

from maillage import directory
from maillage.kernel.clock import FixedClock
from maillage.store import Database

SCRIPT = Path(__file__).parent / "clients" / "smart.py"
CENTRE, DOCTOR, BACK = "cms-clamart-soins", "medecin-clamart", "http://127.0.0.1:1/retour"
SECONDS = 120


@pytest.fixture
def server(cluster: postgres.TestCluster, clock: FixedClock, tmp_path: Path) -> Iterator[Whole]:
    with Whole(cluster, clock, tmp_path).running() as whole:
        yield whole


def beside(server: Whole, work: Callable[[Database], Coroutine[Any, Any, None]]) -> None:
    """Something done to the database, in a thread: the test's own may hold the loop of a browser."""

    async def opened() -> None:
        database = await postgres.open_both(server.dsn, server.clock, limits=LIMITS)
        try:
            await work(database)
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, opened()).result(SECONDS)


class Partner:
    """The partner's program, in a process of its own."""

    def __init__(self, kind: str, **settings: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.say(json.dumps({"kind": kind, "settings": settings}))

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout
        assert self.process.stderr
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()[-3000:]
        return json.loads(line)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def own_patient() -> dict[str, Any]:
    home = f"Organization/{CENTRE}"
    return next(one for one in directory.generate_patients(SEED, PATIENTS) if one["managingOrganization"]["reference"] == home)


def test_software_of_a_partner_gets_in_by_its_key(server: Whole, clock: FixedClock) -> None:
    beside(server, lambda db: register(db, "labo", CENTRE, "system/Patient.rs"))
    base, until = f"{server.address}/fhir", int((clock.now() + timedelta(minutes=4)).timestamp())
    proof = signed({"iss": "labo", "sub": "labo", "aud": f"{base}/oauth/token", "exp": until, "jti": "once"}, "RS384")
    partner = Partner("backend", app_id="labo", api_base=base, scope="system/Patient.rs", jwt_token=proof)
    try:
        said = partner.hear()
    finally:
        partner.end()
    assert said["ready"] is True
    assert own_patient()["id"] in said["patients"]


@pytest.mark.browser
def test_an_app_of_a_partner_is_allowed_by_a_doctor_for_one_patient(server: Whole, browser: Browser) -> None:
    app = {"kind": "public-app", "jwks": "", "redirect_uris": (BACK,)}
    beside(server, lambda db: register(db, "carnet", CENTRE, "launch/patient", "patient/*.rs", **app))
    partner = Partner("app", app_id="carnet", api_base=f"{server.address}/fhir", scope="patient/*.rs", redirect_uri=BACK)
    page = browser.new_context(locale="fr-FR").new_page()
    try:
        page.route(f"{BACK}**", lambda route: route.fulfill(status=200, content_type="text/html", body="<title>carnet</title>"))
        consent(page, partner.hear()["authorize"])
        partner.say(page.url)
        said = partner.hear()
    finally:
        page.context.close()
        partner.end()
    patient = own_patient()
    assert (said["patient"], said["seen"], said["total"]) == (patient["id"], [patient["id"]], 1)
    assert said["places"] > 1  # the directory knows no patient: a scope of one patient reads it whole
    assert said["family"] == patient["name"][0]["family"]


def consent(page: Page, address: str) -> None:
    """Given a person who is not signed in, when the app sends the browser, then the person signs in, reads, says for whom, and is led back."""
    page.goto(address)
    page.locator(f'form:has(input[value="{DOCTOR}"]) button').click()
    page.get_by_role("heading", name="Autoriser « carnet »").wait_for()
    picture(SimpleNamespace(page=page), "autoriser-une-application")  # type: ignore[arg-type]  # a page in front of somebody
    page.evaluate(AXE)
    for scheme, width, run in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # the two words that Playwright knows
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(run) == [], (scheme, width)
    page.get_by_label("Patient concerné").fill("190000000000000")
    page.get_by_role("button", name="Autoriser").click()
    page.get_by_text("Aucun de vos patients ne porte ce matricule INS").first.wait_for()
    ins = next(i["value"] for i in own_patient()["identifier"] if "1.2.250.1.213.1.4" in i["system"])
    page.get_by_label("Patient concerné").fill(ins)
    page.get_by_role("button", name="Autoriser").click()
    page.wait_for_url(f"{BACK}?**")
