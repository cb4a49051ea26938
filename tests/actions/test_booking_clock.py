"""run-clock: holds fall, reservations open, confirmations and absences are proposed; playing it twice changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.booking import Share
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_holds_fall_and_say_whether_they_were_offers(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    screen = await make.held(db, slots[0]["id"], patients[0])
    offer = await make.held(db, slots[1]["id"], patients[1], kind="offer", task="task-1", actor=make.PLANNER, requester_org=make.OTHER)
    assert [row["id"] for row in (await make.tick(db, clock, timedelta(minutes=10))).expired] == [screen["id"]]
    report = await make.tick(db, clock, timedelta(hours=48))
    assert [(row["id"], row["hold_kind"], row["task_id"], row["status"]) for row in report.expired] == [
        (offer["id"], "offer", "task-1", "cancelled")
    ]
    assert (await make.tick(db, clock)).expired == ()
    assert {slot["status"] for slot in await make.slots(db, session["id"])} == {"free"}
    await make.check(db)


async def test_reservations_open_once_waiting_list_first(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db, reserved_asap=1, reserved_urgent=1)
    kept = {slot["reserved_for"]: slot for slot in await make.slots(db, session["id"]) if slot["reserved_for"]}
    assert (await make.tick(db, clock)).released == ()
    assert (await make.tick(db, clock, kept["urgent"]["release_at"])).released == (kept["urgent"]["id"],)
    line = await make.waiting(db, (await make.patients(db))[0])
    clock.set(kept["asap"]["release_at"])
    report = await make.tick(db, clock)
    assert report.released == (kept["asap"]["id"],)
    assert [row["id"] for row in report.offered] == [line["id"]]
    assert (await make.tick(db, clock)).released == ()
    await make.check(db)


async def test_a_site_reservation_opens_ten_days_before(db: Database, clock: FixedClock) -> None:
    clock.set(make.paris(make.TUESDAY - timedelta(days=20), 9))
    session = await make.open_session(db, quotas=(Share(make.OTHER, 1),))
    slot = next(slot for slot in await make.slots(db, session["id"]) if slot["reserved_for"])
    assert (await make.tick(db, clock, make.paris(make.TUESDAY - timedelta(days=10), 7, 59))).released == ()
    assert (await make.tick(db, clock, timedelta(minutes=1))).released == (slot["id"],)


async def test_confirmation_at_d7_and_call_list_at_d3(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    silent, early = [await make.booked(db, slots[n]["id"], patients[n]) for n in range(2)]
    report = await make.tick(db, clock, make.paris(make.TUESDAY - timedelta(days=7), 8))
    assert {row["id"] for row in report.asked} == {silent["id"], early["id"]}
    await make.act(db, make.PLANNER, booking.confirm, early["id"])
    fresh = await make.booked(db, slots[2]["id"], patients[2])
    report = await make.tick(db, clock, make.paris(make.TUESDAY - timedelta(days=3), 8))
    assert [row["id"] for row in report.to_call] == [silent["id"]]
    assert report.asked == ()  # a booking made after D-7 is its own confirmation
    assert (await make.tick(db, clock)).to_call == ()
    called = await make.act(db, make.NURSE, booking.confirm, silent["id"])
    assert called["to_call_at"] is None
    assert (await make.tick(db, clock)).to_call == ()
    assert (await make.row(db, "appointment", fresh["id"]))["confirm_asked_at"] is None
    await make.check(db)


async def test_an_absence_is_proposed_after_half_an_hour_and_decided_by_nobody(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slot = (await make.slots(db, session["id"]))[0]
    row = await make.booked(db, slot["id"], (await make.patients(db))[0])
    assert (await make.tick(db, clock, slot["starts_at"] + timedelta(minutes=29))).absences == ()
    assert [r["id"] for r in (await make.tick(db, clock, timedelta(minutes=1))).absences] == [row["id"]]
    assert (await make.tick(db, clock, timedelta(days=1))).absences == ()
    assert (await make.row(db, "appointment", row["id"]))["status"] == "booked"
    await make.check(db)


async def test_a_locked_row_waits_for_the_next_round(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    held = await make.held(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    clock.advance(timedelta(minutes=10))
    async with db.transaction(make.GP) as tx:
        await tx.fetch("SELECT id FROM slot WHERE id = $1 ORDER BY id FOR UPDATE", held["slot_id"])
        assert (await make.tick(db, clock)).expired == ()
    assert len((await make.tick(db, clock)).expired) == 1
