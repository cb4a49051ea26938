"""join-waitlist, prioritise, refill: waves of three in order, the first yes wins."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def full_session(db: Database, clock: FixedClock, *, days: int = 5) -> tuple[Any, list[Any], list[str]]:
    """A session wholly booked, `days` before it begins; the patients who have no slot yet."""
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    rows = [await make.booked(db, slot["id"], patient) for slot, patient in zip(slots, patients, strict=False)]
    clock.set(slots[0]["starts_at"] - timedelta(days=days))
    return session, rows, patients[len(slots) :]


async def offers(db: Database, slot: str) -> list[str]:
    async with db.transaction(make.SYSTEM) as tx:
        rows = await tx.fetch("SELECT id FROM appointment WHERE offered_slot_id = $1 ORDER BY id", slot)
    return [row["id"] for row in rows]


async def test_a_line_waits_in_its_order(db: Database, clock: FixedClock) -> None:
    patients = await make.patients(db)
    routine = await make.waiting(db, patients[0], since=clock.now() - timedelta(days=90))
    urgent = await make.waiting(db, patients[1], priority="urgent")
    late = await make.waiting(db, patients[2], target=clock.now() - timedelta(days=1))
    listed = await make.act(db, make.PLANNER, booking.waiting_list, [make.SERVICE])
    assert [row["id"] for row in listed] == [urgent["id"], late["id"], routine["id"]]
    assert await make.act(db, make.STRANGER, booking.waiting_list, [make.SERVICE]) == []
    await make.check(db)


async def test_a_manual_rank_shows_its_reason(db: Database) -> None:
    patients = await make.patients(db)
    first, second = await make.waiting(db, patients[0]), await make.waiting(db, patients[1])
    await make.refused(NotAllowed, "not-for-this-party", make.act(db, make.GP, booking.prioritise, second["id"], boost=1, reason="x" * 20))
    await make.refused(Invalid, "comment-too-short", make.act(db, make.PLANNER, booking.prioritise, second["id"], boost=1, reason="vite"))
    await make.act(db, make.PLANNER, booking.prioritise, second["id"], boost=1, reason="aggravation signalée par le médecin")
    listed = await make.act(db, make.PLANNER, booking.waiting_list, [make.SERVICE], site=make.SITE)
    assert [row["id"] for row in listed] == [second["id"], first["id"]]
    assert listed[0]["wait_boost_reason"] == "aggravation signalée par le médecin"


async def test_a_patient_waits_once_for_a_service(db: Database) -> None:
    patient = (await make.patients(db))[0]
    await make.waiting(db, patient)
    await make.refused(Conflict, "already-waiting", make.waiting(db, patient))
    other = (await make.patients(db))[2]
    line = await make.waiting(db, other, task="t")
    assert (await make.waiting(db, other, task="t"))["id"] == line["id"]
    await make.refused(NotFound, "not-found", make.waiting(db, "nobody"))
    await make.refused(Invalid, "unknown-priority", make.waiting(db, patient, priority="soon"))
    await make.refused(Invalid, "bad-notice", make.waiting(db, patient, notice_hours=-1))
    await make.refused(Invalid, "unknown-location", make.waiting(db, (await make.patients(db))[1], site="nowhere"))


async def test_a_freed_slot_goes_to_three_and_the_first_yes_wins(db: Database, clock: FixedClock) -> None:
    _, rows, others = await full_session(db, clock)
    lines = [await make.waiting(db, patient) for patient in others[:4]]
    await make.act(db, make.PLANNER, booking.cancel, rows[0]["id"], reason="ill", side="patient")
    await make.refused(Conflict, "already-booked", make.booked(db, rows[0]["slot_id"], others[5]))
    report = await make.tick(db, clock)
    assert {row["id"] for row in report.offered} == {line["id"] for line in lines[:3]}
    assert {row["expires_at"] - clock.now() for row in report.offered} == {timedelta(hours=12)}
    await make.check(db)
    won = await make.act(db, make.GP, booking.accept_refill, lines[1]["id"])
    assert (won["status"], won["slot_id"]) == ("booked", rows[0]["slot_id"])
    states = [(await make.row(db, "appointment", line["id"]))["status"] for line in lines]
    assert states == ["waitlist", "booked", "waitlist", "waitlist"]
    await make.refused(Conflict, "not-in-table", make.act(db, make.GP, booking.accept_refill, lines[0]["id"]))
    assert await make.value(db, "SELECT (state, filled_by)::text FROM refill") == f"(filled,{lines[1]['id']})"
    await make.check(db)


async def test_three_who_say_yes_at_once_make_one_booking(db: Database, clock: FixedClock) -> None:
    _, rows, others = await full_session(db, clock)
    lines = [await make.waiting(db, patient) for patient in others[:3]]
    await make.act(db, make.PLANNER, booking.cancel, rows[0]["id"], reason="ill", side="patient")
    await make.tick(db, clock)
    answers = await asyncio.gather(*(make.act(db, make.GP, booking.book, line["id"]) for line in lines), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert all(not isinstance(answer, BaseException) or answer.reason in ("not-in-table", "stale") for answer in answers)  # type: ignore[union-attr]  # a MaillageError
    await make.check(db)


async def test_who_says_no_keeps_the_rank_and_is_not_asked_again_for_this_slot(db: Database, clock: FixedClock) -> None:
    _, rows, others = await full_session(db, clock)
    line = await make.waiting(db, others[0], site=make.SITE)
    await make.act(db, make.PLANNER, booking.cancel, rows[0]["id"], reason="ill", side="patient")
    await make.tick(db, clock)
    back = await make.act(db, make.GP, booking.refuse_refill, line["id"])
    assert (back["status"], back["wait_since"], back["location_id"], back["practitioner_role_id"]) == (
        "waitlist",
        line["wait_since"],
        make.SITE,
        None,
    )
    report = await make.tick(db, clock)
    assert report.unfilled == (rows[0]["slot_id"],)
    assert (await make.row(db, "slot", rows[0]["slot_id"]))["status"] == "free"
    await make.check(db)


async def test_silence_passes_to_the_next_wave_then_the_slot_is_logged_unfilled(db: Database, clock: FixedClock) -> None:
    _, rows, others = await full_session(db, clock, days=1)
    lines = [await make.waiting(db, patient) for patient in others[:4]]
    await make.act(db, make.PLANNER, booking.cancel, rows[0]["id"], reason="ill", side="patient")
    await make.tick(db, clock)
    assert await offers(db, rows[0]["slot_id"]) == sorted(line["id"] for line in lines[:3])
    assert (await make.tick(db, clock, timedelta(minutes=119))).offered == ()
    second = await make.tick(db, clock, timedelta(minutes=1))
    assert [row["id"] for row in second.offered] == [lines[3]["id"]]
    await make.check(db)
    clock.advance(timedelta(hours=4))
    await make.refused(Conflict, "hold-expired", make.act(db, make.GP, booking.accept_refill, lines[3]["id"]))
    assert (await make.tick(db, clock)).unfilled == (rows[0]["slot_id"],)
    assert await make.value(db, "SELECT (state, late, waves)::text FROM refill") == "(unfilled,t,2)"
    await make.check(db)


async def test_a_line_that_needs_notice_is_not_asked_too_late(db: Database, clock: FixedClock) -> None:
    _, rows, others = await full_session(db, clock, days=1)
    await make.waiting(db, others[0], notice_hours=48)
    await make.act(db, make.PLANNER, booking.cancel, rows[0]["id"], reason="ill", side="patient")
    assert await make.value(db, "SELECT state FROM refill") == "unfilled"


async def test_a_patient_booked_elsewhere_waits_no_longer(db: Database, clock: FixedClock) -> None:
    _, rows, others = await full_session(db, clock)
    line = await make.waiting(db, others[0])
    await make.act(db, make.PLANNER, booking.cancel, rows[0]["id"], reason="ill", side="patient")
    await make.tick(db, clock)
    await make.act(
        db,
        make.PLANNER,
        booking.plan,
        (await make.row(db, "vacation_session", await session_of(db, rows[0])))["vacation_id"],
        **next_week(),
    )
    later = await make.value(db, "SELECT id FROM vacation_session WHERE status = 'planned'")
    await make.publish(db, later)
    await make.booked(db, (await make.slots(db, later))[0]["id"], others[0])
    ended = await make.row(db, "appointment", line["id"])
    assert (ended["status"], ended["cancel_reason"]) == ("cancelled", "served")
    assert (await make.tick(db, clock)).unfilled == (rows[0]["slot_id"],)
    await make.check(db)


async def session_of(db: Database, row: Any) -> str:
    return str((await make.row(db, "slot", row["slot_id"]))["session_id"])


def next_week() -> dict[str, Any]:
    day = make.TUESDAY + timedelta(days=7)
    return {"start": day, "end": day}


async def test_a_fresh_session_asks_the_waiting_list_first(db: Database, clock: FixedClock) -> None:
    lines = [await make.waiting(db, patient) for patient in (await make.patients(db))[:2]]
    session = await make.open_session(db)
    assert [slot["status"] for slot in await make.slots(db, session["id"])] == ["busy-tentative"] * 2 + ["free"] * 7
    report = await make.tick(db, clock)
    assert {row["id"] for row in report.offered} == {line["id"] for line in lines}
    assert len(report.unfilled) == 1  # one slot was enough to ask both
    await make.check(db)


async def test_offers_fall_with_the_session(db: Database, clock: FixedClock) -> None:
    session, rows, others = await full_session(db, clock)
    line = await make.waiting(db, others[0])
    await make.act(db, make.PLANNER, booking.cancel, rows[0]["id"], reason="ill", side="patient")
    await make.tick(db, clock)
    await make.act(db, make.PLANNER, booking.cancel_session, session["id"], reason="ill")
    assert (await make.row(db, "appointment", line["id"]))["status"] == "waitlist"
    assert await make.value(db, "SELECT state FROM refill") == "withdrawn"
    assert (await make.tick(db, clock)).offered == ()
    await make.check(db)
