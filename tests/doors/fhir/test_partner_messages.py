"""Admissions, discharges and appointments that a partner tells by FHIR messages: a verb, a stay in the record, or kept whole with the reason."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller, caller, token
from tests.factories import crossings as make
from tests.factories import referrals as requests

from maillage import journeys, record
from maillage.access import issue_token, visible_to
from maillage.codes.json import decode
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.messaging import incoming
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
EXAMPLES = Path(os.environ.get("MAILLAGE_EXAMPLES", "")) / "fr-core-2.2.0" / "examples"
HOUR = {"start": "2026-12-01T14:00:00+01:00", "end": "2026-12-01T14:20:00+01:00"}
STRANGER = Actor("person", "anyone", ("chiv",), frozenset({"medecin"}), "anyone-role")


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    return FhirDoor(db, mode="test", operations=journeys.OPERATIONS, intake=journeys.INTAKE)


@pytest_asyncio.fixture
async def partner(door: FhirDoor) -> AsyncIterator[Caller]:
    """The patient administration of the hospital, which runs that of the centre too."""
    async with door.db.transaction(SYSTEM) as tx:
        secret = await issue_token(tx, "gam", ["system/*.cruds"], [requests.HOSPITAL, requests.CENTRE], timedelta(days=60))
    async with caller(door, secret) as made:
        yield made


def message(*resources: dict[str, Any], number: str = "m-1", event: str = "A01") -> dict[str, Any]:
    """A Bundle of type message about its first resource."""
    urls = [f"urn:uuid:00000000-0000-4000-8000-00000000000{place}" for place in range(len(resources))]
    header = {
        "resourceType": "MessageHeader",
        "id": number,
        "eventCoding": {"system": "http://terminology.hl7.org/CodeSystem/v2-0003", "code": event},
        "source": {"endpoint": "https://gam.example/"},
        "focus": [{"reference": urls[0]}],
    }
    entries = [{"fullUrl": url, "resource": one} for url, one in zip(urls, resources, strict=True)]
    return {"resourceType": "Bundle", "type": "message", "entry": [{"fullUrl": "urn:uuid:header", "resource": header}, *entries]}


def visit(patient: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def numbered(value: str = "897406") -> dict[str, Any]:
    return {"identifier": [{"system": "urn:venues", "value": value}]}


async def send(who: Caller, bundle: dict[str, Any]) -> httpx.Response:
    return await who.post("/fhir/$process-message", json=bundle)


def said(answer: httpx.Response) -> tuple[str, str]:
    """The severity and the text of the first thing that the answer says."""
    assert answer.status_code == 200, answer.text
    issue = answer.json()["entry"][1]["resource"]["issue"][0]
    return issue["severity"], issue["details"]["text"]


async def booked(db: Database, clock: FixedClock) -> tuple[str, str]:
    """An appointment whose hour has come, and its patient."""
    slot = (await make.slots(db))[0]
    row = await make.visit(db, await make.booked(db, slot["id"]))
    clock.set(slot["starts_at"])
    return row["id"], row["patient_id"]


async def status_of(db: Database, appointment: str) -> str:
    async with db.transaction(SYSTEM) as tx:
        return str(await tx.fetchval("SELECT status FROM appointment WHERE id = $1", appointment))


async def kept(db: Database) -> list[incoming.Told]:
    async with db.transaction(Actor("client", "gam", (requests.HOSPITAL,), frozenset({"logiciel"}))) as tx:
        return await incoming.last_of(tx, "gam")


async def test_an_arrival_that_a_partner_tells_is_the_verb_and_a_replay_gets_the_same_answer(
    db: Database, clock: FixedClock, partner: Caller
) -> None:
    id, patient = await booked(db, clock)
    told = message(visit(patient, "arrived", appointment=[{"reference": f"Appointment/{id}"}]))
    first = await send(partner, told)
    assert said(first) == ("information", f"Appointment/{id}")
    assert first.json()["entry"][0]["resource"]["response"] == {
        "identifier": "m-1",
        "code": "ok",
        "details": {"reference": first.json()["entry"][1]["fullUrl"]},
    }
    assert await status_of(db, id) == "arrived"
    assert (await send(partner, told)).json() == first.json()
    other = await send(partner, message(visit(patient, "finished")))
    assert (other.status_code, "message-id-reused" in other.text) == (409, True)
    assert len(await kept(db)) == 1
    await make.check(db)


async def test_the_same_message_ten_times_at_once_has_one_effect(db: Database, clock: FixedClock, partner: Caller) -> None:
    id, patient = await booked(db, clock)
    told = message({"resourceType": "Appointment", "id": id, "status": "arrived", **HOUR, **participant(patient)})
    answers = await asyncio.gather(*(send(partner, told) for _ in range(10)))
    assert {json.dumps(one.json()) for one in answers} == {json.dumps(answers[0].json())}
    assert said(answers[0]) == ("information", f"Appointment/{id}")
    assert len(await kept(db)) == 1


def participant(patient: str) -> dict[str, Any]:
    return {"participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}]}


async def test_an_absence_goes_back_to_the_clinician(db: Database, clock: FixedClock, partner: Caller) -> None:
    slot = (await make.slots(db))[0]
    task = await make.booked(db, slot["id"])
    row = await make.visit(db, task)
    clock.set(slot["ends_at"])
    told = message(
        {"resourceType": "Appointment", "id": row["id"], "status": "noshow", **HOUR, **participant(row["patient_id"])}, event="S26"
    )
    assert said(await send(partner, told)) == ("information", f"Appointment/{row['id']}")
    assert await status_of(db, row["id"]) == "noshow"
    assert (await requests.look(db, task))["state"] == "not-attended"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "onleave"}, "no-verb"),
        ({"status": "finished"}, "before-its-day"),
        ({"status": "arrived", "subject": {"display": "quelqu’un"}}, "identity-unconfirmed"),
        ({"status": "arrived", "subject": "another"}, "wrong-patient"),
        ({"status": "arrived", "class": "bad"}, "wrong-type"),
    ],
)
async def test_what_cannot_be_done_is_kept_whole_with_its_reason_and_nothing_moves(
    db: Database, partner: Caller, changes: dict[str, Any], reason: str
) -> None:
    slot = (await make.slots(db))[0]
    row = await make.visit(db, await make.booked(db, slot["id"]))
    patients = await requests.patients(db)
    if changes.get("subject") == "another":
        changes = {**changes, "subject": {"reference": f"Patient/{next(one for one in patients if one != row['patient_id'])}"}}
    told = message({**visit(row["patient_id"], "arrived", appointment=[{"reference": f"Appointment/{row['id']}"}]), **changes})
    assert said(await send(partner, told)) == ("warning", reason)
    assert await status_of(db, row["id"]) == "booked"
    [one] = await kept(db)
    assert (one.verdict, one.outcomes[0].reason) == ("kept", reason)
    async with db.transaction(SYSTEM) as tx:
        content = decode(await tx.fetchval("SELECT content FROM partner_message"))
    assert content[1] == told["entry"][1]["resource"]


async def test_a_stay_opens_the_link_of_its_house_and_its_end_lets_it_run_out(db: Database, clock: FixedClock, partner: Caller) -> None:
    patient = (await requests.patients(db))[0]
    first = said(await send(partner, message(visit(patient, "in-progress", **numbered()))))
    last = said(await send(partner, message(visit(patient, "finished", **numbered()), number="m-2", event="A03")))
    assert first == last
    encounter = first[1].removeprefix("Encounter/")
    async with db.transaction(SYSTEM) as tx:
        stay = decode(await record.current(tx, "Encounter", encounter))
        row = await tx.fetchrow("SELECT basis, organization_id, ends FROM care_link WHERE source = $1", first[1])
    assert (stay["status"], stay["subject"]["reference"]) == ("finished", f"Patient/{patient}")
    assert (row["basis"], row["organization_id"], (row["ends"] - clock.now()).days) == ("presence", requests.HOSPITAL, 90)
    async with db.transaction(STRANGER) as tx:
        assert not await record.existing(tx, "Encounter", [encounter], visible_to(STRANGER, "Encounter"))


async def test_a_patient_named_by_a_sure_ins_is_found_and_other_entries_become_numbers(db: Database, partner: Caller) -> None:
    async with db.transaction(SYSTEM) as tx:
        id = await tx.fetchval("SELECT id FROM patient WHERE qualified ORDER BY id LIMIT 1")
        whole = decode(await record.current(tx, "Patient", id))
    ward = {"resourceType": "Location", "status": "active", "name": "Chir V", "identifier": [{"system": "urn:uf", "value": "6268"}]}
    urls = ["urn:uuid:00000000-0000-4000-8000-000000000001", "urn:uuid:00000000-0000-4000-8000-000000000002"]
    stay = {**visit(id, "in-progress", **numbered()), "subject": {"reference": urls[0]}, "location": [{"location": {"reference": urls[1]}}]}
    severity, made = said(await send(partner, message(stay, {**whole, "id": "ipp-000003"}, ward)))
    assert severity == "information", made
    async with db.transaction(SYSTEM) as tx:
        content = decode(await record.current(tx, "Encounter", made.removeprefix("Encounter/")))
    assert content["subject"]["reference"] == f"Patient/{id}"
    assert content["location"][0]["location"] == {"type": "Location", "identifier": {"system": "urn:uf", "value": "6268"}}


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the official examples are not here")
@pytest.mark.parametrize(
    ("name", "reason"), [("Encounter-FRCoreEncounterExample", "patient-unknown"), ("Appointment-FRCoreAppointmentExample", "not-found")]
)
async def test_the_official_examples_are_kept_until_we_know_whom_they_are_about(
    db: Database, partner: Caller, name: str, reason: str
) -> None:
    example = json.loads((EXAMPLES / f"{name}.json").read_text())
    assert said(await send(partner, message(example))) == ("warning", reason)
    if example["resourceType"] == "Encounter":
        patient = {"subject": {"reference": f"Patient/{(await requests.patients(db))[0]}"}}
        assert said(await send(partner, message({**example, **patient}, number="m-2")))[0] == "information"


async def test_what_is_no_message_is_refused_and_who_may_not_write_says_nothing(door: FhirDoor, partner: Caller) -> None:
    whole = message(visit("x", "arrived"))
    for broken in ({**whole, "type": "batch"}, {**whole, "entry": whole["entry"][1:]}, {**whole, "entry": []}):
        assert (await send(partner, broken)).status_code == 400
    async with caller(door, await token(door.db, "reader", requests.HOSPITAL, "system/*.rs")) as reader:
        assert (await send(reader, whole)).status_code == 403
    offered = (await partner.get("/fhir/metadata")).json()["rest"][0]["operation"]
    assert "process-message" in {one["name"] for one in offered}
