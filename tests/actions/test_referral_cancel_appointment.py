"""Cancelling the visit, not the request."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Invalid
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_cancelled_by_the_service(db: Database) -> None:
    task = await make.to_rebook(db)
    row = await make.look(db, task)
    assert (row["state"], row["appointment_id"], row["reason_list"]) == ("to-rebook", None, "cancel-by-service")
    assert await make.ledger(db, task) == [("cancelled-by-service", "strike", None)]
    assert await make.intervals(db, task) == []
    assert (await make.request_of(db, task))["status"] == "active"


async def test_cancelled_late_by_the_patient(db: Database, clock: FixedClock) -> None:
    task = await make.booked(db)
    clock.set(make.SLOT["start"] - timedelta(hours=47))
    at = clock.now()
    await make.act(db, make.PLANNER, referrals.cancel_appointment, task, side="patient", reason="ill", contact="Appel")
    assert await make.intervals(db, task) == [("P4", at, at + timedelta(days=14))]
    clock.advance(timedelta(days=2))
    await make.act(db, make.PLANNER, referrals.offer, task, **make.slot(2, days=20))
    assert await make.intervals(db, task) == [("P4", at, at + timedelta(days=2))]


async def test_cancelled_in_time_by_the_patient(db: Database) -> None:
    task = await make.booked(db)
    await make.act(db, make.PLANNER, referrals.cancel_appointment, task, side="patient", reason="transport")
    assert await make.intervals(db, task) == []
    assert await make.ledger(db, task) == []


async def test_a_cancellation_has_a_side_and_a_reason_of_that_side(db: Database) -> None:
    task = await make.booked(db)
    error = await make.refused(db, make.PLANNER, referrals.cancel_appointment, task, Invalid, side="patient", reason="strike")
    assert [issue.reason for issue in error.issues] == ["unknown-reason"]
    error = await make.refused(db, make.PLANNER, referrals.cancel_appointment, task, Invalid)
    assert [issue.reason for issue in error.issues] == ["side-missing", "reason-missing"]


async def test_what_the_diary_decided_is_done_for_the_office(db: Database) -> None:
    task = await make.booked(db)
    await make.act(db, SYSTEM, referrals.cancel_appointment, task, side="host", reason="room")
    status = await make.last_status(db, task)
    assert (status["party"], status["actor_kind"], status["state"]) == ("PO", "system", "to-rebook")
