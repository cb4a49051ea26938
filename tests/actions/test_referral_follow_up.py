"""Follow-ups on their own: taken, handed back, done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, Stale
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def follow_up(db: Database, clock: FixedClock) -> tuple[str, str]:
    task = await make.letter_sent(db, clock, recommendations=[{"text": "Coloscopie", "due": make.SLOT["end"] + timedelta(days=90)}])
    [child] = await make.children(db, task, "follow-up")
    return task, child["id"]


async def test_taken_before_the_letter_is_acknowledged(db: Database, clock: FixedClock) -> None:
    task, child = await follow_up(db, clock)
    accept = next(operation for operation in referrals.OPERATIONS if operation.name == "accept")
    assert [one.verb for one in await make.act(db, make.GP, referrals.available_actions, child)] == ["accept", "hand-back", "done"]
    await make.act(db, make.GP, accept.call, child)
    await make.act(db, make.GP, referrals.acknowledge, task, follow_ups=[{"id": child, "decision": "accept"}])
    assert (await make.look(db, task))["state"] == "closed"


async def test_what_is_refused(db: Database, clock: FixedClock) -> None:
    task, child = await follow_up(db, clock)
    for verb, actor, family, values in (
        (referrals.accept_follow_up, make.TRIAGER, NotAllowed, {}),
        (referrals.accept_follow_up, make.GP, Stale, {"version": 9}),
        (referrals.hand_back, make.GP, Invalid, {"comment": " "}),
        (referrals.done, make.GP, Invalid, {"outcome": "perhaps"}),
    ):
        with pytest.raises(family):
            await make.act(db, actor, verb, child, **values)
    with pytest.raises(Conflict) as refused:
        await make.act(db, make.GP, referrals.done, task)
    assert refused.value.reason == "not-a-follow-up"
    await make.act(db, make.GP, referrals.hand_back, child, comment="Pas de créneau en ville")
    with pytest.raises(Conflict) as again:
        await make.act(db, make.GP, referrals.accept_follow_up, child)
    assert again.value.reason == "not-in-table"


async def test_the_tasks_of_a_turn_follow_it(db: Database) -> None:
    task = await make.declined(db)
    [child] = await make.children(db, task, "decide-next")
    with pytest.raises(Conflict) as refused:
        await make.act(db, make.GP, referrals.accept_follow_up, child["id"])
    assert refused.value.reason == "follows-its-task"
    assert await make.act(db, make.GP, referrals.available_actions, child["id"]) == ()
