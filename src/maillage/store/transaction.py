"""One transaction: the connection, its actor, and the one instant at which everything in it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from maillage.kernel.actor import NOWHERE, SYSTEM, Actor, Origin
from maillage.store.context import Context, reading
from maillage.store.writes import Into, Pending, Rows, Write, arranged

Counting = Callable[[float | None], AbstractAsyncContextManager["Transaction"] | None]
"""A transaction beside this one under the login that counts, within so many seconds; None where there is no such login."""


class Unit:
    """What a transaction holds: its connection once it needs one, whether it has begun, for whom, what it has still to write and for whom."""

    __slots__ = ("_acquire", "_acting", "_context", "begun", "conn", "counting", "known", "last", "pending", "writer")

    def __init__(self, acquire: Callable[[], Awaitable[Any]], context: Context, actor: Actor, counting: Counting) -> None:
        self._acquire, self._context, self.counting = acquire, context, counting
        self._acting = self.writer = actor
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

    async def begin(self, actor: Actor) -> None:
        """Begin, and say who acts."""
        conn = await self.connection()
        self.begun, self._acting = True, actor
        await conn.execute(self._context.opening(actor))

    async def ready(self, actor: Actor) -> Any:
        """The connection, begun, with everything written that waited, for this actor."""
        if not self.begun:
            await self.begin(self.writer if self.pending.writes else actor)
        if self.pending:
            await self.flush()
        await self._act(actor)
        return self.conn

    async def settle(self) -> None:
        """Do the works that were left for the end, in their order, and those that they leave in turn."""
        while self.last:
            works, self.last = self.last, {}
            for work, given in works.items():
                await work(given)

    async def flush(self) -> None:
        """Write what waits, as who wrote it; where nothing has begun, one statement that says so itself."""
        conn = await self.connection()
        if self.begun:
            await self._act(self.writer)
        for one in self.pending.take(self.begun):
            for sql, values in [one] if isinstance(one, tuple) else arranged(one):
                await conn.execute(sql, *values, *(() if self.begun else self._context.values(self.writer)))

    async def look(self, actor: Actor, sql: str, args: Sequence[Any]) -> list[asyncpg.Record]:
        """The rows of a SELECT that locks nothing; alone where nothing has begun."""
        if self.begun or self.pending.writes:
            rows: list[asyncpg.Record] = await (await self.ready(actor)).fetch(sql, *args)
        else:
            rows = await (await self.connection()).fetch(reading(sql, len(args)), *args, *self._context.values(actor))
        return rows

    def acts(self, actor: Actor) -> bool:
        """Whether this actor is the one that the database knows of."""
        return self._acting is actor or self._acting == actor

    def acts_again(self, actor: Actor) -> None:
        """The database knows of this actor, as it did before what was just undone."""
        self._acting = actor

    async def _act(self, actor: Actor) -> None:
        """Let another actor act from here on: nothing of the one before may be seen or written by this one."""
        if not self.acts(actor):
            await self.conn.execute(self._context.switching(actor))
        self._acting = actor


class Transaction:
    """What an action gets. It has no commit: the door that opened it ends it."""

    __slots__ = ("_eyes", "_unit", "actor", "message_id", "now", "origin", "request_id")

    def __init__(
        self,
        unit: Unit,
        actor: Actor,
        now: datetime,
        request_id: str = "",
        message_id: str = "",
        origin: Origin = NOWHERE,
        *,
        eyes: Actor | None = None,
    ) -> None:
        self._unit = unit
        self._eyes = eyes or actor
        self.actor = actor
        self.now = now
        self.request_id = request_id
        self.message_id = message_id
        self.origin = origin

    def acting_as(self, actor: Actor) -> Transaction:
        """The same transaction for another actor: an act that follows from the first one's."""
        return Transaction(self._unit, actor, self.now, self.request_id, self.message_id, self.origin)

    def beyond(self) -> Transaction:
        """The same act of the same actor, whose consequences reach rows that the actor does not see: the second wall lets them through.

        For what the rules decide, never for what is shown; ADR 0009 lists the uses.
        """
        return Transaction(self._unit, self.actor, self.now, self.request_id, self.message_id, self.origin, eyes=SYSTEM)

    @asynccontextmanager
    async def counting(self, timeout: float | None = None) -> AsyncIterator[Transaction]:
        """Beside this one, under the login that sees figures and nobody's identity; what is not committed yet does not count there."""
        aside = self._unit.counting(timeout)
        if aside is None:
            yield self.beyond()
            return
        async with aside as made:
            yield made

    @property
    def conn(self) -> Any:
        """The connection, for what only tests and tools look at."""
        return self._unit.conn

    @conn.setter
    def conn(self, conn: Any) -> None:
        self._unit.conn = conn

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """All rows."""
        rows: list[asyncpg.Record] = await (await self._unit.ready(self._eyes)).fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return await (await self._unit.ready(self._eyes)).fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        return await (await self._unit.ready(self._eyes)).fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run one statement and give its command tag (`"UPDATE 1"`)."""
        tag: str = await (await self._unit.ready(self._eyes)).execute(sql, *args)
        return tag

    async def executemany(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """Run one statement for each row of values."""
        await (await self._unit.ready(self._eyes)).executemany(sql, rows)

    # --- fewer round trips -------------------------------------------------------------
    async def peek(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """All rows of a SELECT that locks nothing: it needs no transaction of its own when nothing was written or locked before it."""
        return await self._unit.look(self._eyes, sql, args)

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
        if not unit.begun or unit.pending.holds(key) or not unit.acts(self._eyes):
            await unit.ready(self._eyes)
        return await unit.conn.fetchrow(sql, *args)

    async def write(self, key: tuple[str, str], parts: tuple[str, ...], values: Sequence[Any], *, rows: Rows | None = None) -> None:
        """Statements that change the object `key` and give nothing back: sent with the next statement, or at the end.

        `rows`: they only add these rows, so that many such writes may go as blocks. A constraint that they violate is told then; use `execute`
        where it has to be told at once.
        """
        unit = self._unit
        if unit.pending.holds(key) or (unit.pending.writes and unit.writer != self._eyes):
            await unit.ready(self._eyes)
        unit.writer = self._eyes
        unit.pending.add(Write(key, parts, values, rows))

    @property
    def writes_many(self) -> bool:
        """Whether this transaction writes the rows of many objects, table by table."""
        return self._unit.pending.many

    def write_many(self) -> None:
        """From here on rows go as blocks, even few of them: those of a table are there for the triggers of the next one."""
        self._unit.pending.many = True

    def append(self, into: Into, rows: Sequence[tuple[Any, ...]], *, shared: bool = False) -> None:
        """Rows for an append-only table. Written as `write` does.

        `shared`: whoever acts may add such rows, so that alone they may share a commit with those of other requests, where nobody acts.
        """
        if rows:
            self._unit.pending.append(into, rows, shared=shared)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail alone: its error undoes the part, not the transaction, and goes on to the caller.

        Whoever is cancelled leaves the transaction with it: to undo the part would be to wait for a server that may not answer.
        """
        await self.settle()
        conn, before = await self._unit.ready(self._eyes), self._eyes
        await conn.execute("SAVEPOINT part")
        try:
            yield
            await self.settle()
            await self._unit.ready(self._eyes)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._unit.pending, self._unit.last = Pending(many=self.writes_many), {}
            self._unit.known.clear()
            await conn.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
            self._unit.acts_again(before)  # the rollback took back who was said to act, too
            raise
        await conn.execute("RELEASE SAVEPOINT part")
