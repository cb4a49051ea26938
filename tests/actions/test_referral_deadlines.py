"""The breach ladder, run by the scheduler: reminds, tells, parks; decides nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make
from tests.support import postgres

from maillage import messaging, referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotAllowed, Unavailable
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def run(db: Database) -> int:
    async with db.transaction(SYSTEM) as tx:
        return await referrals.run_deadlines(tx)


async def levels(db: Database, task: str) -> list[int]:
    return [row["level"] for row in (await make.thread(db, task))["referral_breach"]]


async def test_the_ladder_is_climbed_once(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)  # decided in five working days
    assert await run(db) == 0
    for days, expected in ((4, [75]), (7, [75, 100]), (10, [75, 100, 150]), (21, [75, 100, 150, 300])):
        clock.set(make.SLOT["start"].replace(month=11, day=16, hour=8) + timedelta(days=days))
        await run(db)
        assert await run(db) == 0
        assert await levels(db, task) == expected
    row = await make.look(db, task)
    assert row["state"] == "opened", "nothing leaves a worklist without a person"
    events = {(event, who) for event, _, who in await make.told(db, task)}
    assert {("referral-reminder", "percy-hge-castanier"), ("referral-breach", "clamart-mg-isambert")} <= events
    assert {("referral-breach-senior", "percy-hge-escoubleau"), ("referral-breach-group", "percy-hge-escoubleau")} <= events
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox WHERE topic = $1", messaging.AGENDA) == 1


async def test_the_requester_is_reminded_of_a_turn(db: Database, clock: FixedClock) -> None:
    task = await make.info_requested(db)
    clock.advance(timedelta(days=4))
    await run(db)
    assert ("referral-reminder", make.CENTRE, "clamart-mg-isambert") in await make.told(db, task)


async def test_at_the_offer_deadline_the_request_waits_in_the_open(db: Database, clock: FixedClock) -> None:
    task = await make.to_book(db)
    clock.advance(timedelta(days=14))
    await run(db)
    row = await make.look(db, task)
    assert (row["state"], row["reason"]) == ("waiting-capacity", "no-slot-in-target")
    status = await make.last_status(db, task)
    assert (status["verb"], status["party"]) == ("no-place", "SY")
    assert await make.ledger(db, task) == [("first-offer", "no-slot-in-target", None)]


async def test_a_place_that_does_not_come_is_the_seniors_turn(db: Database, clock: FixedClock) -> None:
    task = await make.waiting(db)
    clock.advance(timedelta(days=60))
    await run(db)
    row = await make.look(db, task)
    assert (row["state"], row["turn"], row["holder"]) == ("waiting-capacity", "LD", "PractitionerRole/percy-hge-escoubleau")
    assert (await make.photograph(db, "Task", task))["extension"][0]["extension"][0]["valueCode"] == "LD"
    assert await run(db) == 0


async def test_only_the_scheduler_runs_deadlines(db: Database) -> None:
    with pytest.raises(NotAllowed):
        await make.act(db, make.TRIAGER, referrals.run_deadlines)


async def test_what_somebody_works_on_is_left_for_the_next_time(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    clock.advance(timedelta(days=8))
    async with db.transaction(make.TRIAGER) as tx:
        await tx.execute("SELECT 1 FROM service_request FOR UPDATE")
        assert await run(db) == 0
    assert await run(db) == 2
    assert await levels(db, task) == [75, 100]


async def test_breaches_and_statuses_are_never_rewritten(db: Database, dsn: str, clock: FixedClock) -> None:
    import asyncpg

    task = await make.opened(db)
    for statement in ("DELETE FROM referral_status WHERE task_id = $1", "UPDATE referral_status SET verb = 'x' WHERE task_id = $1"):
        with pytest.raises(Unavailable, match="not-granted"):
            async with db.transaction(SYSTEM) as tx:
                await tx.execute(statement, task)
        owner = await asyncpg.connect(postgres.owner(dsn))
        try:
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await owner.execute(statement, task)
        finally:
            await owner.close()


async def test_open_means_that_somebody_owes_something_by_a_date(db: Database) -> None:
    import asyncpg

    task = await make.opened(db)
    for change in ("turn = NULL", "due_at = NULL", "holder = NULL", "state = 'closed'"):
        with pytest.raises(asyncpg.CheckViolationError):
            async with db.transaction(SYSTEM) as tx:
                await tx.execute(f"UPDATE referral_task SET {change} WHERE id = $1", task)


async def test_a_draft_is_spoken_of_to_its_requester_alone(db: Database, clock: FixedClock) -> None:
    [task] = await make.draft(db)
    clock.advance(timedelta(days=60))
    assert await run(db) == 4
    assert {organization for _, organization, _ in await make.told(db, task)} == {make.CENTRE}
    await make.act(db, make.GP, referrals.enter_in_error, task, reason="duplicate")
    assert {organization for _, organization, _ in await make.told(db, task)} == {make.CENTRE}
