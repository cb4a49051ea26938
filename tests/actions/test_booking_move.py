"""move: another slot of the same service; the old one is freed in the same transaction."""

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


async def test_the_old_slot_is_freed_and_the_new_one_taken(db: Database) -> None:
    session = await make.open_session(db)
    slots = await make.slots(db, session["id"])
    row = await make.booked(db, slots[0]["id"], (await make.patients(db))[0])
    await make.act(db, make.HOST, booking.confirm, row["id"])
    moved = await make.act(db, make.PLANNER, booking.move, row["id"], slot=slots[3]["id"])
    assert (moved["slot_id"], moved["starts_at"], moved["moved"], moved["confirmed_at"]) == (slots[3]["id"], slots[3]["starts_at"], 1, None)
    assert [slot["status"] for slot in await make.slots(db, session["id"])][:4] == ["free", "free", "free", "busy"]
    ends = await make.value(db, "SELECT DISTINCT ends FROM care_link WHERE source = $1", f"Appointment/{row['id']}")
    assert ends == moved["ends_at"] + timedelta(days=30)
    await make.check(db)


async def test_a_taken_slot_leaves_everything_as_it_was(db: Database) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    row = await make.booked(db, slots[0]["id"], patients[0])
    await make.booked(db, slots[1]["id"], patients[1])
    await make.refused(Conflict, "already-booked", make.act(db, make.PLANNER, booking.move, row["id"], slot=slots[1]["id"]))
    await make.refused(Conflict, "already-booked", make.act(db, make.PLANNER, booking.move, row["id"], slot=slots[0]["id"]))
    assert (await make.row(db, "appointment", row["id"]))["slot_id"] == slots[0]["id"]
    await make.check(db)


async def test_the_requester_asks_the_hospital_to_move(db: Database) -> None:
    session = await make.open_session(db)
    slots = await make.slots(db, session["id"])
    row = await make.booked(db, slots[0]["id"], (await make.patients(db))[0])
    await make.refused(NotAllowed, "not-for-this-party", make.act(db, make.GP, booking.move, row["id"], slot=slots[1]["id"]))


async def test_a_late_move_is_logged_for_the_waiting_list(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slots = await make.slots(db, session["id"])
    row = await make.booked(db, slots[0]["id"], (await make.patients(db))[0])
    clock.set(slots[0]["starts_at"] - timedelta(hours=30))
    await make.act(db, make.PLANNER, booking.move, row["id"], slot=slots[5]["id"])
    refill = await make.value(db, "SELECT (cause, late, state)::text FROM refill WHERE slot_id = $1", slots[0]["id"])
    assert refill == "(move,t,unfilled)"


@pytest.mark.drifts  # the slot is given to another service behind the record
async def test_a_slot_of_another_service_is_refused(db: Database) -> None:
    session = await make.open_session(db)
    slots = await make.slots(db, session["id"])
    row = await make.booked(db, slots[0]["id"], (await make.patients(db))[0])
    async with db.transaction(make.SYSTEM) as tx:
        await tx.execute("UPDATE slot SET healthcare_service_id = 'percy-hge' WHERE id = $1", slots[1]["id"])
    await make.refused(Invalid, "other-service", make.act(db, make.PLANNER, booking.move, row["id"], slot=slots[1]["id"]))
