"""One transaction: the connection, its actor, and the one instant at which everything in it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from maillage.kernel.actor import NOWHERE, Actor, Origin
from maillage.store.writes import Pending, Write


class Unit:
    """What a transaction holds: its connection once it needs one, whether it has begun, what it has still to write."""

    __slots__ = ("_acquire", "_opening", "begun", "conn", "known", "last", "pending")

    def __init__(self, acquire: Callable[[], Awaitable[Any]], opening: Callable[[], str]) -> None:
        self._acquire, self._opening = acquire, opening
        self.conn: Any = None
        self.begun = False
        self.pending = Pending()
        self.known: dict[Any, Any] = {}
        self.last: dict[Callable[[list[Any]], Awaitable[None]], list[Any]] = {}

    async def connection(self) -> Any:
        """The connection, taken from the pool at its first use."""
        if self.conn is None:
            self.conn = await self._acquire()
        return self.conn

    async def begin(self) -> None:
        """Begin, and say who acts."""
        conn = await self.connection()
        self.begun = True
        await conn.execute(self._opening())

    async def ready(self) -> Any:
        """The connection, begun, with everything written that waited."""
        if not self.begun:
            await self.begin()
        if self.pending:
            await self.flush()
        return self.conn

    async def settle(self) -> None:
        """Do the works that were left for the end, in their order, and those that they leave in turn."""
        while self.last:
            works, self.last = self.last, {}
            for work, given in works.items():
                await work(given)

    async def flush(self) -> None:
        """Write what waits."""
        conn = await self.connection()
        for sql, values in self.pending.take():
            await conn.execute(sql, *values)


class Transaction:
    """What an action gets. It has no commit: the door that opened it ends it."""

    __slots__ = ("_unit", "actor", "message_id", "now", "origin", "request_id")

    def __init__(
        self, unit: Unit, actor: Actor, now: datetime, request_id: str = "", message_id: str = "", origin: Origin = NOWHERE
    ) -> None:
        self._unit = unit
        self.actor = actor
        self.now = now
        self.request_id = request_id
        self.message_id = message_id
        self.origin = origin

    def acting_as(self, actor: Actor) -> Transaction:
        """The same transaction for another actor: an act that follows from the first one's."""
        return Transaction(self._unit, actor, self.now, self.request_id, self.message_id, self.origin)

    @property
    def conn(self) -> Any:
        """The connection, for what only tests and tools look at."""
        return self._unit.conn

    @conn.setter
    def conn(self, conn: Any) -> None:
        self._unit.conn = conn

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """All rows."""
        rows: list[asyncpg.Record] = await (await self._unit.ready()).fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return await (await self._unit.ready()).fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        return await (await self._unit.ready()).fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run one statement and give its command tag (`"UPDATE 1"`)."""
        tag: str = await (await self._unit.ready()).execute(sql, *args)
        return tag

    async def executemany(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """Run one statement for each row of values."""
        await (await self._unit.ready()).executemany(sql, rows)

    # --- fewer round trips -------------------------------------------------------------
    async def peek(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """All rows of a SELECT that locks nothing: it needs no transaction of its own when nothing was written or locked before it."""
        unit = self._unit
        conn = await (unit.ready() if unit.begun or unit.pending.writes else unit.connection())
        rows: list[asyncpg.Record] = await conn.fetch(sql, *args)
        return rows

    async def recall(self, key: Any, load: Callable[[], Awaitable[Any]]) -> Any:
        """What `load` gave for this key before in this transaction: for the directory, which every verb asks for the same few rows."""
        known = self._unit.known
        if key not in known:
            known[key] = await load()
        return known[key]

    def forget(self) -> None:
        """What was read before may have changed by this transaction's own hand."""
        self._unit.known.clear()

    def known(self, key: Any) -> Any:
        """What `recall` or `keep` holds under this key; None when nothing."""
        return self._unit.known.get(key)

    def keep(self, key: Any, value: Any) -> None:
        """Hold a value for the length of this transaction: what it wrote or locked itself, which nobody else can change meanwhile."""
        self._unit.known[key] = value

    def at_end(self, work: Callable[[list[Any]], Awaitable[None]], given: Any) -> None:
        """Leave `work` for the end of the transaction, or for the first `settle`: it is called once, with all that was given to it."""
        self._unit.last.setdefault(work, []).append(given)

    async def settle(self) -> None:
        """Do now what was left for the end: for whoever reads what it writes."""
        if self._unit.last:
            await self._unit.settle()

    async def lock(self, key: tuple[str, str], sql: str, *args: Any) -> asyncpg.Record | None:
        """The first row of a SELECT FOR UPDATE that looks only at the object `key`: writes to other objects may go on waiting."""
        unit = self._unit
        if not unit.begun or unit.pending.holds(key):
            await unit.ready()
        return await unit.conn.fetchrow(sql, *args)

    async def write(self, key: tuple[str, str], parts: tuple[str, ...], values: Sequence[Any]) -> None:
        """Statements that change the object `key` and give nothing back: sent with the next statement, or at the end.

        A constraint that they violate is told then; use `execute` where it has to be told at once.
        """
        if self._unit.pending.holds(key):
            await self._unit.ready()
        self._unit.pending.writes.append(Write(key, parts, values))

    def append(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows for an append-only table; `sql` inserts from `unnest`, one array for each column. Written as `write` does."""
        if rows:
            self._unit.pending.rows.setdefault(sql, []).extend(rows)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail alone: its error undoes the part, not the transaction, and goes on to the caller."""
        await self.settle()
        conn = await self._unit.ready()
        await conn.execute("SAVEPOINT part")
        try:
            yield
            await self.settle()
            await self._unit.ready()
        except BaseException:
            self._unit.pending, self._unit.last = Pending(), {}
            self._unit.known.clear()
            await conn.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
            raise
        await conn.execute("RELEASE SAVEPOINT part")
