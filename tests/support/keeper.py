"""One connection of the owner to each database of a worker, kept from test to test in a thread with a loop of its own.

A connection that has just been made plans everything anew: emptying a database takes 85 ms over it and 17 over a kept one, looking for drift 65 and 15.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import asyncpg

from maillage.kernel.clock import Clock, SystemClock
from maillage.kernel.errors import Unavailable
from maillage.store import Database, Limits

T = TypeVar("T")
MOST = 8
"""Databases whose connection is kept: the cluster has a hundred for all its workers, and tests race with twenty."""
_LIMITS = Limits(pool_size=1, statement=60.0, idle=60.0, acquire=60.0)


class Keeper:
    """The connections of this process, and the thread in which they live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._kept: dict[str, Database] = {}
        threading.Thread(target=self._loop.run_forever, name="keeper", daemon=True).start()

    async def run(self, dsn: str, work: Callable[[Database], Awaitable[T]], clock: Clock | None = None) -> T:
        """What `work` gives with the kept database of the owner's address; done once more when a test had cut the connection."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._run(dsn, work, clock or SystemClock()), self._loop))

    def stop(self) -> None:
        """Close everything; the cluster is about to stop."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _run(self, dsn: str, work: Callable[[Database], Awaitable[T]], clock: Clock) -> T:
        if dsn in self._kept:
            try:
                return await self._with(dsn, work, clock)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable):
                await self._kept.pop(dsn).close()
        while len(self._kept) >= MOST:
            await self._kept.pop(next(iter(self._kept))).close()
        self._kept[dsn] = await Database.open(dsn, limits=_LIMITS)
        return await self._with(dsn, work, clock)

    async def _with(self, dsn: str, work: Callable[[Database], Awaitable[T]], clock: Clock) -> T:
        kept = self._kept[dsn]
        kept.clock = clock
        return await work(kept)

    async def _close(self) -> None:
        for kept in self._kept.values():
            await kept.close()


def plainly(statement: str) -> Callable[[Database], Coroutine[Any, Any, None]]:
    """A statement alone, without what a transaction of the product brings."""

    async def work(db: Database) -> None:
        await db._hand_back()
        async with db._pool.acquire() as conn:
            await conn.execute(statement)

    return work
