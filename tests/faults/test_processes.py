"""F3, F23, F24: processes that are killed in the middle of their work, poisoned by it, or stopped and woken when another one has taken over."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.support import postgres
from tests.support.chaining import DOCTOR, HERE, Proof
from tests.support.invariants import breaches
from tests.support.sender import POISONED, SENT

from maillage import record
from maillage.kernel.actor import SYSTEM
from maillage.store import Database, migrate, outbox

pytestmark = pytest.mark.nightly
FILL = postgres.ground
MIGRATOR = (
    "import asyncio, sys, pathlib; from maillage.store import migrate; asyncio.run(migrate.migrate(sys.argv[1], pathlib.Path(sys.argv[2])))"
)
STEPS = {
    "0001_first.sql": "CREATE TABLE first (n int PRIMARY KEY); INSERT INTO first SELECT generate_series(1, 9);",
    "0002_long.sql": "CREATE TABLE long (n int PRIMARY KEY); INSERT INTO long VALUES (1); SELECT pg_sleep(0.6); INSERT INTO long VALUES (2);",
    "0003_last.sql": "ALTER TABLE long ADD COLUMN more text NOT NULL DEFAULT ''; SELECT pg_sleep(0.6); INSERT INTO long VALUES (3, 'x');",
}


@contextmanager
def process(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    made = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    try:
        yield made
    finally:
        made.kill()
        made.wait()


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def asked(dsn: str, sql: str) -> list[Any]:
    async def ask() -> list[Any]:
        conn = await asyncpg.connect(postgres.owner(dsn))
        try:
            return list(await conn.fetch(sql))
        finally:
            await conn.close()

    return asyncio.run(ask())


@pytest.fixture
def blank(cluster: postgres.TestCluster) -> Iterator[str]:
    name = f"blank_faults_{cluster.worker}"
    asyncio.run(cluster._admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE template0'))
    yield cluster.owner(name)
    asyncio.run(cluster._admin(f'DROP DATABASE "{name}" WITH (FORCE)'))


def test_f3_a_migration_that_is_killed_runs_again(blank: str, tmp_path: Path) -> None:
    for name, text in STEPS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for _ in range(6):
        with process("-c", MIGRATOR, blank, str(tmp_path)):
            time.sleep(random.uniform(0.4, 1.6))
    asyncio.run(migrate.migrate(blank, tmp_path))
    assert [name for _, name, _ in asyncio.run(migrate.applied(blank))] == ["first", "long", "last"]
    assert [row["n"] for row in asked(blank, "SELECT n FROM long ORDER BY n")] == [1, 2, 3]
    assert asyncio.run(migrate.migrate(blank, tmp_path)) == []


def test_f3_a_chainer_that_is_killed_leaves_a_whole_chain(dsn: str, tmp_path: Path) -> None:
    async def look(count: int) -> None:
        db = await Database.open(dsn)
        try:
            for number in range(count):
                async with db.transaction(DOCTOR, origin=HERE) as tx:
                    await record.audit(tx, "R", "Task", f"task-{number}", patient="patient-1", verb="read")
        finally:
            await db.close()

    for _ in range(8):
        with process("-m", "tests.support.chaining", dsn, str(tmp_path)):
            asyncio.run(look(120))
            time.sleep(random.uniform(1.5, 3))

    async def verified() -> None:
        db = await Database.open(dsn)
        try:
            one = Proof(db, tmp_path, every_rows=1)
            await asyncio.sleep(5.2)
            await one.chainer.drain()
            report = await one.verify()
            assert (report.faults, report.rows, report.covered) == ([], 8 * 120, 8 * 120)
        finally:
            await db.close()

    asyncio.run(verified())


class Post:
    """An outbox, its receiver outside the database, and what became of its messages."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn, self.receiver = dsn, folder / "received"
        asyncio.run(postgres.as_owner(dsn, SENT, "DELETE FROM sent"))

    def write(self, payloads: list[dict[str, Any]]) -> list[str]:
        async def put() -> list[str]:
            db = await Database.open(self.dsn)
            try:
                async with db.transaction(SYSTEM) as tx:
                    return [await outbox.enqueue(tx, "mail", payload) for payload in payloads]
            finally:
                await db.close()

        return asyncio.run(put())

    def worker(self, lease: float = 0.5) -> Any:
        return process("-m", "tests.support.sender", self.dsn, str(self.receiver), str(lease))

    def sent(self) -> list[int]:
        return [row["n"] for row in asked(self.dsn, "SELECT n FROM sent ORDER BY n")]

    def dead(self) -> list[tuple[int, str]]:
        rows = asked(
            self.dsn, "SELECT (payload::jsonb ->> 'n')::int AS n, last_error FROM outbox WHERE dead_at IS NOT NULL ORDER BY number"
        )
        return [(row["n"], row["last_error"]) for row in rows]

    def received(self) -> set[str]:
        return {line.split()[0] for line in self.receiver.read_text().splitlines()} if self.receiver.exists() else set()


@pytest.fixture
def post(dsn: str, tmp_path: Path) -> Iterator[Post]:
    yield Post(dsn, tmp_path)
    asyncio.run(postgres.as_owner(dsn, "DROP TABLE sent"))


def test_f3_a_worker_that_is_killed_while_it_sends_loses_and_doubles_nothing(post: Post) -> None:
    ids = post.write([{"n": n, "pause": 0.01} for n in range(300)])
    for _ in range(4):  # four, because five tries is what a message has
        with post.worker():
            time.sleep(random.uniform(0.9, 1.6))
    with post.worker():
        until(lambda: len(post.sent()) == 300)
    assert post.sent() == list(range(300)), "one effect for each"
    assert post.received() == set(ids), "each was delivered at least once"
    assert post.dead() == []
    assert asyncio.run(breaches(postgres.owner(post.dsn))) == []


def test_f23_a_message_that_kills_every_worker_is_set_aside_and_takes_no_other_with_it(post: Post) -> None:
    post.write([{"n": n, "poison": n == 7} for n in range(40)])
    deaths = 0
    while len(post.sent()) < 39 or not post.dead():
        assert deaths < 12, (post.sent(), post.dead())
        with post.worker() as worker:
            try:
                assert worker.wait(8) == POISONED
                deaths += 1
            except subprocess.TimeoutExpired:
                break
    assert post.sent() == [n for n in range(40) if n != 7]
    assert post.dead() == [(7, "worker-died")]
    assert deaths == outbox.TRIES


def test_f24_a_worker_that_is_stopped_and_wakes_sends_nothing_twice(post: Post) -> None:
    ids = post.write([{"n": n, "pause": 0.2} for n in range(12)])
    with post.worker() as first, post.worker() as second:
        until(lambda: len(post.received()) >= 3)
        first.send_signal(signal.SIGSTOP)
        until(lambda: len(post.sent()) == 12)
        first.send_signal(signal.SIGCONT)
        more = post.write([{"n": n} for n in range(12, 24)])
        until(lambda: len(post.sent()) == 24)
        time.sleep(2)
        assert (first.poll(), second.poll()) == (None, None)
    assert post.sent() == list(range(24))
    assert post.received() == {*ids, *more}
