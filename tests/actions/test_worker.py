"""What happens without a request: messages leave, deadlines pass, and nothing that fails stops it."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import journeys, worker
from maillage.app import stop_task
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, NotFound
from maillage.referrals import queries
from maillage.settings import DataSettings, Settings
from maillage.store import Database, Transaction

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def count(db: Database, sql: str, *args: Any) -> int:
    async with db.transaction(SYSTEM) as tx:
        return int(await tx.fetchval(sql, *args))


async def undelivered(db: Database) -> int:
    return await count(db, "SELECT count(*) FROM notification WHERE delivered_at IS NULL")


async def until(holds: Any) -> None:
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110  # the database wakes nobody
            await asyncio.sleep(0.02)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "OUTBOX_SECONDS", 0.01)
    monkeypatch.setattr(worker, "CLOCK_SECONDS", 0.01)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=DataSettings(folder=tmp_path))


async def test_a_tick_lets_time_pass_in_the_rooms_and_may_be_repeated(db: Database, clock: FixedClock) -> None:
    task = await make.sent(db)
    clock.advance(timedelta(days=21))
    await worker.tick(db)
    levels = "SELECT count(*) FROM referral_breach WHERE task_id = $1 AND level = 100"
    reached = await count(db, levels, task)
    assert reached
    await worker.tick(db)
    assert await count(db, levels, task) == reached


@pytest.mark.usefixtures("hurried")
async def test_the_worker_sends_messages_and_watches_deadlines(db: Database, clock: FixedClock, settings: Settings) -> None:
    await make.sent(db)
    clock.advance(timedelta(days=21))
    assert await undelivered(db)
    work = asyncio.create_task(worker.run(db, settings))
    try:

        async def done() -> bool:
            return not await undelivered(db) and bool(await count(db, "SELECT count(*) FROM referral_breach"))

        await until(done)
    finally:
        await stop_task(work)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(("error", "code"), [(Conflict("not-now"), "not-now"), (KeyError("Essai"), "KeyError")])
async def test_a_failing_round_is_told_by_its_code_and_does_not_end_the_worker(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: Settings, error: Exception, code: str
) -> None:
    rounds: list[str] = []

    async def failing(tx: Transaction) -> None:
        rounds.append("failing")
        raise error

    async def after(tx: Transaction) -> None:
        rounds.append("after")

    monkeypatch.setattr(journeys, "CLOCK", (failing, after))
    work = asyncio.create_task(worker.run(db, settings))
    try:

        async def again() -> bool:
            return len(rounds) >= 4

        with caplog.at_level(logging.WARNING, worker.__name__):
            await until(again)
        assert rounds[:4] == ["failing", "after", "failing", "after"]
        assert not work.done()
        assert f"worker-round-failed: clock: {code}" in caplog.messages
        assert "Essai" not in caplog.text
        await make.sent(db)

        async def sent() -> bool:
            return not await undelivered(db)

        await until(sent)
    finally:
        await stop_task(work)


async def test_a_row_that_cannot_be_read_keeps_no_other_from_its_turn(
    db: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = await make.sent(db), await make.sent(db, patient=1)
    clock.advance(timedelta(days=21))
    read = queries.breach_levels

    async def reading(tx: Transaction, task: str, *args: Any) -> Any:
        if task == broken:
            raise NotFound("HealthcareService", "gone")
        return await read(tx, task, *args)

    monkeypatch.setattr(queries, "breach_levels", reading)
    with caplog.at_level(logging.WARNING, "maillage.store.rounds"):
        await worker.tick(db)
    reached = "SELECT count(*) FROM referral_breach WHERE task_id = $1"
    assert (bool(await count(db, reached, broken)), bool(await count(db, reached, sound))) == (False, True)
    assert f"clock-row-failed: deadline {broken}: not-found" in caplog.messages
    monkeypatch.undo()
    await worker.tick(db)
    assert await count(db, reached, broken)
