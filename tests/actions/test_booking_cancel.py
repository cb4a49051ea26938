"""cancel: with a reason and on whose account; the slot is freed in the same transaction, waiting list first."""

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


async def test_the_slot_is_free_again_and_the_link_ends(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slot = (await make.slots(db, session["id"]))[0]["id"]
    row = await make.booked(db, slot, (await make.patients(db))[0])
    cancelled = await make.act(db, make.PLANNER, booking.cancel, row["id"], reason="transport", side="patient")
    assert (cancelled["status"], cancelled["cancel_side"], cancelled["late_cancellation"], cancelled["turn"]) == (
        "cancelled",
        "patient",
        False,
        None,
    )
    assert (await make.row(db, "slot", slot))["status"] == "free"
    assert await make.value(db, "SELECT DISTINCT ends FROM care_link WHERE source = $1", f"Appointment/{row['id']}") == clock.now()
    assert (await make.booked(db, slot, (await make.patients(db))[1]))["status"] == "booked"
    await make.check(db)


@pytest.mark.parametrize(("hours", "late"), [(48, False), (47, True)])
async def test_within_48_hours_is_late(db: Database, clock: FixedClock, hours: int, late: bool) -> None:
    session = await make.open_session(db)
    slot = (await make.slots(db, session["id"]))[0]
    row = await make.booked(db, slot["id"], (await make.patients(db))[0])
    clock.set(slot["starts_at"] - timedelta(hours=hours))
    cancelled = await make.act(db, make.PLANNER, booking.cancel, row["id"], reason="forgot", side="patient")
    assert cancelled["late_cancellation"] is late
    assert await make.value(db, "SELECT late FROM refill WHERE slot_id = $1", slot["id"]) is late


async def test_without_a_side_it_is_the_actors(db: Database) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    mine = await make.booked(db, slots[0]["id"], patients[0])
    theirs = await make.booked(db, slots[1]["id"], patients[1])
    assert (await make.act(db, make.GP, booking.cancel, mine["id"], reason="duplicate"))["cancel_side"] == "requester"
    assert (await make.act(db, make.PLANNER, booking.cancel, theirs["id"], reason="kit"))["cancel_side"] == "hospital"


async def test_the_reason_is_of_the_list_of_its_side(db: Database) -> None:
    session = await make.open_session(db)
    row = await make.booked(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    await make.refused(Invalid, "unknown-reason", make.act(db, make.GP, booking.cancel, row["id"], reason="kit"))
    await make.refused(Invalid, "unknown-reason", make.act(db, make.GP, booking.cancel, row["id"], reason="hold-expired", side="nobody"))
    await make.refused(Invalid, "comment-too-short", make.act(db, make.GP, booking.cancel, row["id"], reason="other", comment="court"))
    done = await make.act(db, make.GP, booking.cancel, row["id"], reason="other", comment="la patiente part en voyage")
    assert done["cancel_comment"] == "la patiente part en voyage"


async def test_nobody_cancels_twice_and_the_host_does_not_cancel(db: Database) -> None:
    session = await make.open_session(db)
    row = await make.booked(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    await make.refused(NotAllowed, "not-for-this-party", make.act(db, make.HOST, booking.cancel, row["id"], reason="room"))
    await make.act(db, make.GP, booking.cancel, row["id"], reason="duplicate")
    await make.refused(Conflict, "not-in-table", make.act(db, make.GP, booking.cancel, row["id"], reason="duplicate"))


async def test_an_expired_or_given_up_offer_and_a_waiting_line(db: Database) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    offer = await make.held(db, slots[0]["id"], patients[0], kind="offer", actor=make.PLANNER, requester_org=make.OTHER)
    line = await make.waiting(db, patients[1])
    await make.act(db, make.GP, booking.cancel, line["id"], reason="referral-ended")
    await make.act(db, make.GP, booking.cancel, offer["id"], reason="declined", side="patient")
    assert await make.value(db, "SELECT cause FROM refill WHERE slot_id = $1", slots[0]["id"]) == "expire"
    await make.check(db)


async def test_what_served_a_request_ends_with_it(db: Database) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    mine = [await make.held(db, slots[0]["id"], patients[0], task="t"), await make.waiting(db, patients[1], task="t")]
    other = await make.booked(db, slots[1]["id"], patients[2], task="u")
    ended = await make.act(db, make.PLANNER, booking.end_for_task, "t", side="hospital")
    assert {(row["id"], row["cancel_reason"]) for row in ended} == {(row["id"], "referral-ended") for row in mine}
    assert (await make.row(db, "appointment", other["id"]))["status"] == "booked"
    await make.check(db)


async def test_a_decision_taken_elsewhere_brings_its_own_sentence(db: Database) -> None:
    session = await make.open_session(db)
    row = await make.booked(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    done = await make.act(db, make.GP, booking.cancel, row["id"], reason="other", side="hospital", decided=True)
    assert done["status"] == "cancelled"
