"""Writes that wait for the next statement, transactions that begin late, rows that share a commit."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import asyncpg
import pytest
from tests.support import postgres
from tests.support.postgres import store_alone

from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import MaillageError, Unavailable
from maillage.store import Block, Database, Into, Limits, Transaction
from maillage.store.group import Appender
from maillage.store.writes import FEW

pytestmark = pytest.mark.asyncio
FILL = store_alone

ADD = "INSERT INTO outbox (id, topic, payload, created_at, due_at) VALUES ($1, 't', '{}', $2, $2)"
RENAME = "UPDATE outbox SET topic = $2 WHERE id = $1"
OUTBOX = Into("outbox", (("id", "text"), ("topic", "text"), ("payload", "text"), ("created_at", "timestamptz"), ("due_at", "timestamptz")))


async def add(tx: Transaction, *ids: str) -> None:
    for id in ids:
        await tx.write(("outbox", id), (ADD,), (id, tx.now))


def row(tx: Transaction, id: str, topic: str = "t") -> tuple[Any, ...]:
    """A message of the outbox."""
    return id, topic, "{}", tx.now, tx.now


async def topics(db: Database) -> dict[str, str]:
    async with db.transaction(SYSTEM) as tx:
        return {row["id"]: row["topic"] for row in await tx.fetch("SELECT id, topic FROM outbox")}


async def test_a_look_begins_nothing(db: Database) -> None:
    async with db.transaction(SYSTEM, lazy=True) as tx:
        assert not tx.conn
        assert (await tx.peek("SELECT 1"))[0][0] == 1
        assert not tx.conn.is_in_transaction()
        await tx.fetchval("SELECT 1")
        assert tx.conn.is_in_transaction()


@pytest.mark.parametrize("lazy", [True, False])
async def test_what_waits_is_there_for_the_next_statement_and_after_the_end(db: Database, lazy: bool) -> None:
    async with db.transaction(SYSTEM, lazy=lazy) as tx:
        await add(tx, "a", "b")
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 2
        await add(tx, "c")
        assert len(await tx.peek("SELECT id FROM outbox")) == 3
        tx.append(OUTBOX, [row(tx, "d"), row(tx, "e")])
    assert sorted(await topics(db)) == ["a", "b", "c", "d", "e"]


TABLE = "CREATE TABLE laid (told text, id text PRIMARY KEY, words text[], kept text GENERATED ALWAYS AS (id) STORED); GRANT ALL ON laid TO PUBLIC"
LAID = Block("laid", ("id", "words"))
LAY = "INSERT INTO laid (id, words) VALUES ($1, $2)"


async def lay(db: Database, dsn: str) -> None:
    """The table, made anew: a connection that knew the one of the test before would take its type for this one's."""
    await postgres.as_owner(dsn, f"DROP TABLE IF EXISTS laid; {TABLE}")
    await db._hand_back()
    await db._pool.expire_connections()


@pytest.mark.parametrize(("count", "many"), [(3, False), (3, True), (200, False), (200, True)])
async def test_rows_go_as_blocks_by_the_names_of_their_columns(db: Database, dsn: str, count: int, many: bool) -> None:
    """The table's columns lie in another order than the block's, with one that it does not name, and lists have different lengths."""
    await lay(db, dsn)
    rows = [(f"n{n:03}", ["x"] * (n % 3) if n % 4 else None) for n in range(count)]
    async with db.transaction(SYSTEM) as tx:
        if many:
            tx.write_many()
        for one in rows:
            await tx.write(("laid", one[0]), (LAY,), one, rows=lambda row=one: [(LAID, row)])
        await add(tx, "told")
    async with db.transaction(SYSTEM) as tx:
        found = await tx.fetch("SELECT * FROM laid ORDER BY id")
    assert [(row["told"], row["id"], row["words"], row["kept"]) for row in found] == [(None, id, words, id) for id, words in rows]
    assert await topics(db) == {"told": "t"}
    await postgres.as_owner(dsn, "DROP TABLE laid")


async def test_a_block_keeps_its_place_between_other_writes(db: Database, dsn: str) -> None:
    await lay(db, dsn)
    async with db.transaction(SYSTEM) as tx:
        tx.write_many()
        await tx.write(("laid", "a"), (LAY,), ("a", ["before"]), rows=lambda: [(LAID, ("a", ["before"]))])
        await tx.write(("words", "a"), ("UPDATE laid SET words = $2 WHERE id = $1",), ("a", ["after"]))
        await tx.write(("laid", "b"), (LAY,), ("b", None), rows=lambda: [(LAID, ("b", None))])
        assert [row["words"] for row in await tx.fetch("SELECT words FROM laid ORDER BY id")] == [["after"], None]
    await postgres.as_owner(dsn, "DROP TABLE laid")


