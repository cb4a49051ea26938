"""Putting a dump back into an empty database: whole or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from maillage.store import logins
from maillage.store.backup.manifest import BackupError
from maillage.store.backup.programs import Programs, surroundings


def refill(dump: Path, dsn: str, programs: Programs) -> None:
    """Fill the empty database of an owner's address. Raises `BackupError`: `not-empty`, or what pg_restore says."""
    asyncio.run(_ready(dsn))
    words = [
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-password",
        f"--dbname={unquote(urlsplit(dsn).path.removeprefix('/'))}",
    ]
    programs.run("pg_restore", *words, str(dump), environment=surroundings(dsn))


async def _ready(dsn: str) -> None:
    """The logins of which grants and policies speak are those of a cluster, not of a dump."""
    conn = await asyncpg.connect(dsn)
    try:
        if await conn.fetchval("SELECT to_regclass('schema_migration')"):
            raise BackupError("not-empty", "that database has tables already: restore into an empty one, never over another")
        await logins.make(conn)
    finally:
        await conn.close()
