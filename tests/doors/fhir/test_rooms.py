"""The real rooms through the door: a whole referral in one bundle, its verbs, a booking by `POST Appointment`, and their refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller, caller, token
from tests.factories import booking as diary
from tests.factories import referrals as requests

from maillage import access, journeys
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.referrals import render
from maillage.store import Database

pytestmark = pytest.mark.asyncio
FILL = diary.territory


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    return FhirDoor(db, operations=journeys.OPERATIONS, intake=journeys.INTAKE, mode="test")


@pytest_asyncio.fixture
async def centre(door: FhirDoor) -> AsyncIterator[Caller]:
    async with caller(door, await token(door.db, "centre", requests.CENTRE)) as made:
        yield made


@pytest_asyncio.fixture
async def hospital(door: FhirDoor) -> AsyncIterator[Caller]:
    async with caller(door, await token(door.db, "hospital", requests.HOSPITAL)) as made:
        yield made


async def referral(db: Database, patient: str, *, form_without: str = "") -> dict[str, Any]:
    """A whole referral as a partner posts it: the request, its form, its Task."""
    async with db.transaction(requests.GP) as tx:
        items = await requests.form(tx, requests.SERVICE)
        service = await requests.directory.get_service(tx, requests.SERVICE)
    if form_without:
        items = requests.without(items, form_without)
    request, form, task = (f"urn:uuid:0000000{n}-0000-4000-8000-000000000000" for n in range(1, 4))
    about = {"reference": f"Patient/{patient}"}
    service_reference = {"reference": f"HealthcareService/{requests.SERVICE}"}
    flags = [{"url": url, "valueBoolean": True} for url in (render.IDENTITY_CONFIRMED, render.PATIENT_INFORMED)]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": task,
                "request": {"method": "POST", "url": "Task"},
                "resource": {"resourceType": "Task", "status": "requested", "intent": "order", "focus": {"reference": request}, "for": about,
                             "owner": service_reference},
            },
            {
                "fullUrl": form,
                "request": {"method": "POST", "url": "QuestionnaireResponse"},
                "resource": {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": service.questionnaire,
                             "subject": about, "basedOn": [{"reference": request}], "item": items},
            },
            {
                "fullUrl": request,
                "request": {"method": "POST", "url": "ServiceRequest"},
                "resource": {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": about, "extension": flags,
                             "requester": {"reference": "PractitionerRole/clamart-mg-isambert"}, "performer": [service_reference]},
            },
        ],
    }  # fmt: skip


async def test_a_whole_referral_and_its_first_verbs(db: Database, centre: Caller, hospital: Caller) -> None:
    patient = (await diary.patients(db))[0]
    answer = await centre.post("/fhir", json=await referral(db, patient))
    assert answer.status_code == 200, answer.text
    task = answer.json()["entry"][0]["resource"]
    assert task["resourceType"] == "Task"
    found = (await hospital.get("/fhir/Task", params={"patient": patient, "_include": "Task:focus", "code": "fulfill"})).json()
    assert [e["resource"]["id"] for e in found["entry"] if e["search"]["mode"] == "match"] == [task["id"]]
    address = f"/fhir/Task/{task['id']}"
    legal = (await hospital.get(f"{address}/$available-actions")).json()
    assert legal["resourceType"] == "Parameters"
    etag = (await hospital.get(address)).headers["etag"]
    wrong = await hospital.post(f"{address}/$acknowledge", headers={"if-match": etag})
    assert wrong.status_code in (403, 409, 400), wrong.text
    unversioned = await hospital.post(f"{address}/$open")
    assert (unversioned.status_code, unversioned.headers["etag"]) == (428, etag)
    rewrite = await hospital.put(address, json={**(await hospital.get(address)).json(), "status": "accepted"}, headers={"if-match": etag})
    assert rewrite.status_code == 422
    assert "$accept" in rewrite.text


async def test_a_missing_item_names_its_link(db: Database, centre: Caller) -> None:
    patient = (await diary.patients(db))[0]
    bundle = await referral(db, patient, form_without="phone")
    answer = await centre.post("/fhir", json=bundle)
    assert answer.status_code == 422, answer.text
    assert "linkId='phone'" in answer.json()["issue"][0]["expression"][0], answer.text
    assert "entry" not in (await centre.get("/fhir/ServiceRequest")).json()


async def test_booking_a_slot_by_posting_an_appointment(db: Database, hospital: Caller) -> None:
    session = await diary.open_session(db)
    first, second = (await diary.patients(db))[:2]
    free = (await hospital.get(f"/fhir/Slot?schedule=Schedule/{session['id']}&status=free&start=ge2026-12-01&_sort=start")).json()
    assert free["total"] == 9
    slot = free["entry"][0]["resource"]

    def appointment(patient: str) -> dict[str, Any]:
        return {
            "resourceType": "Appointment",
            "status": "booked",
            "slot": [{"reference": f"Slot/{slot['id']}"}],
            "start": slot["start"],
            "end": slot["end"],
            "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
        }

    made = await hospital.post("/fhir/Appointment", json=appointment(first))
    assert made.status_code == 201, made.text
    taken = await hospital.post("/fhir/Appointment", json=appointment(second))
    assert taken.status_code == 409, taken.text
    issue = taken.json()["issue"][0]
    assert issue["details"]["coding"][0]["code"] == "already-booked"
    assert [e["valueReference"]["reference"].partition("/")[0] for e in issue["extension"]] == ["Slot"] * len(issue["extension"])
    assert len(issue["extension"]) >= 3
    left = (await hospital.get(f"/fhir/Slot?schedule=Schedule/{session['id']}&status=free")).json()
    assert left["total"] == 8
    seen = (await hospital.get(f"/fhir/Appointment?patient=Patient/{first}&date=2026-12-01&_include=Appointment:slot")).json()
    assert [e["search"]["mode"] for e in seen["entry"]] == ["match", "include"]


async def test_a_patient_is_found_by_identifier(db: Database, hospital: Caller) -> None:
    patient = (await diary.patients(db))[0]
    resource = (await hospital.get(f"/fhir/Patient/{patient}")).json()
    for identifier in resource["identifier"]:
        found = (await hospital.get("/fhir/Patient", params={"identifier": f"{identifier['system']}|{identifier['value']}"})).json()
        assert [e["resource"]["id"] for e in found["entry"]] == [patient]


async def posted(hospital: Caller, slot: dict[str, Any], patient: str, **changes: Any) -> Any:
    """An Appointment that books, as a client that knows the slot and the order posts it."""
    body = {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "start": slot["start"],
        "end": slot["end"],
        "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
        **changes,
    }
    return await hospital.post("/fhir/Appointment", json=body)


async def free_slots(db: Database, hospital: Caller) -> list[dict[str, Any]]:
    session = await diary.open_session(db)
    found = (await hospital.get(f"/fhir/Slot?schedule=Schedule/{session['id']}&status=free&start=ge2026-12-01&_sort=start")).json()
    return [entry["resource"] for entry in found["entry"]]


async def test_an_appointment_says_when_its_slot_is(db: Database, hospital: Caller) -> None:
    slot, patient = (await free_slots(db, hospital))[-1], (await diary.patients(db))[0]
    for changes in ({"start": "2026-12-25T10:00:00Z"}, {"end": "2026-12-25T10:00:00+01:00"}, {"end": "2026-12-31T23:59:60Z"}):
        refused = await posted(hospital, slot, patient, **changes)
        assert refused.status_code == 422, (changes, refused.text)
        assert refused.json()["issue"][0]["details"]["coding"][0]["code"] == "slot-has-another-time"


async def test_no_appointment_is_booked_on_a_slot_that_is_not_here(db: Database, hospital: Caller) -> None:
    slot, patient = (await free_slots(db, hospital))[-1], (await diary.patients(db))[0]
    refused = await posted(hospital, {**slot, "id": "nowhere"}, patient)
    absent = await hospital.get("/fhir/Slot/nowhere")
    assert (refused.status_code, refused.content) == (404, absent.content)


async def test_a_patch_of_what_a_verb_decides_is_refused_with_the_legal_verbs(db: Database, centre: Caller, hospital: Caller) -> None:
    patient = (await diary.patients(db))[0]
    task = (await centre.post("/fhir", json=await referral(db, patient))).json()["entry"][0]["resource"]
    address = f"/fhir/Task/{task['id']}"
    etag = (await hospital.get(address)).headers["etag"]
    json_patch = {"content-type": "application/json-patch+json", "if-match": etag}
    accepted = [{"op": "replace", "path": "/status", "value": "accepted"}]
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Task.status"},
        {"name": "value", "valueCode": "accepted"},
    ]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    binary = {"request": {"method": "PATCH", "url": f"Task/{task['id']}", "ifMatch": etag}, "resource": parameters}
    for answer in (
        await hospital.patch(address, json=accepted, headers=json_patch),
        await hospital.patch(address, json=parameters, headers={"if-match": etag}),
        await hospital.patch(f"/fhir/Task?_id={task['id']}", json=parameters),
        await hospital.put(f"/fhir/Task?_id={task['id']}", json={**task, "status": "accepted"}),
        await hospital.delete(f"/fhir/Task?_id={task['id']}"),
        await hospital.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": [binary]}),
    ):
        issue = answer.json()["issue"][0]
        assert (answer.status_code, issue["details"]["coding"][0]["code"]) == (422, "room-decides"), answer.text
        verbs = [e["valueCode"] for e in issue["extension"] if e["url"].endswith("/legal-verb")]
        legal = (await hospital.get(f"{address}/$available-actions")).json()["parameter"]
        assert verbs == [part["valueCode"] for action in legal for part in action["part"] if part["name"] == "verb"]
        assert "open" in verbs
    same = await hospital.patch(address, json=[{"op": "test", "path": "/status", "value": task["status"]}], headers=json_patch)
    assert (same.status_code, same.headers["etag"]) == (200, etag)
    assert (await hospital.get(address)).headers["etag"] == etag


async def test_nothing_becomes_a_rooms_by_a_chosen_id_or_a_rewrite(db: Database, door: FhirDoor, centre: Caller) -> None:
    secret = await token(db, "labo", requests.CENTRE)
    async with db.transaction(SYSTEM) as tx:
        await access.let_choose_ids(tx, "labo", "labo-")
    patient = (await diary.patients(db))[0]
    order = {
        "resourceType": "ServiceRequest",
        "id": "labo-1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
    }
    ours_to_decide = {**order, "performer": [{"reference": f"HealthcareService/{requests.SERVICE}"}]}
    async with caller(door, secret) as labo:
        refused = await labo.put("/fhir/ServiceRequest/labo-1", json=ours_to_decide)
        assert (refused.status_code, "Use POST ServiceRequest" in refused.text) == (422, True), refused.text
        assert (await labo.put("/fhir/ServiceRequest/labo-1", json=order)).status_code == 201
        assert (await labo.delete("/fhir/ServiceRequest/labo-1", headers={"if-match": 'W/"1"'})).status_code == 204
        for version, wanted, body in ((2, 422, ours_to_decide), (2, 201, order), (3, 422, ours_to_decide)):
            answer = await labo.put("/fhir/ServiceRequest/labo-1", json=body, headers={"if-match": f'W/"{version}"'})
            assert answer.status_code == wanted, answer.text