async def test_no_rows_are_nothing_to_write(db: Database) -> None:
    async with db.transaction(SYSTEM, lazy=True) as tx:
        tx.append(OUTBOX, [])
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 0


@pytest.mark.parametrize("count", [1, 2, FEW, FEW + 1, 50])
@pytest.mark.parametrize("lazy", [True, False])
async def test_rows_are_appended_whatever_their_number(db: Database, lazy: bool, count: int) -> None:
    names = [f"n{n:02}" for n in range(count)]
    async with db.transaction(SYSTEM, lazy=lazy) as tx:
        tx.append(OUTBOX, [row(tx, name, name[-1]) for name in names], shared=lazy)
    assert await topics(db) == {name: name[-1] for name in names}


async def test_what_many_rows_all_say_is_said_once() -> None:
    rows = [("a", "t", None), ("b", "t", None)] * 5
    into = Into("somewhere", (("id", "text"), ("topic", "text"), ("key", "text")))
    assert into.statement(rows) == (
        "INSERT INTO somewhere (id, topic, key) SELECT x.id, $2::text, $3::text FROM unnest($1::text[]) AS x (id)",
        [["a", "b"] * 5, "t", None],
    )
    assert into.statement([*rows, ("c", "u", "k")])[1] == [["a", "b"] * 5 + ["c"], ["t"] * 10 + ["u"], [None] * 10 + ["k"]]


async def test_two_writes_to_one_object_keep_their_order(db: Database) -> None:
    async with db.transaction(SYSTEM, lazy=True) as tx:
        await add(tx, "a")
        for topic in ("first", "second", "third"):
            await tx.write(("outbox", "a"), (RENAME,), ("a", topic))
    assert await topics(db) == {"a": "third"}


@pytest.mark.parametrize("before", [0, 20])
async def test_what_waits_at_the_end_is_kept_whole_or_not_at_all(db: Database, before: int) -> None:
    names = [f"n{n}" for n in range(before)]
    with pytest.raises((MaillageError, asyncpg.UniqueViolationError)):  # noqa: PT012  # the end of the transaction is what fails
        async with db.transaction(SYSTEM, lazy=True) as tx:
            await add(tx, *names, "a", "b")
            await tx.write(("again", "a"), (ADD,), ("a", tx.now))
    assert await topics(db) == {}


async def test_an_error_forgets_what_waits(db: Database) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012  # the error must leave the transaction
        async with db.transaction(SYSTEM, lazy=True) as tx:
            await add(tx, "a")
            raise RuntimeError
    assert await topics(db) == {}


