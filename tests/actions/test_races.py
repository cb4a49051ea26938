"""Twenty clients at the FHIR door want the same thing at once: one has it, the others are told what they may do instead."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.factories import booking as diary
from tests.factories import crossings as make
from tests.factories import referrals as requests

from maillage import journeys
from maillage.access import issue_token
from maillage.codes.json import encode
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
RACERS = 20
FHIR = "application/fhir+json"
HOLDERS = {"hospital": requests.HOSPITAL, "other": requests.OTHER_HOSPITAL}


class Client(httpx.AsyncClient):
    """One client of one house."""

    async def send_fhir(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        return await self.post(f"/fhir/{path}", content=encode(body), headers={"content-type": FHIR, **headers})

    async def version(self, path: str) -> str:
        return str((await self.get(f"/fhir/{path}")).headers["etag"])


@pytest_asyncio.fixture
async def clients(db: Database) -> AsyncIterator[dict[str, list[Client]]]:
    """Twenty clients of the hospital and ten of another one, each with its own token."""
    door = FhirDoor(db, operations=journeys.OPERATIONS, intake=journeys.INTAKE, mode="test")
    async with AsyncExitStack() as stack:
        made: dict[str, list[Client]] = {name: [] for name in HOLDERS}
        for name, organization in HOLDERS.items():
            for number in range(RACERS):
                async with db.transaction(SYSTEM) as tx:
                    secret = await issue_token(tx, f"{name}-{number}", ["system/*.cruds"], [organization], requests.timedelta(hours=1))
                transport = httpx.ASGITransport(door, raise_app_exceptions=True)
                client = Client(transport=transport, base_url="http://testserver", headers={"authorization": f"Bearer {secret}"})
                made[name].append(await stack.enter_async_context(client))
        yield made


def codes(answer: httpx.Response) -> set[str]:
    """The codes of the issues of an OperationOutcome."""
    every = (coding for issue in answer.json()["issue"] for coding in issue["details"]["coding"])
    return {coding["code"] for coding in every if not coding["system"].endswith("/culprit")}


def choices(answer: httpx.Response) -> list[str]:
    """The free slots that a refusal names."""
    extensions = [extension for issue in answer.json()["issue"] for extension in issue.get("extension", [])]
    return [extension["valueReference"]["reference"] for extension in extensions if extension["url"].endswith("fresh-choice")]


def appointment(slot: Any, task: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "start": slot["starts_at"].isoformat(),
        "end": slot["ends_at"].isoformat(),
        "supportingInformation": [{"reference": f"Task/{task['id']}"}],
        "participant": [{"actor": {"reference": f"Patient/{task['patient_id']}"}, "status": "accepted"}],
    }


async def test_twenty_clients_book_one_slot_and_nineteen_are_given_other_choices(db: Database, clients: dict[str, list[Client]]) -> None:
    slot, *others = await make.slots(db)
    tasks = [await requests.look(db, await make.to_book(db, patient=number)) for number in range(RACERS)]
    posts = (client.send_fhir("Appointment", appointment(slot, task)) for client, task in zip(clients["hospital"], tasks, strict=True))
    answers = await asyncio.gather(*posts)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: RACERS - 1}
    free = {f"Slot/{other['id']}" for other in others}
    for answer in answers:
        if answer.status_code == 409:
            assert codes(answer) == {"already-booked"}
            assert len(choices(answer)) == 5
            assert set(choices(answer)) <= free
    states = Counter([await make.state(db, task["id"]) for task in tasks])
    assert states == {"booked": 1, "to-book": RACERS - 1}
    await make.check(db)


async def test_twenty_clients_want_two_slots_each_has_one_holder(db: Database, clients: dict[str, list[Client]]) -> None:
    """Half book from the request, half from the diary, on the same two slots: whichever room is asked, the same locks decide."""
    slots = (await make.slots(db))[:2]
    tasks = [await requests.look(db, await make.to_book(db, patient=number)) for number in range(RACERS)]

    async def book(number: int, client: Client) -> httpx.Response:
        slot, task = slots[number % 2], tasks[number]
        if number % 4 < 2:
            return await client.send_fhir("Appointment", appointment(slot, task))
        asked = {"resourceType": "Parameters", "parameter": [{"name": "slot", "valueReference": {"reference": f"Slot/{slot['id']}"}}]}
        return await client.send_fhir(f"Task/{task['id']}/$book", asked, **{"if-match": f'W/"{task["version"]}"'})

    answers = await asyncio.gather(*(book(number, client) for number, client in enumerate(clients["hospital"])))
    assert Counter(answer.status_code // 100 for answer in answers) == {2: 2, 4: RACERS - 2}
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert [await make.status(db, "slot", slot["id"]) for slot in slots] == ["busy", "busy"]
    await make.check(db)


async def test_twenty_clients_accept_one_request_once(db: Database, clients: dict[str, list[Client]]) -> None:
    task = await requests.opened(db)
    version = await clients["hospital"][0].version(f"Task/{task}")
    asked = {"resourceType": "Parameters", "parameter": []}
    posts = (client.send_fhir(f"Task/{task}/$accept", asked, **{"if-match": version}) for client in clients["hospital"])
    answers = await asyncio.gather(*posts)
    counts = Counter(answer.status_code for answer in answers)
    assert counts[200] == 1
    assert set(counts) <= {200, 409, 412}
    verbs = [row["verb"] for row in (await requests.thread(db, task))["referral_status"]]
    assert verbs.count("accept") == 1


async def test_of_two_services_asked_in_parallel_one_accepts(db: Database, clients: dict[str, list[Client]]) -> None:
    tasks = await requests.draft(db, services=[requests.SERVICE, requests.ELSEWHERE])
    request = (await requests.request_of(db, tasks[0]))["id"]
    async with db.transaction(requests.GP) as tx:
        other = [item for item in await requests.form(tx, requests.ELSEWHERE) if item["linkId"] in ("specific", "act")]
        await requests.referrals.save_form(tx, request, items=[*await requests.form(tx, requests.SERVICE), *other])
    for task in tasks:
        await requests.act(db, requests.GP, requests.referrals.send, task, **requests.SEND)
    sides = [(task, clients[name][: RACERS // 2]) for task, name in zip(tasks, ("hospital", "other"), strict=True)]
    versions = {task: await group[0].version(f"Task/{task}") for task, group in sides}
    asked = {"resourceType": "Parameters", "parameter": []}
    posts = [client.send_fhir(f"Task/{task}/$accept", asked, **{"if-match": versions[task]}) for task, group in sides for client in group]
    answers = await asyncio.gather(*posts)
    counts = Counter(answer.status_code for answer in answers)
    assert counts[200] == 1
    assert set(counts) <= {200, 409, 412}
    assert sorted([await make.state(db, task) for task in tasks]) == ["cancelled", "to-book"]


async def test_a_slot_is_moved_to_and_booked_by_many_at_once(db: Database, clients: dict[str, list[Client]]) -> None:
    """Crossed moves between two booked slots and a third free one: each ends as an answer, none as a failure of the server."""
    slots = await make.slots(db)
    tasks = [await make.booked(db, slots[number]["id"], patient=number) for number in range(4)]
    visits = [(await make.visit(db, task))["id"] for task in tasks]

    async def move(number: int, client: Client) -> httpx.Response:
        visit = visits[number % 4]
        target = slots[4] if number % 3 else slots[(number + 1) % 4]
        asked = {"resourceType": "Parameters", "parameter": [{"name": "slot", "valueReference": {"reference": f"Slot/{target['id']}"}}]}
        return await client.send_fhir(f"Appointment/{visit}/$move", asked, **{"if-match": await client.version(f"Appointment/{visit}")})

    answers = await asyncio.gather(*(move(number, client) for number, client in enumerate(clients["hospital"])))
    assert {answer.status_code for answer in answers} <= {200, 409, 412}
    assert 200 in {answer.status_code for answer in answers}
    async with db.transaction(diary.SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM slot WHERE status = 'busy'") == 4
    await make.check(db)
