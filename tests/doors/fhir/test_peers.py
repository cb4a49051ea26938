"""Another installation at our door: it keeps its ids, says who acted there, and plays what nobody else may."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import caller, token
from tests.factories import booking as diary
from tests.factories import referrals as requests
from tests.support.machines import jwks

from maillage import journeys
from maillage.access import peers
from maillage.access.clients import actions
from maillage.access.clients.types import Client
from maillage.doors.fhir import FhirDoor
from maillage.journeys.exchange import UUID_SYSTEM
from maillage.kernel.actor import SYSTEM
from maillage.kernel.ids import derived_id, new_id
from maillage.store import Database

pytestmark = pytest.mark.asyncio
FILL = diary.territory
ROLE = requests.GP.role_id


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    return FhirDoor(db, operations=journeys.OPERATIONS, intake=journeys.INTAKE, mode="test")


async def town(db: Database) -> str:
    """A token of the town's own installation."""
    async with db.transaction(SYSTEM) as tx:
        client = Client("ville", "backend", "ville", (requests.CENTRE,), peers.SCOPES, jwks(), "", (), "")
        await peers.add_peer(tx, client, "https://ville.example/fhir", "percy")
        return await actions.give_token(tx, "ville", peers.SCOPES)


def order(patient: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
        "requester": {"reference": f"PractitionerRole/{ROLE}"},
        "performer": [{"reference": f"HealthcareService/{requests.SERVICE}"}],
        **more,
    }


def acting(role: str | None) -> dict[str, str]:
    return {
        "x-provenance": msgspec.json.encode(
            {"resourceType": "Provenance", "agent": [{"who": {"reference": f"PractitionerRole/{role}"}}]}
        ).decode()
    }


async def test_a_peer_keeps_its_ids_and_both_sides_name_the_task_alike(db: Database, door: FhirDoor) -> None:
    async with caller(door, await town(db)) as there:
        identifier = {"system": UUID_SYSTEM, "value": f"urn:uuid:{new_id()}"}
        person = {
            "resourceType": "Patient",
            "identifier": [identifier],
            "name": [{"family": "Essai"}],
            "gender": "female",
            "birthDate": "1980-01-01",
        }
        once = {"if-none-exist": f"identifier={UUID_SYSTEM}|{identifier['value']}"}
        made = [await there.post("/fhir/Patient", json=person, headers=once) for _ in range(2)]
        assert [answer.status_code for answer in made] == [201, 200]
        patient, id = made[0].json()["id"], new_id()
        assert made[1].json()["id"] == patient
        draft = order(patient, id=id)
        answer = await there.put(f"/fhir/ServiceRequest/{id}", json=draft)
        assert answer.status_code == 201, answer.text
        task = derived_id(id, requests.SERVICE)
        assert (await there.get(f"/fhir/Task/{task}")).json()["focus"] == {"reference": f"ServiceRequest/{id}"}
        assert (await there.put("/fhir/ServiceRequest/not-a-uuid", json={**draft, "id": "not-a-uuid"})).status_code == 404


async def test_only_a_peer_keeps_its_ids(db: Database, door: FhirDoor) -> None:
    id = new_id()
    async with caller(door, await token(db, "centre", requests.CENTRE)) as labo:
        assert (await labo.put(f"/fhir/ServiceRequest/{id}", json=order((await diary.patients(db))[0], id=id))).status_code == 404


async def test_who_acted_there_stands_beside_the_software(db: Database, door: FhirDoor) -> None:
    task = await requests.sent(db)
    async with caller(door, await token(db, "hospital", requests.HOSPITAL)) as software:
        etag = (await software.get(f"/fhir/Task/{task}")).headers["etag"]
        headers = {"if-match": etag, **acting(requests.TRIAGER.role_id)}
        assert (await software.post(f"/fhir/Task/{task}/$open", headers=headers)).status_code == 200
    last = await requests.last_status(db, task)
    assert (last["actor_kind"], last["actor_id"], last["role_id"]) == ("client", "hospital", requests.TRIAGER.role_id)


@pytest.mark.parametrize(
    ("header", "status", "reason"),
    [
        (acting(ROLE), 422, "agent-unknown"),
        (acting("nobody"), 422, "agent-unknown"),
        ({"x-provenance": "{"}, 400, "provenance-unreadable"),
        ({"x-provenance": "[]"}, 400, "provenance-unreadable"),
        ({"x-provenance": "[" * 4000}, 400, "provenance-unreadable"),
        ({"x-provenance": '{"resourceType":"Provenance","agent":[{"who":{"reference":"Device/1"}}]}'}, 400, "provenance-unreadable"),
        ({"x-provenance": "{" + " " * 5000 + "}"}, 400, "provenance-unreadable"),
    ],
    ids=["of-another-house", "unknown", "no-json", "no-object", "nested", "no-professional", "too-long"],
)
async def test_software_speaks_for_its_own_people_alone(
    db: Database, door: FhirDoor, header: dict[str, str], status: int, reason: str
) -> None:
    task = await requests.sent(db)
    async with caller(door, await token(db, "hospital", requests.HOSPITAL)) as software:
        etag = (await software.get(f"/fhir/Task/{task}")).headers["etag"]
        answer = await software.post(f"/fhir/Task/{task}/$open", headers={"if-match": etag, **header})
        assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (status, reason), answer.text
    assert (await requests.look(db, task))["state"] == "sent"
