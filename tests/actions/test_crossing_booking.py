"""Book, offer, move: one act on the request and on the diary, whichever of the two it is asked of."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import crossings as make
from tests.factories import referrals as requests

from maillage import journeys
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
PLANNER, GP, DOCTOR = make.PLANNER, make.GP, diary.DOCTOR


def appointment(slot: Any, task: Any, **changes: Any) -> dict[str, Any]:
    """An Appointment as a FHIR client posts it."""
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "start": slot["starts_at"].isoformat(),
        "end": slot["ends_at"].isoformat(),
        "basedOn": [{"reference": f"ServiceRequest/{task['request_id']}"}],
        "supportingInformation": [{"reference": f"Task/{task['id']}"}],
        "participant": [{"actor": {"reference": f"Patient/{task['patient_id']}"}, "status": "accepted"}],
        **changes,
    }


async def post(db: Database, actor: Any, resource: dict[str, Any]) -> str:
    claim = next(claim for claim in journeys.INTAKE if claim.type == "Appointment")
    async with db.transaction(actor) as tx:
        assert claim.create is not None
        return (await claim.create(tx, resource))[1]


async def test_booking_the_request_takes_the_slot(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.booked(db, slot)
    assert await make.stands(db, task, slot) == ("booked", "booked", "busy")
    visit = await make.visit(db, task)
    row = await requests.look(db, task)
    assert (visit["task_id"], visit["based_on"], visit["requester_org"]) == (task, row["request_id"], "cms-clamart-soins")
    await make.check(db)


async def test_booking_the_slot_books_the_request_that_it_names(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.to_book(db)
    patient = (await requests.look(db, task))["patient_id"]
    await make.do(db, PLANNER, "Slot/book", slot, patient=f"Patient/{patient}", task=f"Task/{task}", priority="asap")
    assert await make.stands(db, task, slot) == ("booked", "booked", "busy")
    assert (await make.visit(db, task))["priority"] == "routine"  # what the request says, not the caller
    await make.check(db)


async def test_a_posted_appointment_books_the_request_that_it_names(db: Database) -> None:
    slot = (await make.slots(db))[0]
    task = await make.to_book(db)
    id = await post(db, PLANNER, appointment(slot, await requests.look(db, task)))
    assert (await make.visit(db, task))["id"] == id
    assert await make.stands(db, task, slot["id"]) == ("booked", "booked", "busy")
    await make.check(db)


async def test_a_posted_hold_waits_beside_its_request_and_is_booked_with_it(db: Database) -> None:
    slot = (await make.slots(db))[0]
    task = await make.to_book(db)
    id = await post(db, PLANNER, appointment(slot, await requests.look(db, task), status="pending"))
    assert await make.state(db, task) == "to-book"
    await make.do(db, PLANNER, "Appointment/book", id)
    assert await make.stands(db, task, slot["id"]) == ("booked", "booked", "busy")


async def test_a_visit_without_request_crosses_nothing(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    patient = (await diary.patients(db))[0]
    id = await make.do(db, GP, "Slot/book", slots[0]["id"], patient=patient)
    await make.do(db, PLANNER, "Appointment/move", id, slot=slots[1]["id"])
    await make.do(db, PLANNER, "Appointment/cancel", id, reason="strike")
    hold = await make.do(db, GP, "Appointment/hold", slot=slots[2]["id"], patient=patient)
    await make.do(db, GP, "Appointment/cancel", hold, reason="duplicate")
    kept = await make.do(db, GP, "Slot/book", slots[3]["id"], patient=patient)
    missed = await make.do(db, GP, "Slot/book", slots[4]["id"], patient=patient)
    await make.do(db, GP, "Slot/hold", slots[5]["id"], patient=patient)
    clock.set(slots[5]["starts_at"])
    await make.do(db, DOCTOR, "Appointment/fulfil", kept)
    await make.do(db, DOCTOR, "Appointment/absent", missed)
    await make.tick(db, clock)
    await make.check(db)


async def test_a_bookable_service_is_booked_by_the_requesters_office_as_it_is_sent(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await requests.sent(db, services=[make.SERVICE])
    await make.do(db, make.NURSE, "Task/book", task, slot=slot)
    assert await make.stands(db, task, slot) == ("booked", "booked", "busy")


async def test_the_second_request_for_a_slot_is_given_other_choices(db: Database) -> None:
    slots = await make.slots(db)
    await make.booked(db, slots[0]["id"])
    second = await make.to_book(db, patient=1)
    error = await make.refused(db, Conflict, "already-booked", PLANNER, "Task/book", second, slot=slots[0]["id"])
    assert [choice["slot"] for choice in error.extra["choices"]][:2] == [slots[1]["id"], slots[2]["id"]]
    patient = (await requests.look(db, second))["patient_id"]
    await make.refused(db, Conflict, "already-booked", PLANNER, "Slot/book", slots[0]["id"], patient=patient, task=second)


async def test_what_the_request_refuses_leaves_the_slot_free(db: Database) -> None:
    slots = await make.slots(db)
    task = await requests.opened(db, services=[make.SERVICE])
    patient = (await requests.look(db, task))["patient_id"]
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Task/book", task, slot=slots[0]["id"])
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Task/offer", task, slot=slots[0]["id"])
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Slot/book", slots[0]["id"], patient=patient, task=task)
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Slot/hold", slots[0]["id"], patient=patient, task=task, kind="offer")
    accepted = await make.to_book(db, patient=1)
    version = (await requests.look(db, accepted))["version"]
    await make.refused(db, Stale, "stale", PLANNER, "Task/book", accepted, slot=slots[0]["id"], version=version - 1)
    await make.refused(db, NotAllowed, "not-for-this-party", GP, "Task/book", accepted, slot=slots[0]["id"])
    await make.refused(db, Invalid, "slot-missing", PLANNER, "Task/book", accepted)
    await make.check(db)


async def test_the_appointment_and_its_request_have_one_patient_and_one_service(db: Database) -> None:
    slot = (await make.slots(db))[0]
    task, elsewhere = await make.to_book(db), await requests.to_book(db, patient=1)
    other = (await requests.look(db, elsewhere))["patient_id"]
    await make.refused(db, Invalid, "other-patient", PLANNER, "Slot/book", slot["id"], patient=other, task=task)
    await make.refused(db, Invalid, "other-patient", PLANNER, "Slot/hold", slot["id"], patient=other, task=task)
    await make.refused(db, Invalid, "other-service", PLANNER, "Slot/book", slot["id"], patient=other, task=elsewhere)
    await make.refused(db, Invalid, "other-service", PLANNER, "Task/book", elsewhere, slot=slot["id"])
    await make.refused(db, Invalid, "other-service", PLANNER, "Task/offer", elsewhere, slot=slot["id"])
    wrong = appointment(slot, {**dict(await requests.look(db, task)), "patient_id": other})
    with pytest.raises(Invalid, match="other-patient"):
        await post(db, PLANNER, wrong)


async def test_a_request_that_is_not_seen_cannot_be_named(db: Database) -> None:
    slot = (await make.slots(db))[0]
    task = await make.to_book(db)
    patient = (await requests.look(db, task))["patient_id"]
    await make.refused(db, NotFound, "not-found", diary.GP, "Slot/book", slot["id"], patient=patient, task=task)
    before = await make.rows(db)
    with pytest.raises(NotFound):
        await post(db, diary.GP, appointment(slot, await requests.look(db, task), status="pending"))
    assert await make.rows(db) == before


async def test_an_offer_holds_the_slot_and_is_answered_yes(db: Database, clock: FixedClock) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.offered(db, slot)
    assert await make.stands(db, task, slot) == ("offered", "pending", "busy-tentative")
    assert (await requests.look(db, task))["hold_expires_at"] == clock.now() + timedelta(hours=48)
    await make.do(db, PLANNER, "Task/book", task, contact="Appel du 16 : d'accord")
    assert await make.stands(db, task, slot) == ("booked", "booked", "busy")
    await make.check(db)


async def test_an_offer_made_from_the_diary_is_answered_there_by_whoever_has_the_patient_on_the_line(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.to_book(db)
    patient = (await requests.look(db, task))["patient_id"]
    id = await make.do(db, PLANNER, "Appointment/hold", slot=slot, patient=patient, task=task, kind="offer")
    assert await make.stands(db, task, slot) == ("offered", "pending", "busy-tentative")
    await make.do(db, GP, "Appointment/book", id)
    assert await make.stands(db, task, slot) == ("booked", "booked", "busy")
    await make.check(db)


async def test_another_slot_than_the_offered_one_frees_the_first(db: Database) -> None:
    slots = await make.slots(db)
    task = await make.offered(db, slots[0]["id"])
    await make.do(db, PLANNER, "Task/book", task, slot=slots[1]["id"])
    assert await make.stands(db, task, slots[1]["id"]) == ("booked", "booked", "busy")
    assert await make.status(db, "slot", slots[0]["id"]) == "free"
    again = await make.offered(db, slots[2]["id"], patient=1)
    patient = (await requests.look(db, again))["patient_id"]
    await make.do(db, PLANNER, "Slot/book", slots[3]["id"], patient=patient, task=again)
    assert await make.stands(db, again, slots[3]["id"]) == ("booked", "booked", "busy")
    assert await make.status(db, "slot", slots[2]["id"]) == "free"
    await make.check(db)


async def test_a_refused_offer_frees_the_slot(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.offered(db, slot)
    await make.do(db, PLANNER, "Task/refuse-offer", task, reason="date-unsuitable", contact="Appel du 17")
    assert (await make.state(db, task), await make.status(db, "slot", slot)) == ("to-book", "free")
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Task/refuse-offer", task, reason="date-unsuitable", contact="Appel")
    await make.check(db)


async def test_an_offer_without_answer_expires_in_both_rooms(db: Database, clock: FixedClock) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.offered(db, slot)
    held = (await make.visit(db, task))["id"]
    await make.tick(db, clock, clock.now() + timedelta(hours=48))
    assert (await make.state(db, task), await make.status(db, "slot", slot)) == ("to-book", "free")
    assert await make.status(db, "appointment", held) == "cancelled"
    await make.check(db)


async def test_an_ended_offer_whose_slot_was_taken_meanwhile_expires_too(db: Database, clock: FixedClock) -> None:
    slot = (await make.slots(db))[0]["id"]
    first, second = await make.offered(db, slot), await make.to_book(db, patient=1)
    clock.advance(timedelta(hours=49))
    await make.refused(db, Conflict, "hold-expired", PLANNER, "Task/book", first, contact="Trop tard")
    await make.do(db, PLANNER, "Task/book", second, slot=slot)
    await make.tick(db, clock)
    assert await make.state(db, first) == "to-book"
    assert await make.stands(db, second, slot) == ("booked", "booked", "busy")
    await make.check(db)


async def test_a_hold_on_screen_falls_without_a_word_to_the_request(db: Database, clock: FixedClock) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.to_book(db)
    patient = (await requests.look(db, task))["patient_id"]
    await make.do(db, PLANNER, "Slot/hold", slot, patient=patient, task=task)
    before = await requests.look(db, task)
    await make.tick(db, clock, clock.now() + timedelta(minutes=11))
    assert await make.status(db, "slot", slot) == "free"
    assert await requests.look(db, task) == before


@pytest.mark.parametrize("door", ["Task", "Appointment"])
async def test_moving_the_visit_moves_it_in_both_rooms(db: Database, door: str) -> None:
    slots = await make.slots(db)
    later = await make.second_day(db, slots[0]["session_id"], date(2026, 12, 8))
    task = await make.booked(db, slots[0]["id"])
    if door == "Task":
        await make.do(db, PLANNER, "Task/reschedule", task, slot=f"Slot/{later[0]['id']}", comment="à la demande du patient")
    else:
        await make.do(db, PLANNER, "Appointment/move", (await make.visit(db, task))["id"], slot=f"Slot/{later[0]['id']}")
    row = await requests.look(db, task)
    assert (row["slot_start"], row["reschedules"]) == (later[0]["starts_at"], 1)
    assert await make.stands(db, task, later[0]["id"]) == ("booked", "booked", "busy")
    assert await make.status(db, "slot", slots[0]["id"]) == "free"
    await make.check(db)


async def test_only_a_booked_visit_moves(db: Database) -> None:
    slots = await make.slots(db)
    task = await make.to_book(db)
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Task/reschedule", task, slot=slots[0]["id"])
    booked = await make.cancellation_requested(db, await make.booked(db, slots[0]["id"], patient=1))
    visit = (await make.visit(db, booked))["id"]
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Task/reschedule", booked, slot=slots[1]["id"])
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Appointment/move", visit, slot=slots[1]["id"])
