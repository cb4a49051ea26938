"""confirm, arrive, call-in, fulfil, absent: the day of the visit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def visit(db: Database, clock: FixedClock | None = None) -> Any:
    session = await make.open_session(db)
    slot = (await make.slots(db, session["id"]))[0]
    row = await make.booked(db, slot["id"], (await make.patients(db))[0])
    if clock:
        clock.set(slot["starts_at"])
    return row


async def test_a_confirmation_leaves_the_call_list_and_keeps_its_first_hour(db: Database, clock: FixedClock) -> None:
    row = await visit(db)
    first = await make.act(db, make.NURSE, booking.confirm, row["id"])
    clock.advance(timedelta(hours=1))
    again = await make.act(db, make.PLANNER, booking.confirm, row["id"])
    assert (first["status"], again["confirmed_at"]) == ("booked", first["confirmed_at"])
    await make.refused(NotAllowed, "not-for-this-party", make.act(db, make.GP, booking.confirm, row["id"]))


async def test_from_arrival_to_the_end_of_the_visit(db: Database, clock: FixedClock) -> None:
    row = await visit(db, clock)
    arrived = await make.act(db, make.NURSE, booking.arrive, row["id"], identity_confirmed=True)
    called = await make.act(db, make.DOCTOR, booking.call_in, row["id"])
    done = await make.act(db, make.DOCTOR, booking.fulfil, row["id"])
    assert [(r["status"], r["turn"]) for r in (arrived, called, done)] == [("arrived", "HO"), ("checked-in", "PC"), ("fulfilled", None)]
    assert await make.value(db, "SELECT status FROM slot WHERE appointment_id = $1", row["id"]) == "busy"
    await make.check(db)


async def test_nobody_arrives_without_identity(db: Database, clock: FixedClock) -> None:
    row = await visit(db, clock)
    await make.refused(Invalid, "identity-unconfirmed", make.act(db, make.NURSE, booking.arrive, row["id"], identity_confirmed=False))
    await make.refused(NotAllowed, "not-for-this-party", make.act(db, make.PLANNER, booking.arrive, row["id"], identity_confirmed=True))
    await make.refused(Conflict, "not-in-table", make.act(db, make.NURSE, booking.call_in, row["id"]))


async def test_a_visit_cannot_be_over_before_it_begins(db: Database, clock: FixedClock) -> None:
    row = await visit(db)
    clock.set(row["starts_at"] - timedelta(hours=2))
    await make.refused(Conflict, "too-early", make.act(db, make.DOCTOR, booking.fulfil, row["id"]))
    await make.refused(Conflict, "too-early", make.act(db, make.DOCTOR, booking.absent, row["id"]))


async def test_a_patient_who_came_early_may_be_seen_early_that_day(db: Database, clock: FixedClock) -> None:
    row = await visit(db)
    clock.set(row["starts_at"] - timedelta(hours=5))
    await make.act(db, make.NURSE, booking.arrive, row["id"], identity_confirmed=True)
    assert (await make.act(db, make.DOCTOR, booking.fulfil, row["id"]))["status"] == "fulfilled"


async def test_nobody_is_there_on_a_day_before(db: Database, clock: FixedClock) -> None:
    row = await visit(db)
    clock.set(row["starts_at"] - timedelta(days=1))
    await make.refused(Conflict, "before-its-day", make.act(db, make.NURSE, booking.arrive, row["id"], identity_confirmed=True))
    for decided in (False, True):
        await make.refused(Conflict, "before-its-day", make.act(db, make.DOCTOR, booking.fulfil, row["id"], decided=decided))
    with pytest.raises(Conflict) as refusal:  # whatever the program says
        async with db.transaction(SYSTEM) as tx:
            await tx.execute("UPDATE appointment SET arrived_at = $2 WHERE id = $1", row["id"], clock.now())
    assert refusal.value.reason == "before-its-day"


async def test_an_absence_is_a_persons_act_with_a_reason(db: Database, clock: FixedClock) -> None:
    row = await visit(db, clock)
    await make.refused(Invalid, "unknown-reason", make.act(db, make.DOCTOR, booking.absent, row["id"], reason="bored"))
    await make.refused(NotAllowed, "not-for-this-party", make.act(db, make.NURSE, booking.absent, row["id"]))
    gone = await make.act(db, make.PLANNER, booking.absent, row["id"], reason="transport")
    assert (gone["status"], gone["absence_reason"], gone["absent_at"]) == ("noshow", "transport", clock.now())
    assert await make.act(db, make.PLANNER, booking.absences_of, row["patient_id"]) == 1
    await make.check(db)


async def test_who_has_arrived_is_not_absent(db: Database, clock: FixedClock) -> None:
    row = await visit(db, clock)
    await make.act(db, make.NURSE, booking.arrive, row["id"], identity_confirmed=True)
    await make.refused(Conflict, "not-in-table", make.act(db, make.DOCTOR, booking.absent, row["id"]))


async def test_each_step_is_a_status_row_with_its_author(db: Database, clock: FixedClock) -> None:
    row = await visit(db, clock)
    await make.act(db, make.NURSE, booking.arrive, row["id"], identity_confirmed=True)
    await make.act(db, make.DOCTOR, booking.fulfil, row["id"])
    history = await make.act(db, make.PLANNER, booking.appointment_history, row["id"])
    assert [(h["verb"], h["status"], h["role_id"]) for h in history] == [
        ("book", "booked", make.GP.role_id),
        ("arrive", "arrived", make.NURSE.role_id),
        ("fulfil", "fulfilled", make.DOCTOR.role_id),
    ]
