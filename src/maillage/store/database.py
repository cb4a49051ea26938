"""The pool, and the way into a transaction.

A pooled connection is handed back without a reset (the reset costs a sixth of the time of a request), so nothing may outlive a transaction:
every setting is made transaction-local by the first statement, and `SET`, `LISTEN` and session locks are not for pooled connections.

A lazy transaction begins when it has to (a lock, a write that something else follows): until then each SELECT stands alone, and what waits at the end
is one statement, its own commit.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import asyncpg

from maillage.kernel import deadline
from maillage.kernel.actor import NOWHERE, SYSTEM, Actor, Origin
from maillage.kernel.clock import Clock, SystemClock
from maillage.kernel.errors import Unavailable
from maillage.store import constraints
from maillage.store.checks import inspect, inspect_login
from maillage.store.context import Context
from maillage.store.group import Appender
from maillage.store.transaction import Transaction, Unit
from maillage.store.writes import MOST_TOGETHER, Into

T = TypeVar("T")
TRIES = 3
STATEMENTS = 512
_within: contextvars.ContextVar[bool] = contextvars.ContextVar("within", default=False)
ASIDE_CONNECTIONS, ASIDE_PATIENCE = 4, 10.0
"""Few read the trail or count: how many connections they have, and how many seconds one of them waits."""
LOOKED_AT = 250
"""After so many transactions a connection goes through the pool again, which ends one that is old."""

# What the driver raises; the internal one comes when a connection breaks in the middle of an answer.
DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError)


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg publishes no types
    """A connection that is not reset when it goes back to the pool."""

    def get_reset_query(self) -> str:
        """Nothing to run: a transaction leaves nothing behind."""
        return ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds, and how many connections there are.

    `cut`: after how long a connection is cut whose server does not even answer a cancellation.
    """

    pool_size: int = 10
    acquire: float = 0.25
    statement: float = 5.0
    lock: float = 2.0
    idle: float = 10.0
    cut: float = 5.0

    def settings(self) -> dict[str, str]:
        """The same in PostgreSQL's words: what holds on each connection unless a transaction says otherwise."""
        return {
            "statement_timeout": _milliseconds(self.statement),
            "lock_timeout": _milliseconds(self.lock),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle),
        }


DEFAULT_LIMITS = Limits()


