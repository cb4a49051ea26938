"""A shared agenda tells an appointment by its identifier (GAP 3.0.0, SAS 1.2.0): made once, then moved by its next state, on slots of ours or kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller, caller, token
from tests.factories import booking as diary

from maillage import journeys
from maillage.codes import systems
from maillage.doors.fhir import FhirDoor
from maillage.store import Database

pytestmark = pytest.mark.asyncio
FILL = diary.territory
OURS = {"system": "urn:oid:1.1.111.1.11.1.1.1", "value": "b6e39355-8a61-4556-b340-36f7b95fec6a"}
WHERE = f"?identifier={OURS['system']}|{OURS['value']}"


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    return FhirDoor(db, operations=journeys.OPERATIONS, intake=journeys.INTAKE, mode="test")


@pytest_asyncio.fixture
async def agenda(door: FhirDoor) -> AsyncIterator[Caller]:
    async with caller(door, await token(door.db, "agenda", diary.HOSPITAL)) as made:
        yield made


async def slots(db: Database) -> list[Any]:
    session = await diary.open_session(db)
    return await diary.slots(db, session["id"])


def asked(patient: str, slot: Any, status: str = "booked", **more: Any) -> dict[str, Any]:
    participants = [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}]
    return {
        "resourceType": "Appointment",
        "identifier": [OURS],
        "status": status,
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "start": slot["starts_at"].isoformat(),
        "end": slot["ends_at"].isoformat(),
        "created": "2026-11-16T09:00:00+01:00",
        "participant": participants,
        **more,
    }


async def test_a_declared_booking_is_moved_and_cancelled_by_its_identifier(db: Database, agenda: Caller) -> None:
    first, second, *_ = await slots(db)
    patient = (await diary.patients(db))[0]
    made = await agenda.post("/fhir/gap/Appointment", json=asked(patient, first))
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert made.headers["location"].startswith(f"http://testserver/fhir/gap/Appointment/{id}/")
    assert OURS in made.json()["identifier"]
    again = await agenda.put(f"/fhir/gap/Appointment{WHERE}", json=asked(patient, first))
    assert (again.status_code, again.headers["etag"]) == (200, made.headers["etag"])
    moved = await agenda.put(f"/fhir/gap/Appointment{WHERE}", json=asked(patient, second))
    assert moved.status_code == 200, moved.text
    assert moved.json()["slot"] == [{"reference": f"Slot/{second['id']}"}]
    assert (await agenda.get(f"/fhir/gap/Slot/{first['id']}")).json()["status"] == "free"
    over = await agenda.put(f"/fhir/gap/Appointment{WHERE}", json=asked(patient, second, "cancelled"))
    assert (over.status_code, over.json()["status"], over.json()["id"]) == (200, "cancelled", id)
    assert (await agenda.get(f"/fhir/gap/Slot/{second['id']}")).json()["status"] == "free"
    back = await agenda.put(f"/fhir/gap/Appointment{WHERE}", json=asked(patient, second))
    assert back.status_code == 409, back.text
    assert back.json()["issue"][0]["details"]["coding"][1]["code"] == "SEND_CONFLICT"


async def test_a_request_is_held_then_booked(db: Database, agenda: Caller) -> None:
    first, *_ = await slots(db)
    patient = (await diary.patients(db))[0]
    made = await agenda.put(f"/fhir/gap/Appointment{WHERE}", json=asked(patient, first, "proposed"))
    assert (made.status_code, made.json()["status"]) == (201, "pending"), made.text
    booked = await agenda.put(f"/fhir/gap/Appointment{WHERE}", json=asked(patient, first))
    assert (booked.status_code, booked.json()["status"]) == (200, "booked"), booked.text
    arrived = await agenda.put(f"/fhir/gap/Appointment{WHERE}", json=asked(patient, first, "arrived"))
    assert arrived.status_code == 422
    assert "$arrive" in arrived.text
    other = asked((await diary.patients(db))[1], first, identifier=[{**OURS, "value": "2"}])
    assert (await agenda.post("/fhir/gap/Appointment", json=other)).status_code == 409


async def test_the_condition_is_an_identifier_of_the_body(db: Database, agenda: Caller) -> None:
    body = asked((await diary.patients(db))[0], (await slots(db))[0])
    for condition in ("?identifier=urn:oid:1.2|other", "?status=booked", "?identifier=a&identifier=b"):
        refused = await agenda.put(f"/fhir/gap/Appointment{condition}", json=body)
        assert refused.status_code == 400, condition


async def test_what_names_no_slot_of_ours_is_kept_and_told_again(agenda: Caller) -> None:
    """`PUT Appointment?Identifier=`, with the capital of the test kit; the operator leaves under the old root of FR Core."""
    kind = {"coding": [{"system": "http://interopsante.org/fhir/CodeSystem/fr-v2-0203", "code": "IDNPS"}]}
    person = {"type": kind, "system": systems.IDNPS, "value": "810100050075"}
    old = "http://interopsante.org/fhir/StructureDefinition/FrAppointmentOperator"
    declared = {
        "resourceType": "Appointment",
        "extension": [{"url": old, "valueReference": {"identifier": person}}],
        "identifier": [OURS],
        "status": "booked",
        "start": "2026-12-04T14:00:00+01:00",
        "end": "2026-12-04T14:15:00+01:00",
        "created": "2026-11-16T10:00:00+01:00",
        "participant": [{"actor": {"identifier": person}, "status": "accepted"}],
    }
    made = await agenda.post("/fhir/sas/Appointment", json=declared)
    assert made.status_code == 201, made.text
    again = await agenda.put(f"/fhir/sas/Appointment{WHERE.replace('?i', '?I')}", json={**declared, "status": "noshow"})
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (200, made.json()["id"], "noshow")
    assert again.json()["extension"][0]["url"] == old
    core = (await agenda.get(f"/fhir/gap/Appointment/{made.json()['id']}")).json()
    assert core["extension"][0]["url"] == systems.EXT_APPOINTMENT_OPERATOR
    assert (await agenda.get(f"/fhir/Appointment/{made.json()['id']}")).json()["extension"][0]["url"] == old
    for missing in ("extension", "identifier", "created"):
        refused = await agenda.post("/fhir/sas/Appointment", json={key: value for key, value in declared.items() if key != missing})
        assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (400, [f"Appointment.{missing}"])


async def test_a_regulator_has_one_active_account(agenda: Caller) -> None:
    kind = {"coding": [{"system": "http://interopsante.org/fhir/CodeSystem/fr-v2-0203", "code": "IDNPS"}]}
    internal = {
        "type": {"coding": [{"system": kind["coding"][0]["system"], "code": "INTRN"}]},
        "system": systems.SAS_SOURCE,
        "value": "3f6c-uuid",
    }
    national = {"type": kind, "system": systems.IDNPS, "value": f"8{'99700001235'}"}

    def account(identifier: dict[str, Any], **more: Any) -> dict[str, Any]:
        name, mail = [{"family": "Loridon", "given": ["Sébastien"]}], [{"system": "email", "value": "s.loridon@example.org"}]
        start = {"resourceType": "Practitioner", "meta": {"source": systems.SAS_SOURCE}, "identifier": [identifier]}
        return {**start, "active": True, "name": name, "telecom": mail, **more}

    address = "/fhir/sas/Practitioner"
    made = await agenda.post(address, json=account(internal))
    assert made.status_code == 201, made.text
    assert made.json()["identifier"][0]["type"]["coding"][0]["system"] == kind["coding"][0]["system"]
    assert (await agenda.post(address, json=account(internal))).status_code == 409
    named = await agenda.put(f"{address}?identifier={systems.SAS_SOURCE}|3f6c-uuid", json=account(national))
    assert (named.status_code, named.json()["id"]) == (200, made.json()["id"]), named.text
    where = f"{address}?identifier={systems.IDNPS}|{national['value']}"
    assert (await agenda.post(address, json=account(national))).status_code == 409
    off = await agenda.put(where, json=account(national, active=False))
    assert (off.status_code, off.json()["active"]) == (200, False)
    assert (await agenda.put(where, json=account(national, active=False))).headers["etag"] == off.headers["etag"]
    fresh = await agenda.put(where, json=account(national))
    assert fresh.status_code == 201
    assert fresh.json()["id"] != made.json()["id"]
    for missing in ("active", "name", "telecom", "meta", "identifier"):
        body = {key: value for key, value in account(national).items() if key != missing}
        assert (await agenda.post(address, json=body)).status_code == 400, missing
    assert (await agenda.post(address, json=account(national, meta={"source": "urn:x"}))).status_code == 422
