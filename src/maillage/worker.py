"""What happens without a request: the outbox, deadlines, holds that end, releases, waves of the waiting list."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from maillage import documents, experiments, exports, indicators, journeys, messaging
from maillage.access import identity, patient_link
from maillage.access.clients import consents
from maillage.directory import merging
from maillage.doors.connectors.peers import Messenger
from maillage.doors.connectors.sms import SmsChannel
from maillage.doors.connectors.smtp import SmtpChannel
from maillage.doors.connectors.webhooks import Courier
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import MaillageError
from maillage.messaging import EMAIL, NO_CHANNEL, PATIENT, SEND, SMS, Channel, Post, subscriptions
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
EXPORT_SECONDS = 2.0
EXPERIMENT_SECONDS = 0.25
NOTICE_SECONDS = 5.0
FIGURES_SECONDS = 600.0
HANDLERS = {**messaging.HANDLERS, **subscriptions.HANDLERS}
"""What is carried where no channel is connected."""


async def run(database: Database, settings: Settings) -> None:
    """Work until cancelled. A failed round is logged with its code and tried again: it never ends the worker."""
    chainer = proof.Chainer(database, keeper(settings))
    runner = experiments.Runner(database, minutes=settings.simulation.minutes)
    longest = settings.simulation.minutes * 60.0 + ROUND_SECONDS
    try:
        await _rounds(database, settings, chainer, runner, longest)
    finally:
        await runner.close()


async def _rounds(database: Database, settings: Settings, chainer: proof.Chainer, runner: experiments.Runner, longest: float) -> None:
    post = post_of(settings)
    handlers = {**messaging.handlers(post), **subscriptions.HANDLERS}
    if post.channels:
        await _safely("release", lambda: database.run(SYSTEM, release))
    archived = [_forever("archive", float(settings.backup.archive_seconds), lambda: archive(settings))] if settings.backup.archive else []
    await asyncio.gather(
        *archived,
        _forever("experiments", EXPERIMENT_SECONDS, runner.round, longest=longest),
        _forever("audit-chain", CHAIN_SECONDS, chainer.catch_up),
        _forever("audit-parts", HOUSEKEEPING_SECONDS, lambda: make_parts(database)),
        _forever("outbox", OUTBOX_SECONDS, lambda: outbox.drain(database, handlers)),
        Courier(database, settings).run(),
        Messenger(database, settings).run(),
        _forever("notices", NOTICE_SECONDS, lambda: database.run(SYSTEM, messaging.gather)),
        _forever("figures", FIGURES_SECONDS, lambda: database.run(SYSTEM, indicators.keep, timeout=ROUND_SECONDS)),
        _forever("alike", FIGURES_SECONDS, lambda: database.run(SYSTEM, merging.keep_alike, timeout=ROUND_SECONDS)),
        _forever("clock", CLOCK_SECONDS, lambda: tick(database)),
        _forever("orphans", HOUSEKEEPING_SECONDS, lambda: documents.sweep(database, Vault.of(settings), now=database.clock.now())),
        _forever("exports", EXPORT_SECONDS, lambda: export_round(database, settings)),
        _forever(
            "export-orphans",
            HOUSEKEEPING_SECONDS,
            lambda: exports.sweep_orphans(database, exports.vault_of(settings), now=database.clock.now()),
        ),
        _forever("housekeeping", HOUSEKEEPING_SECONDS, lambda: forget(database, settings)),
    )


def post_of(settings: Settings) -> Post:
    """The channels that the settings name: none, and what leaves the house is held."""
    channels: dict[str, Channel] = {}
    if settings.mail.host:
        channels[EMAIL] = SmtpChannel(settings.mail, demo=settings.demo.enabled)
    if settings.sms.url:
        channels[SMS] = SmsChannel(settings.sms, demo=settings.demo.enabled)
    return Post(settings.address, channels)


async def release(tx: Transaction) -> None:
    """A channel is connected: what was held for want of one is looked at again."""
    for topic in (PATIENT, SEND):
        await outbox.release(tx, topic, NO_CHANNEL)


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


async def export_round(database: Database, settings: Settings) -> None:
    """Carry on with what is being exported, and delete what is kept no longer."""
    vault = exports.vault_of(settings)
    await exports.build(database, vault, portion=settings.bulk.portion, keep=timedelta(hours=settings.bulk.hours))
    await exports.sweep(database, vault, now=database.clock.now())


async def forget(database: Database, settings: Settings) -> None:
    """What is kept for a time and no longer: sessions that have ended, answers under an Idempotency-Key and delivered events (thirty days), experiments."""
    await database.run(SYSTEM, identity.purge)
    await database.run(SYSTEM, subscriptions.forget)
    await database.run(SYSTEM, idempotency.purge)
    await database.run(SYSTEM, patient_link.purge)
    await database.run(SYSTEM, lambda tx: experiments.purge(tx, timedelta(days=settings.simulation.days)))
    await database.run(SYSTEM, consents.purge)


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


async def _forever(name: str, pause: float, round_: Callable[[], Awaitable[Any]], *, longest: float = ROUND_SECONDS) -> None:
    while True:
        await _safely(name, round_, longest=longest)
        await asyncio.sleep(pause)


async def _safely(name: str, round_: Callable[[], Awaitable[Any]], *, longest: float = ROUND_SECONDS) -> None:
    try:
        async with asyncio.timeout(longest):
            await round_()
    except Exception as error:  # noqa: BLE001  # deadlines and messages must go on, whatever one round met
        code = error.reason if isinstance(error, MaillageError) else type(error).__name__
        log.warning("worker-round-failed: %s: %s", name, code, extra={"code": "worker-round-failed"})


Step = Callable[[Transaction], Awaitable[Any]]
