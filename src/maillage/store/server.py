"""From the settings to the embedded server and to the limits of the pool."""

from __future__ import annotations

from maillage.settings import DatabaseSettings, Settings
from maillage.store.database import Limits
from maillage.store.embedded import EmbeddedPostgres


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of the data folder."""
    database = settings.database
    return EmbeddedPostgres(
        settings.data.folder, run_as=database.run_as, binaries_dir=database.binaries, shared_buffers=database.shared_buffers
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
