"""Promise 7: nobody touches a request for four hundred days, and it is still on the list of somebody who owes something by a date (I11)."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from tests.factories import crossings
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
ENDED = ("closed", "cancelled", "entered-in-error")
OPEN = sorted({state for one in referrals.WORKLISTS.values() for state in one.states})
DAYS = 400


async def listed(db: Database) -> set[str]:
    """What stands on the lists that people of the two sides open."""
    found = set()
    for who in (make.GP, make.NURSE, make.TRIAGER, make.PLANNER):
        for name in referrals.WORKLISTS:
            async with db.transaction(who) as tx:
                found |= {row["id"] for row in await referrals.worklist(tx, name, limit=200)}
    return found


@pytest.mark.parametrize("state", OPEN)
async def test_promise_7_nobody_decides_and_nothing_leaves_the_lists(db: Database, clock: FixedClock, state: str) -> None:
    task = await make.reach(db, clock, state)
    end = clock.now() + timedelta(days=DAYS)
    while clock.now() < end:
        clock.advance(timedelta(hours=random.choice((1, 7, 30, 24 * 6, 24 * 17, 24 * 45))))
        await crossings.tick(db, clock)
        row = await make.look(db, task)
        assert row["state"] not in ENDED, "time closed it"
        assert None not in (row["turn"], row["holder"], row["due_at"]), row["state"]
        assert task in await listed(db), row["state"]
    async with db.transaction(SYSTEM) as tx:
        verbs = [
            row["verb"] for row in await tx.fetch("SELECT verb FROM referral_status WHERE task_id = $1 AND party = 'SY' ORDER BY seq", task)
        ]
        assert await tx.fetchval("SELECT count(*) FROM referral_breach WHERE task_id = $1 AND level = 300", task), (
            "the ladder was climbed to its end"
        )
    assert set(verbs) <= {"no-place", "breach"}, verbs
