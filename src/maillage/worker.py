"""What happens without a request: the outbox, deadlines, holds that end, releases, waves of the waiting list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from maillage import documents, journeys, messaging
from maillage.access import identity
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import MaillageError
from maillage.record import proof
from maillage.settings import Settings
from maillage.store import Database, Transaction, idempotency, outbox
from maillage.store.backup import mirror
from maillage.store.blobs import Vault

log = logging.getLogger(__name__)
OUTBOX_SECONDS = 0.5
CLOCK_SECONDS = 5.0
ROUND_SECONDS = 120.0
"""What one round may take: a database that no longer answers must not hold the worker for ever."""

HOUSEKEEPING_SECONDS = 3600.0
CHAIN_SECONDS = 0.5
HANDLERS = messaging.HANDLERS


async def run(database: Database, settings: Settings) -> None:
    """Work until cancelled. A failed round is logged with its code and tried again: it never ends the worker."""
    chainer = proof.Chainer(database, keeper(settings))
    archived = [_forever("archive", float(settings.backup.archive_seconds), lambda: archive(settings))] if settings.backup.archive else []
    await asyncio.gather(
        *archived,
        _forever("audit-chain", CHAIN_SECONDS, chainer.catch_up),
        _forever("audit-parts", HOUSEKEEPING_SECONDS, lambda: make_parts(database)),
        _forever("outbox", OUTBOX_SECONDS, lambda: outbox.drain(database, HANDLERS)),
        _forever("clock", CLOCK_SECONDS, lambda: tick(database)),
        _forever("orphans", HOUSEKEEPING_SECONDS, lambda: documents.sweep(database, Vault.of(settings), now=database.clock.now())),
        _forever("housekeeping", HOUSEKEEPING_SECONDS, lambda: forget(database)),
    )


def keeper(settings: Settings) -> proof.Keeper:
    """Who keeps the checkpoints of this installation; its key is made when there is none."""
    book = proof.Book(settings.audit_checkpoints, proof.Signer(settings.audit_key))
    audit = settings.audit
    return proof.Keeper(book, [proof.Syslog(audit.syslog, audit.syslog_authority)] if audit.syslog else [])


async def archive(settings: Settings) -> None:
    """What PostgreSQL does not hand over itself: new files and checkpoints."""
    await asyncio.to_thread(mirror, settings)


async def make_parts(database: Database) -> None:
    """The next months of the audit trail; what could not be made is told as an alarm, and loses nothing."""
    async with database.transaction(SYSTEM) as tx:
        missing = await proof.make_parts(tx, tx.now)
    if missing:
        log.error("audit-part-missing: %s", ", ".join(missing), extra={"code": "audit-part-missing"})


async def forget(database: Database) -> None:
    """What is kept for a time and no longer: sessions that have ended, answers under an Idempotency-Key (thirty days)."""
    await database.run(SYSTEM, identity.purge)
    await database.run(SYSTEM, idempotency.purge)


async def tick(database: Database) -> None:
    """One round of everything that time does to the rooms; each step is a transaction of its own and safe to repeat.

    A step that fails does not keep the others from their turn; the first error is raised at the end.
    """
    failed: list[Exception] = []
    for step in journeys.CLOCK:
        try:
            await database.run(SYSTEM, step)
        except Exception as error:  # noqa: BLE001  # raised below, when the other steps had their turn
            failed.append(error)
    if failed:
        raise failed[0]


async def _forever(name: str, pause: float, round_: Callable[[], Awaitable[Any]]) -> None:
    while True:
        try:
            async with asyncio.timeout(ROUND_SECONDS):
                await round_()
        except Exception as error:  # noqa: BLE001  # deadlines and messages must go on, whatever one round met
            code = error.reason if isinstance(error, MaillageError) else type(error).__name__
            log.warning("worker-round-failed: %s: %s", name, code, extra={"code": "worker-round-failed"})
        await asyncio.sleep(pause)


Step = Callable[[Transaction], Awaitable[Any]]
