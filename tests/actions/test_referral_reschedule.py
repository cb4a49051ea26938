"""Moving the visit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_moved(db: Database) -> None:
    task = await make.booked(db)
    await make.act(db, make.PLANNER, referrals.reschedule, task, **make.slot(2, days=7))
    row = await make.look(db, task)
    assert (row["state"], row["appointment_id"], row["reschedules"]) == ("booked", "appointment-2", 1)
    assert row["due_at"] == make.SLOT["end"] + timedelta(days=8)
    assert (await make.last_status(db, task))["published_rows"] == "11"


async def test_beyond_three_times_the_requester_is_told(db: Database) -> None:
    task = await make.booked(db)
    event = ("referral-rescheduled-often", make.CENTRE, "clamart-mg-isambert")
    for number in range(2, 5):
        await make.act(db, make.PLANNER, referrals.reschedule, task, **make.slot(number, days=number))
    assert event not in await make.told(db, task)
    await make.act(db, make.PLANNER, referrals.reschedule, task, **make.slot(5, days=5))
    assert event in await make.told(db, task)
