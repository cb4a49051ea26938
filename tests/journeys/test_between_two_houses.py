"""Given a town and a hospital that each have a maillage of their own, when a request goes from one to the other and back through their public doors and the
town's server is killed in the middle, then each plays what the people of the other did, once and in order, and both tell the same story (I9, F1, F19)."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
from tests.support.hostile_files import png
from tests.support.serving import Server, served

from maillage import booking, directory
from maillage.cli.scenario.client import Client, Journal, parameters, state_of
from maillage.cli.scenario.referral import referral_bundle
from maillage.cli.scenario.server import HOSPITAL, TOWN
from maillage.cli.scenario.session import ROLE, ROOMS, SERVICE, SITE, open_session
from maillage.kernel.actor import SYSTEM
from maillage.kernel.period import PARIS
from maillage.settings import DataSettings, Settings
from maillage.store.server import opened

SOON = 60.0
LETTER = "Avis rendu sans nouvelle consultation. Traitement poursuivi quatre semaines, contrôle biologique."


def command(server: Server, *words: str) -> str:
    """What a command on the machine of a server prints."""
    called = [sys.executable, "-m", "maillage", *words, "--data", str(server.data)]
    done = subprocess.run(called, capture_output=True, text=True, check=False, env={**os.environ, **server.environment}, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


class House:
    """One maillage, and the software of the side whose people work in it."""

    def __init__(self, server: Server, organization: str) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server.base, timeout=20)
        self.people = Client(self.http, server.token(f"logiciel-{organization}", organization), organization, Journal())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def state(self, task: str) -> str:
        """Where the request stands here; nothing while it is not here."""
        found = self.people.call("GET", f"Task/{task}")
        return state_of(found.json()) if found.status_code == 200 else ""

    def play(self, task: str, verb: str, **given: Any) -> None:
        self.people.verb(verb, f"Task/{task}/${verb}", **given)

    def refer(self) -> str:
        """A whole referral, as the software of a doctor in town posts it; the id of its Task."""
        service = self.people.get(f"HealthcareService/{SERVICE}")
        plan = next(e["valueCanonical"] for e in service["extension"] if "Questionnaire" in e.get("valueCanonical", ""))
        url, _, version = plan.partition("|")
        form = self.people.get(f"Questionnaire?url={url}&version={version}")["entry"][0]["resource"]
        answer = self.people.step("referral", "POST", "", referral_bundle(plan, form))
        [task] = [entry["response"]["location"] for entry in answer["entry"] if "/Task/" in entry["response"]["location"]]
        return str(task.split("/Task/")[1].partition("/")[0])

    def story(self, task: str) -> list[str]:
        """The states of the request here from its sending on, each once, in their order."""
        history = self.people.get(f"Task/{task}/_history?_count=100")
        states = [state_of(entry["resource"]) for entry in reversed(history["entry"])]
        return [state for place, state in enumerate(states) if state != "to-complete" and (place == 0 or states[place - 1] != state)]

    def attach(self, task: str, part: str, data: bytes) -> None:
        text = base64.b64encode(data).decode()
        version = self.people.get(f"Task/{task}")["meta"]["versionId"]
        given = parameters({"part": part, "title": "lesion.png", "content-type": "image/png", "content": text})
        self.people.step("attach", "POST", f"Task/{task}/$attach", given, if_match=f'W/"{version}"')

    def files(self, task: str) -> list[bytes]:
        """What came with the request, as it is read here."""
        patient = self.people.get(f"Task/{task}")["for"]["reference"]
        found = self.people.get(f"DocumentReference?subject={patient}&contenttype=image/png").get("entry", ())
        return [base64.b64decode(self.people.get(f"Binary/{entry['resource']['id']}")["data"]) for entry in found]

    def follow_up(self, task: str) -> dict[str, Any]:
        found = self.people.get(f"Task?part-of=Task/{task}&code=follow-up")
        return dict(found["entry"][0]["resource"])


@contextmanager
def two_houses(folder: Path) -> Iterator[tuple[House, House]]:
    """A town and a hospital that have agreed with each other, as two operators do."""
    with served(folder / "ville") as one, served(folder / "hopital") as two:
        for here, there, name, place, known in ((one, two, "percy", HOSPITAL, "ville"), (two, one, "ville", TOWN, "percy")):
            keys = folder / f"{name}.json"
            keys.write_text(command(there, "peer", "key"), encoding="utf-8")
            words = ("--organization", place, "--jwks", str(keys), "--address", f"{there.base}/fhir", "--known-as", known)
            command(here, "peer", "add", name, *words)
        with House(one, TOWN) as town, House(two, HOSPITAL) as hospital:
            yield town, hospital


def until(true: Callable[[], Any]) -> Any:
    """Wait for something to be so; what it gave."""
    deadline = time.monotonic() + SOON
    while not (found := true()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return found


async def agree_on_sessions(server: Server) -> None:
    """What the convention between hospital and town says, without the past of the demonstration."""
    async with opened(Settings(data=DataSettings(folder=server.data))) as database, database.transaction(SYSTEM) as tx:
        since = tx.now.date() - timedelta(days=1)
        practitioner = (await directory.get_role(tx, ROLE)).practitioner_id
        await booking.grant_clause(tx, site=SITE, specialty="SM24", owner_org=HOSPITAL, host_org=TOWN, valid_from=since)
        await booking.authorise_practice(tx, practitioner=practitioner, site=SITE, valid_from=since, basis="SSA")


def free_slot(hospital: House) -> dict[str, Any]:
    """A slot of a session that opens on the first day, from the day after tomorrow on, on which doctor and room are free."""
    asyncio.run(agree_on_sessions(hospital.server))
    centre = Client(hospital.http, hospital.server.token(f"logiciel-{TOWN}", TOWN), TOWN, Journal())
    morning = datetime.now(PARIS).replace(hour=10, minute=0, second=0, microsecond=0)
    assert any(open_session(centre, hospital.people, morning + timedelta(days=day), ROOMS[0]) for day in range(2, 9))
    found = hospital.people.get(f"Slot/$find?services={SERVICE}&priority=routine&limit=1")
    return dict(found["entry"][0]["resource"])


def asked_and_answered(town: House, hospital: House) -> str:
    """A request that the hospital reads and asks about; the town answers with a photo. The id of its Task."""
    task = town.refer()
    until(lambda: hospital.state(task) == "sent")
    hospital.play(task, "open")
    hospital.play(task, "ask-info", items=["Ferritine récente"])
    until(lambda: town.state(task) == "info-requested")
    town.play(task, "answer-info", answers=[{"number": 1, "answer": "32 µg/L le mois dernier"}])
    town.attach(task, "answer", png())
    until(lambda: hospital.state(task) == "info-received")
    [photo] = until(lambda: hospital.files(task))
    assert photo.startswith(b"\x89PNG")
    return task


def offered_while_the_town_is_down(town: House, hospital: House, task: str) -> str:
    """Accepted and offered a slot in the hospital, while nobody answers in town. The id of the slot."""
    town.server.kill()
    hospital.play(task, "accept")
    slot = str(free_slot(hospital)["id"])
    hospital.play(task, "offer", slot=f"Slot/{slot}")
    time.sleep(1)  # the messenger meets a house that is not there
    town.server.start()
    until(lambda: town.state(task) == "offered")
    return slot


def written_and_closed(town: House, hospital: House, task: str) -> None:
    """The letter with what is to be done, taken by the town, which closes."""
    due = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    asked = [{"text": "Contrôle de la ferritine", "due": due}]
    hospital.play(task, "send-outcome", text=LETTER, done_otherwise=True, recommendations=asked)
    until(lambda: town.state(task) == "letter-sent")
    follow_up = town.follow_up(task)["id"]
    town.play(task, "acknowledge", follow_ups=[{"id": follow_up, "decision": "accept"}])
    until(lambda: hospital.state(task) == "closed")
    until(lambda: hospital.follow_up(task)["status"] == "accepted")
    assert hospital.follow_up(task)["id"] == follow_up


def test_a_request_is_in_both_houses_and_what_one_does_the_other_plays(data_dir: Path) -> None:
    with two_houses(data_dir) as (town, hospital):
        task = asked_and_answered(town, hospital)
        slot = offered_while_the_town_is_down(town, hospital, task)
        town.play(task, "book", contact="Appel du cabinet, le patient est d'accord")
        until(lambda: hospital.state(task) == "booked")
        assert hospital.people.get(f"Slot/{slot}")["status"] == "busy"
        hospital.play(task, "cancel-appointment", side="hospital", reason="leave")
        until(lambda: town.state(task) == "to-rebook")
        written_and_closed(town, hospital, task)
        assert town.story(task) == hospital.story(task)
        assert town.people.get(f"DocumentReference?related=Task/{task}&contenttype=text/plain")["total"] == 1
        for house, name, other in ((town, "percy", hospital), (hospital, "ville", town)):
            assert command(house.server, "peer", "list") == f"{name} {other.server.base}/fhir waiting 0 refused 0\n"
