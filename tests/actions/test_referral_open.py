"""The first display in triage: read, and by whom now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_the_first_display_opens(db: Database) -> None:
    task = await make.sent(db)
    await make.act(db, make.TRIAGER, referrals.look, task)
    row = await make.look(db, task)
    assert (row["state"], row["opened_at"]) == ("opened", row["entered_at"])
    await make.act(db, make.TRIAGER_2, referrals.look, task)
    assert (await make.look(db, task))["version"] == row["version"]


async def test_read_by_is_a_hint_for_fifteen_minutes(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    await make.act(db, make.TRIAGER, referrals.look, task)
    async with db.transaction(make.TRIAGER_2) as tx:
        assert [row["reader_id"] for row in (await referrals.thread(tx, await referrals.visible_task(tx, task)))["readers"]] == [
            "castanier-leo"
        ]
        [listed] = await referrals.worklist(tx, "to-triage")
        assert listed["read_by"] == "castanier-leo"
    await make.act(db, make.TRIAGER_2, referrals.accept, task)
    clock.advance(timedelta(minutes=15))
    async with db.transaction(make.TRIAGER_2) as tx:
        assert list((await referrals.thread(tx, await referrals.visible_task(tx, task)))["readers"]) == []


async def test_the_requester_looks_without_opening(db: Database) -> None:
    task = await make.sent(db)
    assert await make.act(db, make.GP, referrals.look, task) == task
    assert (await make.look(db, task))["state"] == "sent"


async def test_the_senior_reads_what_was_insisted(db: Database) -> None:
    task = await make.insisted(db)
    await make.act(db, make.SENIOR, referrals.look, task)
    assert (await make.look(db, task))["state"] == "insisted"


async def test_the_requester_does_not_open(db: Database) -> None:
    task = await make.sent(db)
    await make.refused(db, make.GP, referrals.open_, task, NotAllowed)
