"""What is asked of a restored installation before anybody may rely on it: migrations, invariants, audit trail, documents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from maillage import documents, journeys
from maillage.kernel.actor import SYSTEM
from maillage.record import audit, proof
from maillage.record.proof.checkpoints import Checkpoint, public_path
from maillage.settings import Settings
from maillage.store import Database, migrate
from maillage.store.backup import BackupError, Manifest
from maillage.store.backup.taking import copy
from maillage.store.blobs import Ring, Vault
from maillage.store.server import embedded, opened

BOOK = "checkpoints.jsonl"
SLACK = timedelta(minutes=5)
"""How much later than the last commit a checkpoint may have been signed before the end of the log is taken for lost: the promised RPO."""


@dataclass(slots=True)
class Proof:
    """Each check with its problem, empty when there is none; `notes` are no problems. `reached`: instant of the last commit that is there."""

    checks: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reached: datetime | None = None
    placed: float = 0.0

    @property
    def problems(self) -> list[str]:
        """The checks that failed."""
        return [name for name, problem in self.checks if problem]


@dataclass(frozen=True, slots=True)
class Points:
    """The checkpoints that the restored database must agree with, and those signed after the instant that it holds (`limit`; `wanted`: asked for)."""

    book: Path
    key: Path
    held: tuple[Checkpoint, ...]
    beyond: tuple[Checkpoint, ...]
    limit: datetime
    wanted: bool

    @classmethod
    def of(cls, folders: Sequence[Path], known: Path, reached: datetime, *, wanted: bool) -> Points:
        """The book of the last of these folders that has one, read with the public keys of this installation, former ones too, or the one beside it."""
        folder = [one for one in folders if (one / BOOK).exists() or one == folders[0]][-1]
        book, key = folder / BOOK, folder / "signing.pub"
        keys = sorted(known.parent.glob("*.pub")) or ([key] if key.exists() else [])
        points = proof.read_book(book, [proof.read_key(one) for one in keys]) if book.exists() and keys else []
        held = tuple(point for point in points if point.at <= reached)
        return cls(book, key, held, tuple(point for point in points if point.at > reached), reached, wanted)


async def prove(settings: Settings, made: Manifest, points: Points, *, scratch: bool) -> Proof:
    """Every check; the restoring itself is written in the trail and chained."""
    found, server = Proof(), None if settings.database.url else embedded(settings)
    owner = await asyncio.to_thread(server.start) if server else settings.database.owner_url
    try:
        found.checks.append(("backup", ""))  # it was looked at before it was used: it would not have come so far
        found.checks.append(("migrations", _level(made, await migrate.applied(owner))))
        if not scratch:
            _keep_book(settings, points)
        async with opened(settings) as database:
            broken = await journeys.breaches(database)
            found.checks.append(("invariants", "; ".join(broken)))
            await _written(settings, database, made, scratch=scratch)
            found.checks.append(("audit", await _trail(database, points, found)))
            found.checks.append(("documents", await _files(settings, database, made, found)))
    finally:
        if server:
            await asyncio.to_thread(server.stop)
    return found


def _level(made: Manifest, applied: list[tuple[int, str, str]]) -> str:
    """What the copy says that it was migrated by is what the database says; later ones may have come with the archive."""
    said = [(one.number, one.name, one.checksum) for one in made.migrations]
    return "" if applied[: len(said)] == said and said else "the database is not at the migrations that its backup names"


async def _written(settings: Settings, database: Database, made: Manifest, *, scratch: bool) -> None:
    async with database.transaction(SYSTEM) as tx:
        await proof.make_parts(tx, tx.now)
        await audit(tx, "E", "Installation", made.id, act="restore", verb="restore")
    book = None if scratch else proof.Keeper(proof.Book(settings.audit_checkpoints, proof.Signer(settings.audit_key)), every_rows=1)
    chainer = proof.Chainer(database, book, lease=timedelta(0))  # whoever held the turn died with the other cluster
    await chainer.drain()


async def _trail(database: Database, points: Points, found: Proof) -> str:
    report = await proof.verify(database, points.held)
    if points.beyond:
        last = points.beyond[-1]
        found.notes.append(
            f"rows up to {last.seq} of the audit trail were signed until {last.at:%Y-%m-%d %H:%M:%S}: they are not in this database"
        )
    if not points.held and not points.beyond:
        found.notes.append("no checkpoint came with the backup: the trail is chained, and nobody has signed it")
    found.notes.append(f"{report.rows} rows of the audit trail computed again, {len(points.held)} checkpoints agree")
    faults = [f"{fault.code}: row {fault.seq} {fault.event}".strip() for fault in report.faults]
    if points.beyond and not points.wanted and points.beyond[-1].at - points.limit > SLACK:
        faults.append(f"the end of the log is missing: signed until {points.beyond[-1].at:%Y-%m-%d %H:%M:%S}")
    return "; ".join(faults[:3])


async def _files(settings: Settings, database: Database, made: Manifest, found: Proof) -> str:
    """Each document opened, by the keys that are here; their ids are in the manifest."""
    vault = Vault.of(settings)
    if not made.masters and not vault.ring.path.exists():
        return ""  # no file was ever kept, and looking makes no key
    here = {one.id for one in Ring(vault.ring.path).masters()} if vault.ring.path.exists() else set()
    if made.masters and not here & set(made.masters):
        return f"wrong key: {vault.ring.path} holds none of {', '.join(made.masters)}"
    report = await documents.check(database, vault, now=database.clock.now())
    found.notes.append(f"{report.whole} documents opened, {len(report.orphans)} files without a document")
    bad = [*report.missing, *report.broken]
    return f"{len(bad)} documents: {'; '.join(bad[:3])}" if bad else ""


def _keep_book(settings: Settings, points: Points) -> None:
    """Where the signing key came too, the book goes on after the last checkpoint that the database holds; else a new one begins, the old one beside it."""
    if not points.book.exists():
        return
    target = settings.audit_checkpoints
    mine = public_path(settings.audit_key)
    same = settings.audit_key.exists() and mine.exists() and points.key.exists() and mine.read_bytes() == points.key.read_bytes()
    aside = target.with_name(f"checkpoints.before-{points.limit:%Y%m%dT%H%M%S}.jsonl")
    lines = points.book.read_bytes().split(b"\n")
    if not copy(points.book, aside):
        raise BackupError("audit", f"{points.book} cannot be read")
    copy(points.key, aside.with_suffix(".pub"))
    last = max((point.line for point in points.held), default=0) if same else 0
    target.write_bytes(b"".join(line + b"\n" for line in lines[:last] if line))
    target.chmod(0o600)
