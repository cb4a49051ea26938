"""One transaction: the connection, its actor, and the one instant at which everything in it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from maillage.kernel.actor import Actor


class Transaction:
    """What an action gets. It has no commit: the door that opened it ends it."""

    __slots__ = ("actor", "conn", "message_id", "now", "request_id")

    def __init__(self, conn: Any, actor: Actor, now: datetime, request_id: str = "", message_id: str = "") -> None:
        self.conn = conn
        self.actor = actor
        self.now = now
        self.request_id = request_id
        self.message_id = message_id

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """All rows."""
        rows: list[asyncpg.Record] = await self.conn.fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self.conn.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        return await self.conn.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        """Run one statement and give its command tag (`"UPDATE 1"`)."""
        tag: str = await self.conn.execute(sql, *args)
        return tag

    async def executemany(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """Run one statement for each row of values."""
        await self.conn.executemany(sql, rows)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail alone: its error undoes the part, not the transaction, and goes on to the caller."""
        await self.conn.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            await self.conn.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
            raise
        await self.conn.execute("RELEASE SAVEPOINT part")
