"""One commit for the rows that many requests want to append at the same instant.

A read must not be answered before its audit row is committed; a commit of its own for each read would cost more than the read. Rows that arrive
while a commit is under way are written by the next one, and nobody goes on before the commit that holds its rows.

Under load a commit waits a moment for those who are about to come, as PostgreSQL's `commit_delay` does, but without a statement and a connection for each:
it costs more than the row, and there is one for all of them. Whoever is alone waits for nobody.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg

from maillage.store.writes import Into

Connections = Callable[[], AbstractAsyncContextManager[Any]]
Batch = list[tuple[list[tuple[Any, ...]], asyncio.Future[None]]]
MOST_ROWS = 2000
MOMENT = 0.003
"""Seconds that a commit waits at most for those who are about."""
REFUSED = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, ValueError)
"""What a value is refused with, by the server or by the driver: the row's fault, not the moment's."""


class Appender:
    """Appends rows by one INSERT, in commits that many callers share."""

    def __init__(
        self, connections: Connections, into: Into, seconds: float = 10.0, *, about: Callable[[], int] = int, moment: float = MOMENT
    ) -> None:
        self._connections, self._into, self._seconds = connections, into, seconds
        self._about, self._moment = about, moment
        self._waiting: Batch = []
        self._work: asyncio.Task[None] | None = None
        self._all_here: asyncio.Future[None] | None = None

    async def add(self, rows: list[tuple[Any, ...]]) -> None:
        """Come back when the rows are committed; raises what the driver raised when they are not."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, done))
        if self._all_here and self._is_all_here():
            _end(self._all_here)
        if self._work is None:
            self._work = asyncio.get_running_loop().create_task(
                self._write(), context=contextvars.Context()
            )  # the deadline of none of its callers
        await done

    async def _write(self) -> None:
        try:
            while self._waiting:
                if not self._is_all_here():
                    await self._wait()
                batch = [self._waiting.pop(0)]
                size = len(batch[0][0])
                while self._waiting and size + len(self._waiting[0][0]) <= MOST_ROWS:
                    size += len(self._waiting[0][0])
                    batch.append(self._waiting.pop(0))
                await self._commit(batch)
        except BaseException:
            _tell(self._waiting, ConnectionError("cancelled"))
            self._waiting = []
            raise
        finally:
            self._work = None

    def _is_all_here(self) -> bool:
        """Whether everybody who is about something waits here: nobody can come before one of them is answered."""
        return len(self._waiting) >= self._about()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._all_here = loop.create_future()
        timer = loop.call_later(self._moment, _end, self._all_here)
        try:
            await self._all_here
        finally:
            self._all_here = None
            timer.cancel()

    async def _commit(self, batch: Batch) -> None:
        """One statement of its own is one commit; whoever waits learns how it went, and a failure is theirs to tell."""
        try:
            rows = [row for some, _ in batch for row in some]
            sql, values = self._into.statement(rows)
            async with self._connections() as conn:
                await conn.execute(sql, *values, timeout=self._seconds)
        except REFUSED as error:
            if len(batch) == 1:
                _tell(batch, error)
            for one in batch if len(batch) > 1 else ():  # one caller's row must not fail the others
                await self._commit([one])
        except TimeoutError:
            _tell(batch, ConnectionResetError("no answer"))
        except Exception as error:  # noqa: BLE001  # whatever it was, each caller is told
            _tell(batch, error)
        except BaseException:
            _tell(batch, ConnectionError("cancelled"))
            raise
        else:
            _tell(batch, None)


def _end(waited: asyncio.Future[None]) -> None:
    if not waited.done():
        waited.set_result(None)


def _tell(batch: Batch, failure: Exception | None) -> None:
    for _, done in batch:
        if done.done():
            continue  # its caller was cancelled
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
