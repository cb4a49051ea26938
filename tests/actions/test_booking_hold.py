"""hold: a slot is kept for a while, and falls by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("kind", "priority", "length"),
    [("screen", "routine", timedelta(minutes=10)), ("offer", "routine", timedelta(hours=48)), ("offer", "asap", timedelta(hours=4))],
)
async def test_a_hold_has_its_length(db: Database, clock: FixedClock, kind: str, priority: str, length: timedelta) -> None:
    session = await make.open_session(db)
    slot = (await make.slots(db, session["id"]))[0]["id"]
    held = await make.held(db, slot, (await make.patients(db))[0], kind=kind, priority=priority)
    assert (held["status"], held["turn"], held["expires_at"], held["due_at"]) == (
        "pending",
        "PT",
        clock.now() + length,
        clock.now() + length,
    )
    kept = await make.row(db, "slot", slot)
    assert (kept["status"], kept["appointment_id"], kept["expires_at"]) == ("busy-tentative", held["id"], held["expires_at"])
    await make.check(db)


async def test_a_held_slot_is_nobody_elses(db: Database) -> None:
    session = await make.open_session(db)
    slot, patients = (await make.slots(db, session["id"]))[0]["id"], await make.patients(db)
    await make.held(db, slot, patients[0])
    await make.refused(Conflict, "already-booked", make.held(db, slot, patients[1]))


async def test_time_frees_a_slot_even_before_the_scheduler_has_passed(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slot, patients = (await make.slots(db, session["id"]))[0]["id"], await make.patients(db)
    first = await make.held(db, slot, patients[0])
    clock.advance(timedelta(minutes=10))
    assert (await make.booked(db, slot, patients[1]))["status"] == "booked"
    fallen = await make.row(db, "appointment", first["id"])
    assert (fallen["status"], fallen["cancel_side"], fallen["cancel_reason"]) == ("cancelled", "system", "hold-expired")
    await make.check(db)


async def test_a_hold_may_be_given_up(db: Database) -> None:
    session = await make.open_session(db)
    slot = (await make.slots(db, session["id"]))[0]["id"]
    held = await make.held(db, slot, (await make.patients(db))[0])
    await make.act(db, make.GP, booking.cancel, held["id"], reason="error")
    assert (await make.row(db, "slot", slot))["status"] == "free"
    await make.check(db)


async def test_a_hold_is_not_an_offer_of_the_waiting_list(db: Database) -> None:
    session = await make.open_session(db)
    held = await make.held(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    await make.refused(Invalid, "not-a-refill-offer", make.act(db, make.GP, booking.accept_refill, held["id"]))
    await make.refused(Invalid, "not-a-refill-offer", make.act(db, make.GP, booking.refuse_refill, held["id"]))


async def test_bad_kinds_and_other_parties_are_refused(db: Database) -> None:
    session = await make.open_session(db)
    slot, patient = (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0]
    await make.refused(Invalid, "unknown-hold-kind", make.held(db, slot, patient, kind="forever"))
    await make.refused(NotAllowed, "not-for-this-party", make.held(db, slot, patient, requester_org=make.PRACTICE))


async def test_a_hold_of_a_session_at_risk_waits_for_the_substitute(db: Database) -> None:
    session = await make.open_session(db)
    held = await make.held(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0], kind="offer")
    await make.act(db, make.PLANNER, booking.flag_absence, session["id"])
    await make.refused(Conflict, "session-not-open", make.act(db, make.GP, booking.book, held["id"]))
    await make.act(db, make.PLANNER, booking.substitute, session["id"], practitioner_role=make.COLLEAGUE)
    row = await make.act(db, make.GP, booking.book, held["id"])
    assert (row["status"], row["practitioner_role_id"]) == ("booked", make.COLLEAGUE)
    await make.check(db)
