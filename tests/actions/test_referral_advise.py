"""Answering without a visit."""

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


async def test_an_advice_goes_back(db: Database) -> None:
    task = await make.advised(db)
    row = await make.look(db, task)
    assert (row["state"], row["business"], row["turn"]) == ("advised", "7.0", "requester")
    assert (await make.last_status(db, task))["published_rows"] == "02+09"
    assert [child["state"] for child in await make.children(db, task, "acknowledge-letter")] == ["due"]
    assert await make.children(db, task, "follow-up") == []
    shown = await make.photograph(db, "Task", task)
    assert shown["output"][-2]["valueCodeableConcept"]["coding"][0]["code"] == "advice-only"
    assert shown["output"][-1]["valueString"] == "Poursuivre le traitement."


async def test_a_dated_recommendation_opens_a_follow_up(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    error = await make.refused(db, make.TRIAGER, referrals.advise, task, Invalid, recommendation="to-be-tested", text="Échographie")
    assert [issue.reason for issue in error.issues] == ["date-missing"]
    due = clock.now() + timedelta(days=30)
    await make.act(db, make.TRIAGER, referrals.advise, task, recommendation="to-be-tested", text="Échographie", due=due)
    [follow_up] = await make.children(db, task, "follow-up")
    assert (follow_up["due_at"], follow_up["description"], follow_up["recommendation"]) == (due, "Échographie", "to-be-tested")


async def test_the_requester_acknowledges_an_advice(db: Database) -> None:
    task = await make.advised(db)
    await make.act(db, make.GP, referrals.acknowledge, task)
    assert (await make.look(db, task))["state"] == "closed"
    assert (await make.request_of(db, task))["status"] == "completed"
