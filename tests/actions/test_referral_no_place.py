"""No place in time: the request waits in the open, with its line in the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_waiting_for_a_place(db: Database) -> None:
    task = await make.waiting(db)
    row = await make.look(db, task)
    assert (row["state"], row["deadline"], row["reason_axis"]) == ("waiting-capacity", "visit", "capacity")
    assert row["due_at"] == row["first_sent_at"] + timedelta(days=60)
    assert await make.ledger(db, task) == [("first-offer", "no-slot-in-target", None)]
    [line] = (await make.thread(db, task))["capacity_failure"]
    shown = await make.photograph(db, "Task", line["id"])
    assert (shown["code"]["coding"][0]["code"], shown["status"]) == ("capacity-failure", "in-progress")
    assert shown["focus"]["reference"].startswith("ServiceRequest/")
    statuses = (await make.thread(db, task))["referral_status"]
    assert line["decision_seq"] == statuses[-1]["seq"]


async def test_it_takes_a_capacity_reason(db: Database) -> None:
    task = await make.to_book(db)
    error = await make.refused(db, make.PLANNER, referrals.no_place, task, Invalid, reason="no-indication")
    assert [issue.reason for issue in error.issues] == ["unknown-reason"]


async def test_the_patients_part_moves_the_target(db: Database, clock: FixedClock) -> None:
    task = await make.to_book(db)
    away = clock.now() + timedelta(days=1), clock.now() + timedelta(days=6)
    await make.act(db, make.NURSE, referrals.declare_unavailable, task, start=away[0], end=away[1])
    clock.advance(timedelta(days=10))
    await make.act(db, make.PLANNER, referrals.no_place, task, reason="quota-exhausted")
    row = await make.look(db, task)
    assert row["due_at"] == row["first_sent_at"] + timedelta(days=65)


async def test_a_slot_found_later_resolves_the_line(db: Database) -> None:
    task = await make.waiting(db)
    await make.act(db, make.PLANNER, referrals.book, task, **make.slot())
    assert await make.ledger(db, task) == [("first-offer", "no-slot-in-target", "slot-added")]


async def test_the_ledger_line_has_no_verbs(db: Database) -> None:
    task = await make.waiting(db)
    [line] = (await make.thread(db, task))["capacity_failure"]
    assert await make.act(db, make.PLANNER, referrals.available_actions, line["id"]) == ()
    with pytest.raises(Conflict) as refused:
        await make.act(db, make.PLANNER, referrals.open_, line["id"])
    assert refused.value.reason == "not-a-coordination-task"
