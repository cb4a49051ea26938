"""Turns of the diary that nobody plays climb the same ladder as those of the requests; nothing is decided by it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from tests.factories import booking as make
from tests.factories import crossings
from tests.support import postgres

from maillage import booking, messaging
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotAllowed, Unavailable
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
LEAD = (make.HOSPITAL, "percy-dermatologie-maupertin")
OFFICE = (make.HOSPITAL, "planificateur")
DAY = timedelta(days=1)


async def climb(db: Database, clock: FixedClock, to: datetime | None = None) -> int:
    if to:
        clock.set(to)
    written: int = await make.act(db, SYSTEM, booking.run_deadlines)
    return written


async def breaches(db: Database, id: str) -> list[tuple[str, int, str]]:
    """(deadline, step, turn) of a session or an appointment."""
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT * FROM booking_breach WHERE $1 IN (session_id, appointment_id) ORDER BY seq", id)
    return [(row["deadline"], row["level"], row["turn"]) for row in rows]


async def told(db: Database, id: str, event: str) -> set[tuple[str, str | None]]:
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch(
            "SELECT organization_id, coalesce(role_id, role) AS who FROM notification WHERE focus_id = $1 AND event = $2", id, event
        )
    return {(row["organization_id"], row["who"]) for row in rows}


async def messages(db: Database, topic: str) -> list[dict[str, Any]]:
    async with db.transaction(SYSTEM) as tx:
        return [json.loads(row["payload"]) for row in await tx.fetch("SELECT payload FROM outbox WHERE topic = $1 ORDER BY number", topic)]


async def test_only_the_scheduler_climbs(db: Database) -> None:
    with pytest.raises(NotAllowed) as caught:
        await make.act(db, make.PLANNER, booking.run_deadlines)
    assert caught.value.reason == "scheduler-only"


async def test_a_replacement_that_is_not_found_climbs_step_by_step_and_each_step_once(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    await make.act(db, make.PLANNER, booking.flag_absence, session["id"], reason="ill")
    risk = await make.row(db, "vacation_session", session["id"])
    assert await climb(db, clock) == 0
    assert await climb(db, clock, risk["due_at"] - timedelta(hours=2)) == 1
    assert await told(db, session["id"], "booking-reminder") == {OFFICE}
    assert await climb(db, clock, risk["due_at"]) == 1
    assert await climb(db, clock) == 0, "a step is written once"
    assert {OFFICE, (make.CENTRE, None)} < await told(db, session["id"], "booking-breach")
    await climb(db, clock, risk["due_at"] + 2 * DAY)
    assert LEAD in await told(db, session["id"], "booking-breach-senior")
    await climb(db, clock, risk["due_at"] + 20 * DAY)
    assert await breaches(db, session["id"]) == [("replacement", level, "PO") for level in (75, 100, 150, 300)]
    assert await messages(db, messaging.AGENDA) == [{"focus": f"Schedule/{session['id']}", "deadline": "replacement"}]
    after = await make.row(db, "vacation_session", session["id"])
    assert (after["status"], after["version"]) == (risk["status"], risk["version"]), "silence decides nothing"
    assert await climb(db, clock, risk["due_at"] + 200 * DAY) == 0


async def test_another_state_is_another_deadline(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    await make.act(db, make.PLANNER, booking.flag_absence, session["id"], reason="ill")
    await climb(db, clock, (await make.row(db, "vacation_session", session["id"]))["due_at"])
    who = {"practitioner_role": make.COLLEAGUE}
    await make.act(db, make.PLANNER, booking.substitute, session["id"], **who)
    assert await climb(db, clock, session["starts_at"] - timedelta(minutes=1)) == 0
    assert await climb(db, clock, session["ends_at"] + timedelta(hours=24)) == 2
    assert [(deadline, level) for deadline, level, _ in await breaches(db, session["id"])][-2:] == [("start", 75), ("start", 100)]
    assert [step for step in await breaches(db, session["id"]) if step[0] == "replacement"] != []


async def test_a_session_that_nobody_finishes_is_the_practitioners_turn(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    clock.set(session["starts_at"])
    await make.act(db, make.DOCTOR, booking.start, session["id"])
    await climb(db, clock, session["ends_at"] + timedelta(hours=19))
    assert await told(db, session["id"], "booking-reminder") == {(make.CENTRE, make.ROLE)}
    await climb(db, clock, session["ends_at"] + timedelta(hours=24))
    assert await told(db, session["id"], "booking-breach") == {(make.CENTRE, make.ROLE), (make.CENTRE, None), OFFICE}


async def test_a_dispute_that_lasts_is_told_to_both_houses(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    clock.set(session["ends_at"])
    await make.act(db, make.DOCTOR, booking.start, session["id"])
    await make.act(db, make.DOCTOR, booking.finish, session["id"])
    await make.act(db, make.PLANNER, booking.dispute_settlement, session["id"], comment="les minutes ne concordent pas")
    disputed = await make.row(db, "vacation_session", session["id"])
    await climb(db, clock, disputed["due_at"] - timedelta(hours=1))
    assert await breaches(db, session["id"]) == [("settlement-dispute", 75, "CO")]
    assert await told(db, session["id"], "booking-reminder") == {(make.HOSPITAL, "gestionnaire"), (make.CENTRE, "gestionnaire")}


async def booked_alone(db: Database, slot: str, patient: int = 0) -> str:
    """A visit that serves no request of ours, asked by another house."""
    made = await make.act(db, make.GP, booking.book, slot=slot, patient=(await make.patients(db))[patient])
    return str(made["id"])


async def test_a_visit_whose_outcome_nobody_writes(db: Database, clock: FixedClock) -> None:
    slots = await crossings.slots(db)
    visit = await booked_alone(db, slots[0]["id"])
    await climb(db, clock, slots[0]["ends_at"] + timedelta(hours=17))
    assert await breaches(db, visit) == [], "counted from the visit, not from the booking"
    await climb(db, clock, slots[0]["ends_at"] + timedelta(hours=18))
    assert await breaches(db, visit) == [("attendance", 75, "PO")]
    await climb(db, clock, slots[0]["ends_at"] + timedelta(hours=24))
    assert await told(db, visit, "booking-breach") == {OFFICE, (make.OTHER, None), (make.CENTRE, make.ROLE)}


async def test_a_visit_that_ends_in_time_climbs_nothing(db: Database, clock: FixedClock) -> None:
    slots = await crossings.slots(db)
    visit = await booked_alone(db, slots[0]["id"])
    clock.set(slots[0]["ends_at"])
    await make.act(db, make.DOCTOR, booking.fulfil, visit)
    await climb(db, clock, slots[0]["ends_at"] + 10 * DAY)
    assert await breaches(db, visit) == []


async def test_who_was_received_and_called_in_is_waited_for_at_the_right_door(db: Database, clock: FixedClock) -> None:
    slots = await crossings.slots(db)
    here, inside = await booked_alone(db, slots[0]["id"]), await booked_alone(db, slots[1]["id"], patient=1)
    clock.set(slots[0]["starts_at"])
    for visit in (here, inside):
        await make.act(db, make.HOST, booking.arrive, visit, identity_confirmed=True)
    await make.act(db, make.HOST, booking.call_in, inside)
    await climb(db, clock, slots[1]["ends_at"] + timedelta(hours=20))
    assert await told(db, here, "booking-reminder") == {(make.CENTRE, None)}
    assert await told(db, inside, "booking-reminder") == {(make.CENTRE, make.ROLE)}


async def test_a_visit_of_a_request_is_late_once(db: Database, clock: FixedClock) -> None:
    slots = await crossings.slots(db)
    task = await crossings.booked(db, slots[0]["id"])
    visit = (await crossings.visit(db, task))["id"]
    await crossings.tick(db, clock, slots[0]["ends_at"] + 3 * DAY)
    assert await breaches(db, visit) == []
    async with db.transaction(SYSTEM) as tx:
        levels = await tx.fetch("SELECT level FROM referral_breach WHERE task_id = $1 AND deadline = 'attendance' ORDER BY level", task)
    assert [row["level"] for row in levels][:2] == [75, 100]


async def test_the_patient_is_reminded_of_an_offer_and_not_of_a_screen(db: Database, clock: FixedClock) -> None:
    slots = await crossings.slots(db)
    patients = await make.patients(db)
    offer = await make.act(db, make.PLANNER, booking.hold, slot=slots[0]["id"], patient=patients[0], kind="offer", requester_org=make.OTHER)
    screen = await make.act(db, make.GP, booking.hold, slot=slots[1]["id"], patient=patients[1])
    clock.advance(timedelta(minutes=9))
    await climb(db, clock)
    clock.advance(timedelta(hours=40))
    await climb(db, clock)
    assert await breaches(db, offer["id"]) == [("answer", 75, "PT")]
    assert await breaches(db, screen["id"]) == []
    reminders = [one for one in await messages(db, messaging.PATIENT) if one["event"] == "booking-reminder"]
    assert reminders == [{"event": "booking-reminder", "focus": f"Appointment/{offer['id']}", "patient": patients[0]}]
    assert await told(db, offer["id"], "booking-reminder") == set(), "the offer is the patient's turn"


async def test_a_line_of_the_waiting_list_is_the_offices_to_answer_for(db: Database, clock: FixedClock) -> None:
    await make.open_session(db)
    target = clock.now() + 8 * DAY
    patient = (await make.patients(db))[0]
    line = await make.act(db, make.GP, booking.join_waitlist, service=make.SERVICE, patient=patient, target=target)
    await climb(db, clock, target)
    assert await breaches(db, line["id"]) == [("waiting", 75, "SY"), ("waiting", 100, "SY")]
    assert await told(db, line["id"], "booking-reminder") == {OFFICE}
    assert await told(db, line["id"], "booking-breach") == {OFFICE, (make.OTHER, None)}


async def test_what_a_breach_says_is_never_changed(db: Database, dsn: str, clock: FixedClock) -> None:
    slots = await crossings.slots(db)
    await booked_alone(db, slots[0]["id"])
    await climb(db, clock, slots[0]["ends_at"] + 2 * DAY)
    with pytest.raises(Unavailable, match="not-granted"):
        await make.act(db, SYSTEM, lambda tx: tx.execute("UPDATE booking_breach SET level = 75"))
    owner = await asyncpg.connect(postgres.owner(dsn))
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await owner.execute("UPDATE booking_breach SET level = 75")
    finally:
        await owner.close()
