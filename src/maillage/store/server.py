"""From the settings to the embedded server and to the limits of the pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from maillage.kernel.clock import Clock, SystemClock
from maillage.settings import DatabaseSettings, Settings
from maillage.store import logins
from maillage.store.checks import UnsafeServer
from maillage.store.database import Database, Limits
from maillage.store.embedded import EmbeddedPostgres
from maillage.store.handover import prepared, sending
from maillage.store.migrate import migrate


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of the data folder."""
    database, backup = settings.database, settings.backup
    return EmbeddedPostgres(
        settings.data.folder,
        run_as=database.run_as,
        binaries_dir=database.binaries,
        shared_buffers=database.shared_buffers,
        sending=(lambda account: sending(prepared(Path(backup.archive), account), backup.archive_seconds)) if backup.archive else None,
    )


def limits(settings: DatabaseSettings) -> Limits:
    """How long things may take, from the settings."""
    return Limits(
        pool_size=settings.pool_size,
        acquire=settings.acquire_timeout,
        statement=settings.statement_timeout,
        lock=settings.lock_timeout,
        idle=settings.idle_timeout,
    )


def _addresses(database: DatabaseSettings, server: EmbeddedPostgres | None) -> tuple[str, ...]:
    """For the login that serves, the one that reads the audit trail, and the one that counts. Raises `UnsafeServer` where the second is not named."""
    if server:
        return tuple(server.dsn(login=login) for login in logins.LOGINS)
    if not database.audit_url:
        raise UnsafeServer(
            "MAILLAGE_DATABASE__AUDIT_URL is missing: the address of your server for the login audit_r, who reads the audit trail and chains it."
        )
    return database.url, database.audit_url, database.statistics_url


@asynccontextmanager
async def opened(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Database]:
    """The database of these settings, embedded or not, migrated by its owner and open under the login that serves, for the length of the block.

    Raises `UnsafeServer` for a login that row level security would not stop.
    """
    server = None if settings.database.url else embedded(settings)
    owner = await asyncio.to_thread(server.start) if server else settings.database.owner_url
    try:
        if owner:
            await migrate(owner)
        dsn, trail, figures = _addresses(settings.database, server)
        chosen = limits(settings.database)
        database = await Database.open(dsn, clock or SystemClock(), limits=chosen, served=True, trail=trail, figures=figures)
        try:
            yield database
        finally:
            await database.close()
    finally:
        if server:
            await asyncio.to_thread(server.stop)
