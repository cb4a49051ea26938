"""The board against a recount of the rows that the verbs wrote, for every path that a request takes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import indicators, referrals
from maillage.indicators import Board, Share
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
SERVICES = {make.SERVICE: make.HOSPITAL, make.OTHER_SERVICE: make.HOSPITAL}


async def board(db: Database) -> Board:
    async with db.transaction(SYSTEM) as tx:
        return await indicators.board(tx, SERVICES)


async def test_what_each_side_did_is_counted_once(db: Database, clock: FixedClock) -> None:
    await make.info_received(db)
    declined = await make.opened(db, patient=1)
    await make.act(db, make.TRIAGER, referrals.decline, declined, reason="no-indication", comment=make.LONG)
    waiting = await make.to_book(db, patient=2)
    await make.act(db, make.PLANNER, referrals.no_place, waiting, reason="no-slot-in-target")
    booked = await make.to_book(db, patient=3)
    await make.act(db, make.PLANNER, referrals.book, booked, **make.slot())
    clock.set(make.SLOT["end"])
    await make.act(db, make.TRIAGER, referrals.mark_seen, booked)
    found = await board(db)
    [pair] = found.pairs
    assert (pair.requester_org, pair.service_id, pair.sent) == (make.CENTRE, make.SERVICE, 4)
    assert (pair.declined_clinical, pair.declined_completeness, pair.declined_other) == (1, 0, 0)
    assert (pair.returned, pair.complete, pair.rounds) == (Share(1, 4), Share(3, 3), 1)
    assert pair.decided_in_time == Share(3, 3)
    assert found.whole.capacity_failures == Share(1, 2)
    assert found.whole.loop_closed == Share(0, 1)
    [line] = found.ledger
    assert (line.service_id, line.reason, line.opened, line.waiting, line.placed) == (make.SERVICE, "no-slot-in-target", 1, 1, 0)
    assert found.standing[make.SERVICE].without_place == 1
    assert found.standing[make.OTHER_SERVICE].open == 0
    assert found.waits[make.SERVICE].appointment.n == 1


async def test_an_insisted_request_is_no_second_one(db: Database) -> None:
    task = await make.opened(db)
    await make.act(db, make.TRIAGER, referrals.decline, task, reason="no-indication", comment=make.LONG)
    await make.act(db, make.GP, referrals.insist, task, text=make.LONG)
    [pair] = (await board(db)).pairs
    assert (pair.sent, pair.overturned) == (1, Share(0, 1))


async def test_figures_are_kept_for_half_an_hour_and_told_as_the_floors_allow(db: Database, dsn: str, clock: FixedClock) -> None:
    await make.info_received(db)
    kept = clock.now()
    await make.act(db, SYSTEM, indicators.keep)
    waiting = await make.to_book(db, patient=2)
    await make.act(db, make.PLANNER, referrals.no_place, waiting, reason="no-slot-in-target")
    clock.advance(timedelta(minutes=29))
    found = await board(db)
    assert (found.at, found.standing[make.SERVICE].open) == (kept, 1)
    assert found.waits[make.SERVICE].at == kept
    # Whoever is outside the care team is told no more of what is kept than of what is counted at once
    async with db.transaction(make.CARDIOLOGIST) as tx:
        assert (await indicators.board(tx, SERVICES)).standing[make.SERVICE].open is None
        assert await tx.fetch("SELECT * FROM indicator_count") == []
    # Older than that, they are counted again
    clock.advance(timedelta(minutes=1))
    found = await board(db)
    assert (found.at, found.standing[make.SERVICE].open) == (clock.now(), 2)
    await make.act(db, SYSTEM, indicators.keep)
    assert await board(db) == found
