"""One commit for the rows that many requests want to append at the same instant.

A read must not be answered before its audit row is committed; a commit of its own for each read would cost more than the read. Rows that arrive
while a commit is under way are written by the next one, and nobody goes on before the commit that holds its rows.
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
REFUSED = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, ValueError)
"""What a value is refused with, by the server or by the driver: the row's fault, not the moment's."""


class Appender:
    """Appends rows by one INSERT, in commits that many callers share."""

    def __init__(self, connections: Connections, into: Into, seconds: float = 10.0) -> None:
        self._connections, self._into, self._seconds = connections, into, seconds
        self._waiting: Batch = []
        self._work: asyncio.Task[None] | None = None

    async def add(self, rows: list[tuple[Any, ...]]) -> None:
        """Come back when the rows are committed; raises what the driver raised when they are not."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, done))
        if self._work is None:
            self._work = asyncio.get_running_loop().create_task(
                self._write(), context=contextvars.Context()
            )  # the deadline of none of its callers
        await done

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.pop(0)]
                size = len(batch[0][0])
                while self._waiting and size + len(self._waiting[0][0]) <= MOST_ROWS:
                    size += len(self._waiting[0][0])
                    batch.append(self._waiting.pop(0))
                await self._commit(batch)
        finally:
            self._work = None

    async def _commit(self, batch: Batch) -> None:
        """One statement of its own is one commit; whoever waits learns how it went, and a failure is theirs to tell."""
        try:
            rows = [row for some, _ in batch for row in some]
            async with self._connections() as conn:
                await conn.execute(self._into.sql(len(rows)), *self._into.values(rows), timeout=self._seconds)
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


def _tell(batch: Batch, failure: Exception | None) -> None:
    for _, done in batch:
        if done.done():
            continue  # its caller was cancelled
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
