"""What awaits the planner of the hospital and the host site."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.booking.actions.loading import line_of
from maillage.booking.actions.writing import found, photograph_slot
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def ids(db: Database, actor: Any, worklist: Any, **more: Any) -> list[str]:
    return [row["id"] for row in await make.act(db, actor, worklist, **more)]


async def test_from_planned_to_settled(db: Database, clock: FixedClock) -> None:
    session = await make.planned(db)
    assert await ids(db, make.PLANNER, booking.unpublished) == [session["id"]]
    assert await ids(db, make.HOST, booking.rooms_to_confirm) == [session["id"]]
    assert await ids(db, make.GP, booking.rooms_to_confirm) == await ids(db, make.HOST, booking.unpublished) == []
    await make.publish(db, session["id"])
    assert await ids(db, make.PLANNER, booking.unpublished) == await ids(db, make.HOST, booking.rooms_to_confirm) == []
    assert await ids(db, make.PLANNER, booking.under_filled) == []
    clock.set(session["starts_at"] - timedelta(days=10))
    assert await ids(db, make.PLANNER, booking.under_filled) == [session["id"]]
    await make.act(db, make.DOCTOR, booking.flag_absence, session["id"])
    assert await ids(db, make.PLANNER, booking.at_risk) == [session["id"]]
    await make.act(db, make.PLANNER, booking.substitute, session["id"], practitioner_role=make.ROLE)
    clock.set(session["starts_at"])
    await make.act(db, make.DOCTOR, booking.start, session["id"])
    await make.act(db, make.DOCTOR, booking.finish, session["id"])
    assert await ids(db, make.HOST, booking.to_settle) == await ids(db, make.PLANNER, booking.to_settle) == [session["id"]]
    await make.act(db, make.HOST, booking.settle, session["id"], minutes=0, patients=0, cost_cents=0)
    assert (await ids(db, make.HOST, booking.to_settle), await ids(db, make.PLANNER, booking.to_settle)) == ([], [session["id"]])


async def test_the_calls_and_the_absences(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    row = await make.booked(db, slots[0]["id"], patients[0])
    await make.tick(db, clock, make.paris(make.TUESDAY - timedelta(days=7), 8))
    assert await ids(db, make.HOST, booking.unconfirmed) == [row["id"]]
    assert await ids(db, make.HOST, booking.to_call) == []
    await make.tick(db, clock, make.paris(make.TUESDAY - timedelta(days=3), 8))
    assert await ids(db, make.NURSE, booking.to_call) == [row["id"]]
    assert await ids(db, make.STRANGER, booking.to_call) == []
    await make.tick(db, clock, slots[0]["starts_at"] + timedelta(minutes=30))
    assert await ids(db, make.PLANNER, booking.absences_to_decide) == [row["id"]]
    assert await ids(db, make.NURSE, booking.to_call) == []


async def test_the_refill_board_counts_and_names_nobody(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    row = await make.booked(db, slots[0]["id"], patients[0])
    for patient in patients[1:3]:
        await make.waiting(db, patient)
    await make.act(db, make.PLANNER, booking.cancel, row["id"], reason="ill", side="patient")
    await make.tick(db, clock)
    board = await make.act(db, make.PLANNER, booking.refills, owner=make.HOSPITAL, since=clock.now())
    assert [(line["slot_id"], line["asked"], line["waiting"], line["state"]) for line in board] == [(slots[0]["id"], 2, 2, "open")]
    assert "patient_id" not in dict(board[0])
    assert await make.act(db, make.GP, booking.refills, owner=make.HOSPITAL, since=clock.now()) == []


async def test_the_vacations_of_a_hospital_and_of_a_site(db: Database) -> None:
    vacation = await make.vacation(db)
    assert await ids(db, make.GP, booking.vacations, owner=make.HOSPITAL) == [vacation["id"]]
    assert await ids(db, make.GP, booking.vacations, site="site-percy") == []


async def test_defects_are_loud(db: Database) -> None:
    session = await make.open_session(db)
    with pytest.raises(LookupError):
        line_of(booking.APPOINTMENT, "fulfilled", "serve", "SY")
    with pytest.raises(LookupError):
        found(None)
    slot = (await make.slots(db, session["id"]))[0]
    with pytest.raises(RuntimeError, match="photograph at 2"):
        await make.act(db, make.SYSTEM, photograph_slot, slot)
