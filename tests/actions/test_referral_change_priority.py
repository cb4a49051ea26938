"""Priority and unavailability: changed with a reason, told to both sides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Invalid
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_the_requester_changes_the_priority_of_request_and_task(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    await make.act(db, make.GP, referrals.change_priority, task, priority="asap", reason="worsened")
    row = await make.look(db, task)
    assert (row["priority"], row["state"], row["due_at"]) == ("asap", "opened", clock.now() + timedelta(days=1))
    assert (await make.request_of(db, task))["priority"] == "asap"
    assert ("referral-change-priority", make.HOSPITAL, "percy-hge-castanier") in await make.told(db, task)


async def test_the_service_changes_its_task_alone(db: Database) -> None:
    task = await make.info_requested(db)
    await make.act(db, make.TRIAGER, referrals.change_priority, task, priority="urgent", reason="triage-assessment")
    assert (await make.request_of(db, task))["priority"] == "routine"
    [child] = await make.children(db, task, "provide-information")
    assert child["priority"] == "urgent"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"priority": "stat", "reason": "worsened"}, "call-instead"),
        ({"priority": "routine", "reason": "worsened"}, "priority-unchanged"),
        ({"priority": "soon", "reason": "worsened"}, "priority-unchanged"),
        ({"priority": "urgent"}, "reason-missing"),
        ({"priority": "urgent", "reason": "whim"}, "unknown-reason"),
    ],
)
async def test_what_is_refused(db: Database, values: dict[str, str], reason: str) -> None:
    task = await make.opened(db)
    error = await make.refused(db, make.GP, referrals.change_priority, task, Invalid, **values)
    assert reason in [issue.reason for issue in error.issues]


async def test_a_patient_who_is_away(db: Database, clock: FixedClock) -> None:
    task = await make.sent(db)
    start, end = clock.now() + timedelta(days=2), clock.now() + timedelta(days=9)
    await make.act(db, make.NURSE, referrals.declare_unavailable, task, start=start, end=end)
    assert await make.intervals(db, task) == [("P1", start, end)]
    past = {"start": clock.now() - timedelta(days=1), "end": end}
    error = await make.refused(db, make.NURSE, referrals.declare_unavailable, task, Invalid, **past)
    assert error.issues[0].reason == "contact-missing"
    await make.act(db, make.NURSE, referrals.declare_unavailable, task, **past, contact="Appel du 15")
    error = await make.refused(db, make.NURSE, referrals.declare_unavailable, task, Invalid, start=end, end=start)
    assert error.issues[0].reason == "period-missing"