async def test_a_part_that_is_undone_takes_its_waiting_writes_along(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        await add(tx, "before")
        with pytest.raises(RuntimeError):  # noqa: PT012  # the error must leave the part
            async with tx.savepoint():
                await add(tx, "inside")
                raise RuntimeError
        await add(tx, "after")
    assert sorted(await topics(db)) == ["after", "before"]


async def test_a_lock_looks_at_its_object_as_it_was_written(db: Database) -> None:
    sql = "SELECT topic FROM outbox WHERE id = $1 FOR UPDATE"
    async with db.transaction(SYSTEM, lazy=True) as tx:
        await add(tx, "a")
        found = await tx.lock(("outbox", "a"), sql, "a")
        assert found is not None
        assert found["topic"] == "t"
        await tx.write(("outbox", "a"), (RENAME,), ("a", "later"))
        assert await tx.lock(("outbox", "z"), sql, "z") is None
    assert await topics(db) == {"a": "later"}


async def test_nobody_goes_on_before_the_commit_that_holds_its_row(db: Database) -> None:
    async def read(n: int) -> bool:
        async with db.transaction(SYSTEM, lazy=True) as tx:
            await tx.peek("SELECT 1")
            tx.append(OUTBOX, [row(tx, f"r{n}")], shared=True)
        async with db.transaction(SYSTEM, lazy=True) as tx:
            return bool(await tx.peek("SELECT 1 FROM outbox WHERE id = $1", f"r{n}"))

    assert all(await asyncio.gather(*(read(n) for n in range(40))))


class Counted:
    """Connections of nobody, that count the rows of each commit."""

    def __init__(self) -> None:
        self.commits: list[int] = []

    def __call__(self) -> Self:
        return self

    async def execute(self, _sql: str, *values: Any, timeout: float) -> None:
        self.commits.append(len(values[0]) if isinstance(values[0], list) else len(values))
        await asyncio.sleep(0.01)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


SOMEWHERE = Into("somewhere", (("id", "text"),))


async def test_rows_that_arrive_together_share_a_commit() -> None:
    counted = Counted()
    appender = Appender(counted, SOMEWHERE)
    await asyncio.gather(*(appender.add([(f"{n}",)]) for n in range(30)))
    assert counted.commits == [30]
    await asyncio.gather(appender.add([("x",)]), _later(appender))
    assert counted.commits == [30, 1, 1]


async def test_a_commit_waits_for_those_who_are_about_and_not_for_ever() -> None:
    counted = Counted()
    appender = Appender(counted, SOMEWHERE, about=lambda: 2, moment=3600)
    await asyncio.gather(appender.add([("x",)]), _later(appender))
    assert counted.commits == [2]
    hurried = Appender(counted, SOMEWHERE, about=lambda: 2, moment=0.001)
    await hurried.add([("z",)])
    assert counted.commits == [2, 1]


async def test_who_is_alone_waits_for_nobody(db: Database) -> None:
    async def read(id: str) -> None:
        async with db.transaction(SYSTEM, lazy=True) as tx:
            tx.append(OUTBOX, [row(tx, id)], shared=True)

    await read("first")
    db._appenders[OUTBOX]._moment = 3600
    await read("alone")
    await asyncio.gather(read("two"), read("three"))
    async with db.transaction(SYSTEM, lazy=True):
        await read("entry of a batch")
    assert sorted(await topics(db)) == ["alone", "entry of a batch", "first", "three", "two"]


async def test_who_waits_is_told_when_nobody_will_write(db: Database) -> None:
    appender = Appender(Counted(), SOMEWHERE, about=lambda: 2, moment=3600)
    waiting = asyncio.ensure_future(appender.add([("x",)]))
    await asyncio.sleep(0.01)
    assert appender._work is not None
    appender._work.cancel()
    with pytest.raises(ConnectionError, match="cancelled"):
        await waiting


async def _later(appender: Appender) -> None:
    await asyncio.sleep(0.005)
    await appender.add([("y",)])


async def test_a_row_that_is_refused_fails_for_its_own_caller_only(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        await add(tx, "taken")

    async def read(id: str) -> str:
        try:
            async with db.transaction(SYSTEM, lazy=True) as tx:
                tx.append(OUTBOX, [row(tx, id)], shared=True)
        except (asyncpg.PostgresError, Unavailable) as error:
            return type(error).__name__
        return "answered"

    told = await asyncio.gather(*(read(id) for id in ("one", "taken", "a\0b", "two")))
    assert told == ["answered", "UniqueViolationError", "CharacterNotInRepertoireError", "answered"]
    assert sorted(await topics(db)) == ["one", "taken", "two"]


async def test_a_commit_that_cannot_be_made_fails_for_everybody(dsn: str, db: Database) -> None:
    hurried = await Database.open(dsn, db.clock, limits=Limits(lock=0.2))
    holder = await asyncpg.connect(dsn)

    async def read(id: str) -> str:
        try:
            async with hurried.transaction(SYSTEM, lazy=True) as tx:
                tx.append(OUTBOX, [row(tx, id)], shared=True)
        except Unavailable as error:
            return error.reason
        return "answered"

    try:
        async with holder.transaction():
            await holder.execute("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
            assert await asyncio.gather(*(read(id) for id in ("one", "two"))) == ["locked", "locked"]
    finally:
        await holder.close()
        await hurried.close()
    assert await topics(db) == {}


async def test_the_second_writer_of_a_version_starts_again(dsn: str, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    together = asyncio.Barrier(3)
    monkeypatch.setattr("maillage.store.constraints.VERSION_TAKEN", "made_version")

    async def work(tx: Transaction) -> int:
        tries.append(1)
        version = int((await tx.peek("SELECT coalesce(max(version), 0) FROM made"))[0][0]) + 1
        if len(tries) <= together.parties:
            await together.wait()
        await tx.write(("made", "a"), ("INSERT INTO made VALUES ($1)",), (version,))
        return version

    owner = await asyncpg.connect(postgres.owner(dsn))
    await owner.execute("CREATE TABLE made (version integer CONSTRAINT made_version PRIMARY KEY); GRANT SELECT, INSERT ON made TO app_rw")
    try:
        assert sorted(await asyncio.gather(*(db.run(SYSTEM, work, lazy=True) for _ in range(3)))) == [1, 2, 3]
    finally:
        await owner.execute("DROP TABLE made")
        await owner.close()
    assert len(tries) > together.parties
