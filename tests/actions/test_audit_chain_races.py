"""The chain under races: writers that commit in any order, chainers that take turns, one that is stopped in the middle and wakes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import postgres
from tests.support.chaining import LEASE, Proof

from maillage.kernel.clock import SystemClock

INSERT = "INSERT INTO audit_event (id, at, action, subtype, actor_kind, actor_id, res_type) VALUES ($1, now(), 'R', 'read', 'person', 'p', 'Task')"
WRITERS, CHAINERS = 3, 2


class World:
    """Three writers with a transaction each, two chainers of one installation, and what must be in the chain."""

    def __init__(self, cluster: postgres.TestCluster, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.committed: set[str] = set()
        self.count = 0
        self.run(self._open(cluster, folder))

    async def _open(self, cluster: postgres.TestCluster, folder: Path) -> None:
        dsn = await cluster.database("postgres_ground", postgres.ground)
        self.db = await postgres.open_both(dsn, SystemClock())
        self.one = Proof(self.db, folder, every_rows=3)
        self.chainers = [self.one.another(lease=timedelta(0)) for _ in range(CHAINERS)]
        self.writers = [await asyncpg.connect(dsn) for _ in range(WRITERS)]
        self.open: list[tuple[Any, set[str]] | None] = [None] * WRITERS

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def write(self, writer: int) -> None:
        """One more row in the writer's transaction, begun if need be."""
        if self.open[writer] is None:
            begun = self.writers[writer].transaction()
            await begun.start()
            self.open[writer] = (begun, set())
        self.count += 1
        _, ids = self.open[writer] or (None, set())
        ids.add(f"row-{self.count}")
        await self.writers[writer].execute(INSERT, f"row-{self.count}")

    async def end(self, writer: int, *, commit: bool) -> None:
        """Commit or undo."""
        if self.open[writer] is not None:
            begun, ids = self.open[writer] or (None, set())
            await (begun.commit() if commit else begun.rollback())
            self.committed |= ids if commit else set()
        self.open[writer] = None

    async def play(self, step: tuple[str, int]) -> None:
        what, who = step
        if what == "write":
            await self.write(who % WRITERS)
        elif what in ("commit", "undo"):
            await self.end(who % WRITERS, commit=what == "commit")
        elif what == "chain":
            await self.chainers[who % CHAINERS].round()
        else:  # several at once
            await asyncio.gather(*(chainer.round() for chainer in self.chainers), self.write(who % WRITERS))

    async def settle(self) -> list[str]:
        """Everybody ends, everything is chained; what does not fit."""
        for writer in range(WRITERS):
            await self.end(writer, commit=True)
        for _ in range(3):
            for chainer in self.chainers:
                await chainer.drain()
        chained = await self.one.chained()
        report = await self.one.verify()
        wrong = [f"{fault.code} {fault.seq} {fault.event}" for fault in report.faults]
        wrong += [f"left out {id}" for id in sorted(self.committed - set(chained))] + [
            f"invented {id}" for id in set(chained) - self.committed
        ]
        fences = [row["fence"] for row in await self.one.rows("SELECT fence FROM audit_chain ORDER BY seq")]
        return wrong + ([] if fences == sorted(fences) and len(chained) == len(set(chained)) else ["the turns overlap"])

    async def close(self) -> None:
        for writer in self.writers:
            await writer.close()
        await self.db.close()


@pytest.fixture
def world(cluster: postgres.TestCluster, tmp_path: Path) -> Iterator[World]:
    made = World(cluster, tmp_path)
    yield made
    made.run(made.close())
    made.runner.close()


STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "write", "commit", "undo", "chain", "chain", "together"]), st.integers(0, 5)), max_size=25
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_class_28_no_interleaving_leaves_a_row_out(world: World, steps: list[tuple[str, int]]) -> None:
    async def played() -> list[str]:
        for step in steps:
            await world.play(step)
        return await world.settle()

    assert world.run(played()) == []


def until(holds: Callable[[], Any], seconds: float = 60) -> Any:
    """What it answers as soon as it is something."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return found


@pytest.mark.slow
def test_fault_24_a_chainer_that_is_stopped_and_wakes_makes_no_fork(world: World, tmp_path: Path) -> None:
    def row(sql: str) -> Any:
        return world.run(world.one.rows(sql))[0]

    def chained() -> int:
        return len(world.run(world.one.chained()))

    dsn = world.db._dsn
    words = [sys.executable, "-m", "tests.support.chaining", dsn, postgres.trail(dsn), str(tmp_path)]
    chainers = [subprocess.Popen(words, stdout=subprocess.DEVNULL) for _ in range(2)]
    try:
        world.run(world.one.look(7))
        until(lambda: chained() == 7)
        first = until(lambda: int(row("SELECT holder FROM audit_chainer")["holder"].split(":")[1]))
        os.kill(first, signal.SIGSTOP)
        world.run(world.one.look(7))
        until(lambda: chained() == 14)
        second = int(row("SELECT holder FROM audit_chainer")["holder"].split(":")[1])
        os.kill(first, signal.SIGCONT)
        world.run(world.one.look(7))
        until(lambda: chained() == 21)
        assert {first, second} == {chainer.pid for chainer in chainers}
        until(lambda: world.one.points() and world.one.points()[-1].seq >= 14, LEASE.total_seconds() + 60)
    finally:
        for chainer in chainers:
            chainer.kill()
            chainer.wait(10)
    world.committed = {found["id"] for found in world.run(world.one.rows("SELECT id FROM audit_event ORDER BY id"))}
    world.chainers = []
    assert world.run(world.settle()) == []
    assert row("SELECT max(fence) - min(fence) AS turns FROM audit_chain")["turns"] == 1
    assert [point.fault for point in world.one.points()] == [""] * len(world.one.points())
