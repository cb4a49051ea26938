"""From the settings to the address of a server: the one given, or an embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from maillage.settings import DatabaseSettings, Settings
from maillage.store.database import Limits
from maillage.store.embedded import EmbeddedPostgres


@contextmanager
def resolve_dsn(settings: Settings) -> Iterator[str]:
    """The address of the database for as long as the block runs; an embedded server that we are the last to use stops at its end."""
    if settings.database.url:
        yield settings.database.url
        return
    with embedded(settings) as dsn:
        yield dsn


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