class Database:
    """The one way to PostgreSQL for a process."""

    def __init__(self, pool: Any, clock: Clock, limits: Limits, warnings: tuple[str, ...]) -> None:
        self._pool = pool
        self.clock = clock
        self.limits = limits
        self.warnings = warnings
        self._appenders: dict[Into, Appender] = {}
        self._idle: list[Any] = []
        self._wanting = self._laid = self._open = 0
        self._leaving: set[asyncio.Task[None]] = set()
        self._dsn = ""
        self._trail: Database | None = None
        self._figures: Database | None = None

    @classmethod
    async def open(
        cls,
        dsn: str,
        clock: Clock | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        connection_class: type[Any] = Connection,
        served: bool = False,
        trail: str = "",
        figures: str = "",
    ) -> Database:
        """Open the pool; refuse a server that may lose what it acknowledged and, where it is served, a login that no wall stops (see `checks`).

        `trail`, `figures`: the addresses of the same database for the login that reads the audit trail and chains it, and for the one that counts.
        """
        clock = clock or SystemClock()
        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=limits.pool_size,
            connection_class=connection_class,
            statement_cache_size=STATEMENTS,
            server_settings={"timezone": "UTC", "application_name": "maillage", "jit": "off", **limits.settings()},
            max_inactive_connection_lifetime=0,
            timeout=10,
        )
        try:
            async with pool.acquire() as conn:
                warnings = await inspect(conn) + (await inspect_login(conn) if served else [])
        except BaseException:
            pool.terminate()
            raise
        opened = cls(pool, clock, limits, tuple(warnings))
        opened._dsn = dsn
        small = replace(limits, pool_size=ASIDE_CONNECTIONS, acquire=max(limits.acquire, ASIDE_PATIENCE))
        if trail:
            opened._trail = await cls.open(trail, clock, limits=small, connection_class=connection_class, served=served)
        if figures:
            opened._figures = await cls.open(figures, clock, limits=small, connection_class=connection_class, served=served)
        return opened

    @property
    def trail(self) -> Database:
        """The same database under the login that reads the audit trail: the one that serves only adds to it."""
        return self._trail or self

    def _counting(self, timeout: float | None) -> AbstractAsyncContextManager[Transaction] | None:
        return self._figures.transaction(SYSTEM, lazy=True, timeout=timeout) if self._figures else None

    @property
    def dsn(self) -> str:
        """Its address, for other processes of the same command; it may hold a password."""
        return self._dsn

    async def beside(self, pool_size: int, *, acquire: float) -> Database:
        """The same database over connections of its own: for work that must go on when requests hold every other one."""
        trail, figures = (one._dsn if one else "" for one in (self._trail, self._figures))
        narrow = replace(self.limits, pool_size=pool_size, acquire=acquire)
        return await Database.open(self._dsn, self.clock, limits=narrow, trail=trail, figures=figures)

    @asynccontextmanager
    async def listening(self, channel: str, heard: Callable[[str], None]) -> AsyncIterator[asyncio.Event]:
        """Call `heard` with what is told on a channel, over a connection of its own, for the length of the block; the event says that it broke.

        Raises `Unavailable` when there is no server that answers: whoever listens tries again.
        """
        broken = asyncio.Event()
        async with AsyncExitStack() as stack:
            try:
                conn = await asyncpg.connect(self._dsn, server_settings={"application_name": "maillage-live"}, timeout=10)
                stack.callback(conn.terminate)
                conn.add_termination_listener(lambda *_: broken.set())
                await conn.add_listener(channel, lambda _conn, _pid, _channel, payload: heard(payload))
            except (*DRIVER, OSError) as error:
                raise Unavailable("database-away") from error
            yield broken

    async def warm(self) -> None:
        """Open every connection of the pool now: the wait for a connection is too short to open many of them at once under load."""
        await self._hand_back()
        async with AsyncExitStack() as stack:
            await asyncio.gather(*(stack.enter_async_context(self._pool.acquire(timeout=10)) for _ in range(self.limits.pool_size)))

    async def close(self) -> None:
        """Give every connection back to the server; one that hangs is cut."""
        for aside in (self._trail, self._figures):
            if aside:
                await aside.close()
        await self._hand_back()
        try:
            await asyncio.wait_for(self._pool.close(), 10)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def transaction(
        self,
        actor: Actor,
        *,
        request_id: str = "",
        clock: Clock | None = None,
        timeout: float | None = None,
        lazy: bool = False,
        origin: Origin = NOWHERE,
    ) -> AsyncIterator[Transaction]:
        """One transaction: it commits when the block ends and rolls back on any error.

        Errors of the driver leave as errors of the domain: a violated constraint as what its room registered, the rest as `Unavailable`.
        Whoever is cancelled, by a deadline or because nobody waits any more, does not wait for the server: it is undone behind their back.
        No statement may take longer than what is left of the request's deadline.
        """
        if deadline.left() is not None:
            timeout = deadline.within(self.limits.statement if timeout is None else timeout)
        now = (clock or self.clock).now()
        unit = Unit(self._acquire, Context(now, request_id, "" if timeout is None else _milliseconds(timeout)), actor, self._counting)
        nested = _within.get()  # an entry of a batch stands for the batch, which waits for it
        if not nested:
            self._open += 1
            _within.set(True)
        try:
            try:
                if not lazy:
                    await unit.begin(actor)
                yield Transaction(unit, actor, now, request_id, origin=origin)
                await unit.settle()
                await self._finish(unit)
                conn, unit.conn = unit.conn, None
                await self._lay_down(conn)
            except asyncio.CancelledError:
                conn, unit.conn = unit.conn, None
                self._put_away(conn)
                raise
            except BaseException:
                await self._undo(unit.conn)
                raise
        except DRIVER as error:
            meaning = constraints.translate(error) or (Unavailable("database-away") if _gone(unit.conn) else None)
            if meaning is None:
                raise
            raise meaning from error
        finally:
            if not nested:
                self._open -= 1
                _within.set(False)
            await self._release(unit.conn)

    def _put_away(self, conn: Any) -> None:
        """Undo and give back a connection that its holder leaves in the middle of something."""
        if conn is None:
            return

        async def put() -> None:
            await self._undo(conn)
            await self._release(conn)

        task = asyncio.get_running_loop().create_task(put(), context=contextvars.Context())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _finish(self, unit: Unit) -> None:
        """Write what waits and commit; where nothing has begun, one statement is its own commit, and appended rows alone share one."""
        pending = unit.pending
        if not unit.begun and pending.may_share():
            conn, unit.conn = unit.conn, None
            await self._lay_down(conn)  # others may use it while the shared commit is awaited
            for into, rows in pending.rows.items():
                await self._appender(into).add(rows)
            return
        if unit.begun or len(pending.writes) + len(pending.rows) > MOST_TOGETHER:
            conn = await unit.ready(unit.writer)
            tag = await conn.execute("COMMIT")
            if tag != "COMMIT":  # a statement failed and its error was swallowed: nothing was kept
                raise Unavailable("rolled-back")
        else:
            await unit.flush()

    def _appender(self, into: Into) -> Appender:
        if into not in self._appenders:
            self._appenders[into] = Appender(self._connection, into, self.limits.statement + self.limits.cut, about=lambda: self._open)
        return self._appenders[into]

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        conn = await self._acquire()
        try:
            yield conn
        except BaseException:
            await self._release(conn)
            raise
        await self._lay_down(conn)

    async def run(self, actor: Actor, work: Callable[[Transaction], Awaitable[T]], **options: Any) -> T:
        """Run `work(tx)` in a transaction; a serialization failure or a deadlock is tried again, three times in all, with jitter."""
        for attempt in range(1, TRIES + 1):
            try:
                async with self.transaction(actor, **options) as tx:
                    return await work(tx)
            except Unavailable as error:
                if attempt == TRIES or not constraints.retried(error.__cause__):
                    raise
                await asyncio.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311  # jitter, not a secret
        raise AssertionError("unreachable")

    async def ping(self) -> None:
        """Write probe: raise `Unavailable` unless the primary answers and accepts a write."""
        conn = await self._acquire()
        try:
            standby = await conn.fetchval(
                "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean", timeout=2
            )
        except (*DRIVER, OSError) as error:
            raise Unavailable("database-away") from error
        finally:
            self._put_away(conn)
        if standby:
            raise Unavailable("read-only")

    async def _acquire(self) -> Any:
        while self._idle:
            conn = self._idle.pop()
            if not _gone(conn):
                return conn
            await self._release(conn)
        self._wanting += 1
        try:
            async with asyncio.timeout(deadline.within(self.limits.acquire)):  # the pool's own limit costs a task for each connection
                return await self._pool.acquire()
        except TimeoutError as error:
            raise Unavailable("no-connection", retry_after=1) from error
        except (*DRIVER, OSError) as error:
            raise Unavailable("database-away", retry_after=1) from error
        finally:
            self._wanting -= 1

    async def _lay_down(self, conn: Any) -> None:
        """Keep at hand a connection on which all went well, unless somebody waits for one: the pool's way there and back is a tenth of a read."""
        if conn is None:
            return
        self._laid += 1
        if self._wanting or not self._laid % LOOKED_AT or self._pool.is_closing() or _gone(conn) or conn.is_in_transaction():
            await self._release(conn)
        else:
            self._idle.append(conn)

    async def _hand_back(self) -> None:
        """Give the pool what is at hand."""
        while self._idle:
            await self._release(self._idle.pop())

    async def _release(self, conn: Any) -> None:
        if conn is None:
            return
        try:
            await self._pool.release(conn, timeout=self.limits.cut)  # it shields itself
        except TimeoutError:
            return  # nothing came back from the server: the connection was cut
        except DRIVER:
            if not _gone(conn):
                raise  # else it broke while it was handed back, and the pool has let go of it already

    async def _undo(self, conn: Any) -> None:
        if conn is None or _gone(conn) or not conn.is_in_transaction():
            return
        try:
            async with asyncio.timeout(self.limits.cut):
                await conn.execute("ROLLBACK")
        except (*DRIVER, TimeoutError):
            with suppress(asyncpg.InterfaceError):  # it broke meanwhile, and the pool has let go of it already
                conn.terminate()  # the server undoes what it no longer hears of


def _gone(conn: Any) -> bool:
    """Whether the connection is closed, or was taken from us when it broke."""
    try:
        return conn is not None and bool(conn.is_closed())
    except asyncpg.InterfaceError:
        return True


def _milliseconds(seconds: float) -> str:
    return str(max(1, int(seconds * 1000)))
