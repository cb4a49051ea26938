"""Cancel, miss, keep, end: what becomes of a visit is said once, and both rooms know it."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import crossings as make
from tests.factories import referrals as requests

from maillage import journeys, referrals
from maillage.journeys.elsewhere import PLACING
from maillage.journeys.operations import FROM_BOOKING, FROM_REFERRAL
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
PLANNER, GP, TRIAGER, DOCTOR, HOST = make.PLANNER, make.GP, make.TRIAGER, diary.DOCTOR, diary.HOST
STOPPED = {"record_reviewed": True, "contacts": 2, "comment": "deux appels sans réponse"}


async def arrived(db: Database, clock: FixedClock, task: str) -> str:
    """The patient of a booked request is there."""
    visit = await make.visit(db, task)
    clock.set(visit["starts_at"])
    await make.do(db, HOST, "Appointment/arrive", visit["id"], identity_confirmed=True)
    return str(visit["id"])


async def test_each_crossing_takes_the_parameters_that_its_verb_declares() -> None:
    declared = {(operation.type, operation.name): operation.parameters for operation in journeys.OPERATIONS}
    calls = {("Task", name): call for name, (call, _) in FROM_REFERRAL.items()} | dict(FROM_BOOKING)
    for verb, call in calls.items():
        at_a_peer = {parameter.name for parameter in PLACING.get(verb[1], ())} if verb[0] == "Task" else set()
        names = {parameter.name.replace("-", "_") for parameter in declared[verb]} - at_a_peer
        inspect.signature(call).bind("tx", "id", version=None, **dict.fromkeys(names))


@pytest.mark.parametrize(
    ("side", "reason"), [("patient", "ill"), ("hospital", "strike"), ("host", "room"), ("hospital", "session-cancelled")]
)
async def test_the_request_cancels_its_visit(db: Database, side: str, reason: str) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.booked(db, slot)
    visit = (await make.visit(db, task))["id"]
    await make.do(db, PLANNER, "Task/cancel-appointment", task, side=side, reason=reason)
    assert (await make.state(db, task), await make.status(db, "slot", slot)) == ("to-rebook", "free")
    row = await diary.row(db, "appointment", visit)
    assert (row["status"], row["cancel_side"]) == ("cancelled", side)
    assert bool(await requests.ledger(db, task)) == (side != "patient")
    await make.check(db)


@pytest.mark.parametrize(
    ("actor", "reason", "comment", "stored"),
    [
        (PLANNER, "strike", None, ("cancel-by-service", "strike")),
        (PLANNER, "referral-ended", "ok", ("cancel-by-service", "other")),
        (GP, "duplicate", None, ("cancel-by-patient", "other")),
        (GP, "other", "le patient a déménagé hier", ("cancel-by-patient", "other")),
    ],
)
async def test_the_diary_cancels_the_visit_of_a_request(db: Database, actor: Any, reason: str, comment: Any, stored: Any) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.booked(db, slot)
    await make.do(db, actor, "Appointment/cancel", (await make.visit(db, task))["id"], reason=reason, comment=comment)
    row = await requests.look(db, task)
    assert (row["state"], row["appointment_id"]) == ("to-rebook", None)
    assert (row["reason_list"], row["reason"]) == stored
    assert await make.status(db, "slot", slot) == "free"
    await make.check(db)


async def test_the_diary_takes_an_offer_back(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.offered(db, slot)
    await make.do(db, PLANNER, "Appointment/cancel", (await make.visit(db, task))["id"], reason="leave")
    assert (await make.state(db, task), await make.status(db, "slot", slot)) == ("to-book", "free")
    await make.check(db)


async def test_cancelling_without_a_side_or_a_reason_changes_nothing(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.booked(db, slot)
    await make.refused(db, Invalid, "side-missing", PLANNER, "Task/cancel-appointment", task, reason="ill")
    await make.refused(db, Invalid, "reason-missing", PLANNER, "Task/cancel-appointment", task, side="patient")
    await make.refused(db, NotAllowed, "not-for-this-party", TRIAGER, "Task/cancel-appointment", task, side="patient", reason="ill")


async def test_a_visit_whose_request_is_being_cancelled_can_be_cancelled_in_the_diary(db: Database) -> None:
    slots = await make.slots(db)
    booked = await make.cancellation_requested(db, await make.booked(db, slots[0]["id"]))
    offer = await make.cancellation_requested(db, await make.offered(db, slots[1]["id"], patient=1))
    for task in (booked, offer):
        await make.do(db, PLANNER, "Appointment/cancel", (await make.visit(db, task))["id"], reason="leave")
        assert await make.state(db, task) == "cancellation-requested"
        await make.do(db, PLANNER, "Task/confirm-cancellation", task)
    assert {await make.status(db, "slot", slot["id"]) for slot in slots[:2]} == {"free"}
    await make.check(db)


async def test_an_offer_that_expires_while_its_request_is_being_cancelled_does_not_stop_the_clock(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    stopped = await make.cancellation_requested(db, await make.offered(db, slots[0]["id"]))
    going = await make.offered(db, slots[1]["id"], patient=1)
    await make.tick(db, clock, clock.now() + timedelta(hours=48))
    assert (await make.state(db, stopped), await make.state(db, going)) == ("cancellation-requested", "to-book")
    assert {await make.status(db, "slot", slot["id"]) for slot in slots[:2]} == {"free"}
    await make.check(db)


@pytest.mark.parametrize("door", ["Task", "Appointment"])
async def test_an_absence_is_known_on_both_sides(db: Database, clock: FixedClock, door: str) -> None:
    slot = (await make.slots(db))[0]
    task = await make.booked(db, slot["id"])
    visit = (await make.visit(db, task))["id"]
    clock.set(slot["ends_at"])
    if door == "Task":
        await make.do(db, TRIAGER, "Task/mark-not-attended", task, reason="other", comment="le patient est parti avant")
    else:
        await make.do(db, DOCTOR, "Appointment/absent", visit, reason="forgot")
    assert await make.stands(db, task, slot["id"]) == ("not-attended", "noshow", "busy")
    await make.do(db, TRIAGER, "Task/return-after-absence", task, **STOPPED)
    assert await make.state(db, task) == "declined"
    await make.check(db)


async def test_an_absence_is_not_recorded_before_the_hour_nor_of_a_patient_who_is_there(db: Database, clock: FixedClock) -> None:
    slot = (await make.slots(db))[0]
    task = await make.booked(db, slot["id"])
    visit = (await make.visit(db, task))["id"]
    await make.refused(db, Conflict, "too-early", TRIAGER, "Task/mark-not-attended", task, reason="forgot")
    await make.refused(db, Conflict, "too-early", PLANNER, "Appointment/absent", visit, reason="forgot")
    await arrived(db, clock, task)
    await make.refused(db, Conflict, "not-in-table", TRIAGER, "Task/mark-not-attended", task, reason="forgot")
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Task/cancel-appointment", task, side="patient", reason="ill")
    await make.refused(db, Conflict, "not-in-table", GP, "Task/enter-in-error", task, reason="wrong-patient")


@pytest.mark.parametrize("door", ["Task", "Appointment"])
async def test_the_visit_that_took_place_is_kept_on_both_sides(db: Database, clock: FixedClock, door: str) -> None:
    slot = (await make.slots(db))[0]
    task = await make.booked(db, slot["id"])
    visit = await arrived(db, clock, task)
    if door == "Task":
        await make.do(db, TRIAGER, "Task/mark-seen", task)
    else:
        await make.do(db, DOCTOR, "Appointment/fulfil", visit)
    assert await make.stands(db, task, slot["id"]) == ("seen", "fulfilled", "busy")
    assert (await requests.look(db, task))["seen_at"] == slot["starts_at"]
    await make.check(db)


async def test_a_patient_seen_before_the_hour_was_seen_when_it_is_said(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    early, come = await make.booked(db, slots[4]["id"]), await make.booked(db, slots[5]["id"], patient=1)
    clock.set(slots[0]["starts_at"])
    visit = (await make.visit(db, come))["id"]
    await make.do(db, HOST, "Appointment/arrive", visit, identity_confirmed=True)
    await make.do(db, TRIAGER, "Task/mark-seen", early)
    await make.do(db, DOCTOR, "Appointment/fulfil", visit)
    assert {(await requests.look(db, task))["seen_at"] for task in (early, come)} == {clock.now()}
    await make.check(db)


async def test_the_practitioner_of_a_vacation_marks_patients_of_any_house(db: Database, clock: FixedClock) -> None:
    """The session is held at the centre of Clamart, the requests come from Montgeron: the centre may not see them, the hospital may."""
    slots = await make.slots(db)
    tasks = [await make.booked_from_montgeron(db, slot["id"], patient=number) for number, slot in enumerate(slots[:2])]
    clock.set(slots[1]["ends_at"])
    await make.do(db, DOCTOR, "Appointment/fulfil", (await make.visit(db, tasks[0]))["id"])
    await make.do(db, DOCTOR, "Appointment/absent", (await make.visit(db, tasks[1]))["id"], reason="ill")
    assert [await make.state(db, task) for task in tasks] == ["seen", "not-attended"]
    await make.check(db)


async def test_what_cannot_be_marked_seen_is_not_kept_in_the_diary(db: Database, clock: FixedClock) -> None:
    slot = (await make.slots(db))[0]
    task = await make.cancellation_requested(db, await make.booked(db, slot["id"]))
    clock.set(slot["ends_at"])
    await make.refused(db, Conflict, "not-in-table", DOCTOR, "Appointment/fulfil", (await make.visit(db, task))["id"])
    await make.do(db, TRIAGER, "Task/send-outcome", task, text="Vu finalement, compte rendu complet.")
    assert await make.stands(db, task, slot["id"]) == ("letter-sent", "fulfilled", "busy")
    await make.check(db)


async def test_a_letter_says_that_the_visit_took_place(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    task, waits = await make.booked(db, slots[0]["id"]), await make.waiting(db, patient=1)
    clock.set(slots[0]["ends_at"])
    await make.do(db, TRIAGER, "Task/send-outcome", task, text="Vu ce jour.")
    assert await make.stands(db, task, slots[0]["id"]) == ("letter-sent", "fulfilled", "busy")
    await make.refused(db, Conflict, "not-in-table", TRIAGER, "Task/send-outcome", waits, text="Vu ce jour.")
    await make.check(db)


async def test_a_patient_seen_without_a_place_waits_for_none(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.waiting(db)
    await make.do(db, PLANNER, "Task/offer", task, slot=slot)
    await make.do(db, PLANNER, "Task/refuse-offer", task, reason="too-far", contact="Appel du 17")
    await make.do(db, TRIAGER, "Task/mark-seen", task)
    assert await waits(db, task) == ["cancelled", "cancelled"]
    await make.check(db)


async def waits(db: Database, task: str) -> list[str]:
    """The statuses of all that was ever held or waited for, for a request."""
    async with db.transaction(SYSTEM) as tx:
        return [row["status"] for row in await tx.fetch("SELECT status FROM appointment WHERE task_id = $1 ORDER BY status", task)]


async def test_a_cancelled_session_sends_every_request_back_with_a_line_in_the_ledger(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    booked = [await make.booked(db, slots[number]["id"], patient=number) for number in range(3)]
    offered = await make.offered(db, slots[3]["id"], patient=3)
    stopped = await make.cancellation_requested(db, await make.booked(db, slots[4]["id"], patient=4))
    alone = await make.do(db, GP, "Slot/book", slots[5]["id"], patient=(await diary.patients(db))[5])
    screen = await make.to_book(db, patient=6)
    held = {"patient": (await requests.look(db, screen))["patient_id"], "task": screen}
    await make.do(db, PLANNER, "Slot/hold", slots[6]["id"], **held)
    await make.do(db, PLANNER, "Schedule/cancel-session", slots[0]["session_id"], reason="other", comment="dégât des eaux dans la salle")
    assert {await make.state(db, task) for task in booked} == {"to-rebook"}
    assert [await requests.ledger(db, task) for task in booked] == [[("cancelled-by-service", "session-cancelled", None)]] * 3
    assert [await make.state(db, task) for task in (offered, stopped, screen)] == ["to-book", "cancellation-requested", "to-book"]
    assert await make.status(db, "appointment", alone) == "cancelled"
    assert {row["status"] for row in await diary.slots(db, slots[0]["session_id"])} == {"busy-unavailable"}
    await make.check(db)


async def test_an_offer_that_falls_with_its_session_is_the_services_time(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    task = await make.offered(db, slots[0]["id"])
    clock.advance(timedelta(hours=40))  # the patient's part would have begun at the 24th hour
    await make.do(db, PLANNER, "Schedule/cancel-session", slots[0]["session_id"], reason="ill")
    row = await requests.look(db, task)
    assert (row["state"], row["refusals"], row["reason_list"], row["reason"]) == ("to-book", 0, "cancel-by-service", "ill")
    assert await requests.intervals(db, task) == []
    assert await requests.ledger(db, task) == [("cancelled-by-service", "ill", None)]
    assert row["appointment_id"] is row["offered_at"] is row["hold_expires_at"] is None
    assert ("referral-offer-withdrawn", requests.CENTRE, "clamart-mg-isambert") in await requests.told(db, task)
    await make.check(db)


async def test_an_offer_that_the_hospital_takes_back_is_no_refusal_and_one_that_the_patient_gives_back_is(
    db: Database, clock: FixedClock
) -> None:
    slots = await make.slots(db)
    ours, theirs = [await make.offered(db, slots[number]["id"], patient=number) for number in range(2)]
    clock.advance(timedelta(hours=40))
    for task, side, reason in ((ours, "hospital", "strike"), (theirs, "patient", "ill")):
        offer = (await requests.look(db, task))["appointment_id"]
        await make.do(db, PLANNER, "Appointment/cancel", offer, side=side, reason=reason)
    assert [(await requests.look(db, task))["refusals"] for task in (ours, theirs)] == [0, 1]
    assert await requests.intervals(db, ours) == []
    [(kind, start, end)] = await requests.intervals(db, theirs)
    assert (kind, end - start) == ("P2", timedelta(hours=16))
    await make.check(db)


async def test_a_session_in_which_a_patient_was_seen_or_missed_is_not_cancelled(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    task = await make.booked(db, slots[0]["id"])
    await make.booked(db, slots[1]["id"], patient=1)
    clock.set(slots[0]["ends_at"])
    await make.do(db, TRIAGER, "Task/mark-seen", task)
    await make.refused(db, Conflict, "patients-present", PLANNER, "Schedule/cancel-session", slots[0]["session_id"], reason="ill")


async def test_a_session_that_the_host_cancels_is_on_the_hosts_account(db: Database) -> None:
    slots = await make.slots(db)
    task = await make.booked(db, slots[0]["id"])
    await make.do(db, HOST, "Schedule/cancel-session", slots[0]["session_id"], reason="room")
    row = await requests.look(db, task)
    assert (row["state"], row["reason_list"], row["reason"]) == ("to-rebook", "cancel-by-service", "room")
    await make.check(db)


async def test_nothing_is_held_for_a_request_that_has_ended(db: Database) -> None:
    slots = await make.slots(db)
    task = await requests.cancelled(db, services=[make.SERVICE])
    held = {"patient": (await requests.look(db, task))["patient_id"], "task": task}
    for kind in ("screen", "offer"):
        await make.refused(db, Conflict, "not-in-table", PLANNER, "Slot/hold", slots[0]["id"], kind=kind, **held)
    await make.check(db)


async def test_an_ended_request_gives_its_slot_back(db: Database) -> None:
    slots = await make.slots(db)
    declined, stopped, mistaken, offer = [await make.booked(db, slots[number]["id"], patient=number) for number in range(4)]
    await make.do(db, TRIAGER, "Task/decline", declined, reason="became-impossible", comment="hospitalisé hier en urgence")
    await make.cancellation_requested(db, stopped)
    await make.do(db, PLANNER, "Task/confirm-cancellation", stopped)
    await make.do(db, GP, "Task/enter-in-error", mistaken, reason="wrong-patient")
    await make.do(db, PLANNER, "Task/cancel-appointment", offer, side="patient", reason="ill")
    await make.do(db, PLANNER, "Task/offer", offer, slot=slots[3]["id"])
    await make.do(db, TRIAGER, "Task/decline", offer, reason="contraindication", comment="allergie découverte depuis")
    states = [await make.state(db, task) for task in (declined, stopped, mistaken, offer)]
    assert states == ["declined", "cancelled", "entered-in-error", "declined"]
    assert {await make.status(db, "slot", slot["id"]) for slot in slots[:4]} == {"free"}
    await make.check(db)


async def test_an_ended_request_waits_for_nothing(db: Database) -> None:
    await make.slots(db)
    tasks = [await make.waiting(db, patient=number) for number in range(4)]
    await make.do(db, TRIAGER, "Task/decline", tasks[0], reason="became-impossible", comment="hospitalisé hier en urgence")
    await make.do(db, TRIAGER, "Task/redirect", tasks[1], service=requests.OTHER_SERVICE, reason="sub-specialty")
    await make.cancellation_requested(db, tasks[2])
    await make.do(db, PLANNER, "Task/confirm-cancellation", tasks[2])
    await make.do(db, GP, "Task/enter-in-error", tasks[3], reason="wrong-patient")
    assert [await waits(db, task) for task in tasks] == [["cancelled"]] * 4
    await make.check(db)


async def test_a_request_taken_back_gives_back_what_was_held_for_it(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await requests.sent(db, services=[make.SERVICE])
    patient = (await requests.look(db, task))["patient_id"]
    await make.do(db, GP, "Slot/hold", slot, patient=patient, task=task)
    await make.do(db, GP, "Task/withdraw", task, reason="resolved")
    assert (await make.state(db, task), await make.status(db, "slot", slot)) == ("cancelled", "free")
    await make.check(db)


async def test_a_hold_at_a_service_that_was_not_chosen_falls_with_its_task(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task, other = await requests.draft(db, services=[requests.SERVICE, make.SERVICE])
    async with db.transaction(GP) as tx:
        of_both = [item for item in await requests.form(tx, make.SERVICE) if item["linkId"] in ("specific", "act")]
        items = [*await requests.form(tx, requests.SERVICE), *of_both]
        await referrals.save_form(tx, (await requests.look(db, task))["request_id"], items=items)
    for one in (task, other):
        await requests.act(db, GP, referrals.send, one, **requests.SEND)
    await make.do(db, GP, "Slot/hold", slot, patient=(await requests.look(db, task))["patient_id"], task=other)
    await make.do(db, requests.TRIAGER, "Task/accept", task)
    assert (await make.state(db, other), await make.status(db, "slot", slot)) == ("cancelled", "free")
    await make.check(db)


async def test_no_place_joins_the_waiting_list_by_the_deadline_of_the_visit(db: Database, clock: FixedClock) -> None:
    task = await make.to_book(db)
    wanted = clock.now() + timedelta(days=20)
    await make.do(db, PLANNER, "Task/no-place", task, reason="no-slot-in-target", wanted_by=wanted)
    async with db.transaction(SYSTEM) as tx:
        line = await tx.fetchrow("SELECT * FROM appointment WHERE task_id = $1", task)
    row = await requests.look(db, task)
    assert (line["status"], line["wait_target"], line["requester_org"]) == ("waitlist", row["due_at"], row["requester_org"])
    assert await requests.ledger(db, task) == [("first-offer", "no-slot-in-target", None)]
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Task/no-place", task, reason="no-slot-in-target")
    await make.check(db)


async def test_the_line_of_a_request_that_waits_is_not_cancelled_in_the_diary(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.waiting(db)
    async with db.transaction(SYSTEM) as tx:
        line = await tx.fetchval("SELECT id FROM appointment WHERE task_id = $1", task)
    await make.refused(db, Conflict, "request-waits", GP, "Appointment/cancel", line, reason="duplicate")
    await make.do(db, PLANNER, "Task/offer", task, slot=slot)
    await make.do(db, GP, "Appointment/cancel", line, reason="duplicate")
    await make.check(db)


async def test_a_visit_booked_beside_a_request_that_waits_leaves_it_waiting(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.waiting(db)
    await make.do(db, TRIAGER, "Slot/book", slot, patient=(await requests.look(db, task))["patient_id"])
    assert (await make.state(db, task), await waits(db, task)) == ("waiting-capacity", ["waitlist"])
    await make.check(db)


async def test_a_request_that_has_ended_keeps_its_priority(db: Database) -> None:
    task = await requests.cancelled(db, services=[make.SERVICE])
    await make.refused(db, Conflict, "not-in-table", GP, "Task/change-priority", task, priority="urgent", reason="worsened")


async def test_who_had_no_offer_in_time_joins_the_waiting_list(db: Database, clock: FixedClock) -> None:
    task = await make.to_book(db)
    await make.tick(db, clock, clock.now() + timedelta(days=20))
    assert (await make.state(db, task), await waits(db, task)) == ("waiting-capacity", ["waitlist"])
    await make.tick(db, clock)
    await make.check(db)


@pytest.mark.parametrize("actor", [PLANNER, GP], ids=["hospital", "requester"])
async def test_a_freed_slot_that_a_waiting_patient_takes_books_the_request(db: Database, clock: FixedClock, actor: Any) -> None:
    slots = await make.slots(db)
    first = await make.booked(db, slots[0]["id"])
    tasks = [await make.waiting(db, patient=number) for number in (1, 2)]
    await make.do(db, PLANNER, "Task/cancel-appointment", first, side="patient", reason="ill")
    await make.tick(db, clock)
    line = await line_of(db, tasks[0])
    await make.do(db, actor, "Appointment/accept-refill", line)
    assert await make.stands(db, tasks[0], slots[0]["id"]) == ("booked", "booked", "busy")
    assert (await make.state(db, tasks[1]), await waits(db, tasks[1])) == ("waiting-capacity", ["waitlist"])
    await make.check(db)


async def line_of(db: Database, task: str) -> str:
    """The waiting line of a request, which has an offer to answer."""
    async with db.transaction(SYSTEM) as tx:
        row = await tx.fetchrow("SELECT id FROM appointment WHERE task_id = $1 AND offered_slot_id IS NOT NULL", task)
    return str(row["id"])


async def test_a_freed_slot_is_taken_before_another_offer_is_answered(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    first, task = await make.booked(db, slots[0]["id"]), await make.waiting(db, patient=1)
    await make.do(db, PLANNER, "Task/offer", task, slot=slots[1]["id"])
    await make.do(db, PLANNER, "Appointment/cancel", (await make.visit(db, first))["id"], reason="leave")
    await make.tick(db, clock)
    await make.do(db, PLANNER, "Appointment/accept-refill", await line_of(db, task))
    assert await make.stands(db, task, slots[0]["id"]) == ("booked", "booked", "busy")
    assert await make.status(db, "slot", slots[1]["id"]) == "free"
    await make.check(db)


async def test_a_freed_slot_is_not_taken_for_a_request_that_has_stopped(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    first, task = await make.booked(db, slots[0]["id"]), await make.waiting(db, patient=1)
    await make.do(db, PLANNER, "Appointment/cancel", (await make.visit(db, first))["id"], reason="leave")
    await make.tick(db, clock)
    await make.cancellation_requested(db, task)
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Appointment/accept-refill", await line_of(db, task))
    await make.do(db, PLANNER, "Task/confirm-cancellation", task)
    await make.tick(db, clock)
    assert (await waits(db, task), await make.status(db, "slot", slots[0]["id"])) == (["cancelled"], "free")
    await make.check(db)


async def test_after_the_visit_another_one_on_the_same_request(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    later = await make.second_day(db, slots[0]["session_id"], date(2026, 12, 8))
    task = await make.booked(db, slots[0]["id"])
    clock.set(slots[0]["ends_at"])
    await make.do(db, DOCTOR, "Appointment/fulfil", (await make.visit(db, task))["id"])
    await make.do(db, PLANNER, "Task/book", task, slot=later[0]["id"])
    assert await make.stands(db, task, later[0]["id"]) == ("booked", "booked", "busy")
    assert await make.status(db, "slot", slots[0]["id"]) == "busy"
    await make.check(db)


async def test_the_actions_of_a_request_are_told_with_what_they_still_need(db: Database) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.booked(db, slot)
    found = await make.do(db, replace(PLANNER, roles=frozenset({"planificateur"})), "Task/available-actions", task)
    parts = [[part["valueCode"] for part in action["part"]] for action in found["parameter"]]
    assert ["cancel-appointment", "side-missing", "reason-missing"] in parts


async def holds(db: Database, slot: str, task: str) -> str:
    """The city doctor keeps a slot by hand for a request."""
    made = await make.do(db, GP, "Slot/hold", slot, patient=(await requests.patients(db))[0], task=task)
    assert await make.status(db, "appointment", made) == "pending"
    return str(made)


@pytest.mark.parametrize(("verb", "given"), [("decide-next", {"reason": "resolved"}), ("insist", {"text": requests.LONG})])
async def test_who_closes_a_refused_request_keeps_no_slot_for_it(db: Database, verb: str, given: dict[str, Any]) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await requests.declined(db, services=[make.SERVICE])
    visit = await holds(db, slot, task)
    await make.do(db, GP, f"Task/{verb}", task, **given)
    assert (await make.status(db, "appointment", visit), await make.status(db, "slot", slot)) == ("cancelled", "free")
    await make.check(db)
