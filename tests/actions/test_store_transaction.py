"""The transaction: one instant, nothing left behind, errors in the domain's words."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta

import asyncpg
import pytest
from tests.support.postgres import as_owner, store_alone

from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Unavailable
from maillage.store import Connection, Database, Limits, Params, Transaction, constraints, lock_rows
from maillage.store.database import _gone

pytestmark = pytest.mark.asyncio
FILL = store_alone
DOCTOR = Actor(kind="person", id="p'1", organizations=("chic", "cms-clamart"))


async def outbox_row(tx: Transaction, id: str, topic: str = "t") -> None:
    await tx.execute("INSERT INTO outbox (id, topic, payload, created_at, due_at) VALUES ($1, $2, '{}', $3, $3)", id, topic, tx.now)


async def test_one_instant_for_the_whole_transaction(db: Database, clock: FixedClock) -> None:
    async with db.transaction(SYSTEM) as tx:
        before = tx.now
        clock.advance(timedelta(hours=1))
        assert tx.now == before


async def test_the_context_is_said_first_and_ends_with_the_transaction(db: Database) -> None:
    async with db.transaction(DOCTOR, request_id="r1", timeout=1.5) as tx:
        names = ("app.orgs", "app.actor", "app.kind", "app.request", "statement_timeout", "lock_timeout", "TimeZone")
        said = [await tx.fetchval("SELECT current_setting($1)", name) for name in names]
        assert said == ["chic,cms-clamart", "p'1", "person", "r1", "1500ms", "10s", "UTC"]
        pid = tx.conn.get_server_pid()
    async with db._connection() as conn:
        assert conn.get_server_pid() == pid
        assert not await conn.fetchval("SELECT current_setting('app.orgs', true)")
        assert await conn.fetchval("SHOW statement_timeout") == "15s"


async def test_no_reset_runs_between_transactions_and_nothing_leaks(db: Database) -> None:
    assert Connection.get_reset_query(None) == ""
    async with db.transaction(DOCTOR) as tx:
        pid = tx.conn.get_server_pid()
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the error must leave the inner block
            async with tx.savepoint():
                await outbox_row(tx, "lost")
                1 / 0  # noqa: B018
        await outbox_row(tx, "kept")
    other = Actor(kind="system", id="p2", organizations=("hia-percy",))
    async with db.transaction(other) as tx:
        assert tx.conn.get_server_pid() == pid
        assert await tx.fetchval("SELECT current_setting('app.orgs')") == "hia-percy"
        assert [row["id"] for row in await tx.fetch("SELECT id FROM outbox ORDER BY id")] == ["kept"]
        leaked = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'"
        assert await tx.fetchval(leaked) == 0


async def test_an_error_undoes_everything(db: Database) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012  # the error must leave the transaction
        async with db.transaction(SYSTEM) as tx:
            await outbox_row(tx, "a")
            raise RuntimeError
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_swallowed_failure_is_not_taken_for_a_commit(db: Database) -> None:
    with pytest.raises(Unavailable) as caught:  # noqa: PT012  # the commit is what fails
        async with db.transaction(SYSTEM) as tx:
            with pytest.raises(asyncpg.UndefinedTableError):
                await tx.execute("SELECT * FROM no_such_table")
    assert caught.value.reason == "rolled-back"


async def test_whoever_is_cancelled_within_a_part_does_not_wait_for_a_server_that_hangs(db: Database) -> None:
    held: list[int] = []
    hangs = asyncio.Event()

    async def part() -> None:
        async with db.transaction(SYSTEM) as tx, tx.savepoint():
            held.append(tx.conn.get_server_pid())
            os.kill(held[0], signal.SIGSTOP)
            hangs.set()
            await tx.fetchval("SELECT 1")

    task = asyncio.create_task(part())
    await asyncio.wait_for(hangs.wait(), 20)
    try:
        await asyncio.wait({task}, timeout=0.5)
        task.cancel()
        ended, _ = await asyncio.wait({task}, timeout=20)
        assert ended, "it waits for an answer that does not come"
    finally:
        os.kill(held[0], signal.SIGCONT)
    assert task.cancelled()


async def test_a_cancelled_task_leaves_a_clean_connection(db: Database) -> None:
    async def slow() -> None:
        async with db.transaction(SYSTEM) as tx:
            await outbox_row(tx, "half")
            await tx.execute("SELECT pg_sleep(10)")

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_constraint_is_an_error_of_the_domain(db: Database) -> None:
    constraints.register("outbox_topic_named", lambda: Conflict("topic-missing"))
    with pytest.raises(Conflict) as caught:
        async with db.transaction(SYSTEM) as tx:
            await outbox_row(tx, "a", topic="")
    assert caught.value.reason == "topic-missing"
    with pytest.raises(ValueError, match="two meanings"):
        constraints.register("outbox_topic_named", lambda: Conflict("other"))


async def test_a_constraint_without_a_meaning_is_a_defect(db: Database) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):  # noqa: PT012  # either statement may not fail alone
        async with db.transaction(SYSTEM) as tx:
            await outbox_row(tx, "a")
            await outbox_row(tx, "a")


async def test_the_deadline_and_the_lock_limit_are_unavailable(dsn: str) -> None:
    db = await Database.open(dsn, limits=Limits(lock=0.1, acquire=5))
    try:
        with pytest.raises(Unavailable, match="deadline"):
            async with db.transaction(SYSTEM, timeout=0.1) as tx:
                await tx.execute("SELECT pg_sleep(5)")
        async with db.transaction(SYSTEM) as tx:
            await outbox_row(tx, "a")
        async with db.transaction(SYSTEM) as first:
            assert await lock_rows(first, "outbox", ["zzz", "a", "a"]) == ["a"]
            with pytest.raises(Unavailable, match="locked"):
                async with db.transaction(SYSTEM) as second:
                    await lock_rows(second, "outbox", ["a"])
    finally:
        await db.close()


async def test_waiting_for_a_connection_is_bounded(dsn: str) -> None:
    db = await Database.open(dsn, limits=Limits(pool_size=1, acquire=0.05))
    try:
        async with db.transaction(SYSTEM):
            with pytest.raises(Unavailable, match="no-connection"):
                async with db.transaction(SYSTEM):
                    pass
    finally:
        await db.close()


async def test_a_deadlock_is_tried_again(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        for id in ("a", "b"):
            await outbox_row(tx, id)
    tries, both = 0, asyncio.Barrier(2)

    async def touch(tx: Transaction, first: str, second: str) -> None:
        nonlocal tries
        tries += 1
        again = tries > 2
        await tx.execute("UPDATE outbox SET topic = 'x' WHERE id = $1", first)
        if not again:
            await asyncio.wait_for(both.wait(), 20)  # each holds what the other wants
        await tx.execute("UPDATE outbox SET topic = 'x' WHERE id = $1", second)

    await asyncio.gather(db.run(SYSTEM, lambda tx: touch(tx, "a", "b")), db.run(SYSTEM, lambda tx: touch(tx, "b", "a")))
    assert tries == 3


async def test_a_backslash_or_a_null_never_enters_a_statement(db: Database) -> None:
    for id in ("a\\", "a\0"):
        with pytest.raises(ValueError, match="identifier"):
            async with db.transaction(Actor(kind="person", id=id, organizations=())):
                pass


async def test_ping(db: Database) -> None:
    await db.ping()


async def test_params() -> None:
    params = Params()
    assert [params.add("x"), params.add(2)] == ["$1", "$2"]
    assert list(params) == ["x", 2]


async def test_a_warm_pool_makes_nobody_wait_for_a_connection_to_open(db: Database) -> None:
    await db.warm()
    assert db._pool.get_size() == db._pool.get_idle_size() == db.limits.pool_size


async def test_whoever_waits_for_a_connection_gets_the_next_one_that_is_laid_down(dsn: str, db: Database) -> None:
    narrow = await Database.open(dsn, db.clock, limits=Limits(pool_size=2, acquire=5.0))

    async def look(_: int) -> int:
        async with narrow.transaction(SYSTEM) as tx:
            await asyncio.sleep(0.01)
            return int(await tx.fetchval("SELECT pg_backend_pid()"))

    try:
        pids = await asyncio.gather(*(look(n) for n in range(30)))
        assert len(set(pids)) == 2
        assert narrow._pool.get_idle_size() + len(narrow._idle) == narrow._pool.get_size() == 2
    finally:
        await narrow.close()


async def test_a_connection_that_broke_at_hand_is_not_given_again(dsn: str, db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        pid = await tx.fetchval("SELECT pg_backend_pid()")
    assert len(db._idle) == 1
    await as_owner(dsn, f"SELECT pg_terminate_backend({pid})")
    async with asyncio.timeout(20):
        while not _gone(db._idle[0]):  # noqa: ASYNC110  # the driver has no event for it
            await asyncio.sleep(0.02)
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT pg_backend_pid()") != pid
