"""`maillage restore`: a backup put back into an empty folder; with `--verify`, into a scratch one, to prove it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from maillage.cli.output import ENVIRONMENT, OK, PROBLEM, USAGE, Failure, settings_for, show
from maillage.cli.proving import Points, Proof, prove
from maillage.kernel.clock import SystemClock
from maillage.settings import AuditSettings, BackupSettings, Settings
from maillage.store import accounts, binaries, cluster
from maillage.store.backup import BackupError, Manifest, Programs, Recovery, check_archive, check_whole, place, refill, unpack
from maillage.store.backup.manifest import AUDIT, DATABASE, DUMP, KEYS, OBJECTS
from maillage.store.backup.taking import copy
from maillage.store.blobs import KeyFileError, Ring, Vault
from maillage.store.server import embedded

REFUSED = ("corrupt", "wal-missing", "wrong-key", "not-a-backup")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which backup, how far, and where its later parts are."""

    source: Path
    key: Path | None = None
    until: datetime | None = None
    archive: Path | None = None
    scratch: Path | None = None


@dataclass(slots=True)
class Told:
    """What was done, for people and for programs."""

    answer: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def restore(
    source: Path,
    *,
    verify: bool = False,
    until: datetime | None = None,
    archive: Path | None = None,
    key: Path | None = None,
    scratch: Path | None = None,
    data: Path | None = None,
    json: bool = False,
) -> int:
    """Put a backup back into an empty data folder and prove what came of it; 1 when the backup is not what it says or does not prove good.

    Example: maillage restore /srv/sauvegardes/2026-11-22.maillage --key /etc/maillage/backup.keys --verify

    Parameters
    ----------
    source
        The folder or the encrypted file that `maillage backup` wrote.
    verify
        Restore into a scratch cluster, prove it, and throw it away: nothing that is in use is touched.
    until
        An instant with its offset (2026-11-22T10:00:00+01:00): the database as it was then. Needs the continuous archive.
    archive
        Folder of the continuous archive. Unless given: that of the settings, if there is one.
    key
        File of master keys of an encrypted backup.
    scratch
        Folder in which the scratch cluster is made, with room for the whole database. Unless given: the system's.
    data
        Data folder to restore into; with `--verify`, the one whose keys open the files.
    json
        Answer as one JSON object.
    """
    if until and until.tzinfo is None:
        raise Failure("--until needs an offset: 2026-11-22T10:00:00+01:00", USAGE)
    settings = settings_for(data)
    asked = Asked(source.absolute(), key, until, archive or (Path(settings.backup.archive) if settings.backup.archive else None), scratch)
    if until and asked.archive is None:
        raise Failure("--until needs the continuous archive: --archive FOLDER", USAGE)
    try:
        answer, lines, status = prove_copy(settings, asked) if verify else _put_back(settings, asked)
    except BackupError as error:
        raise Failure(str(error), PROBLEM if error.code in REFUSED else ENVIRONMENT) from error
    except KeyFileError as error:
        raise Failure(str(error), ENVIRONMENT) from error
    show(answer, json=json, lines=lines)
    return status


def prove_copy(settings: Settings, asked: Asked) -> tuple[dict[str, Any], list[str], int]:
    """Restore into a folder that is thrown away, under this installation's keys."""
    begun, since = SystemClock().now(), time.monotonic()
    with _folder(asked.scratch) as scratch, _opened(settings, asked, scratch) as (folder, made):
        apart = _scratch_settings(settings, scratch, folder)
        proof = _restored(apart, settings, asked, folder, made, scratch=True)
    return _said(proof, made, begun, time.monotonic() - since)


def _put_back(settings: Settings, asked: Asked) -> tuple[dict[str, Any], list[str], int]:
    """Restore for good."""
    begun, since = SystemClock().now(), time.monotonic()
    _empty(settings)
    with _folder(asked.scratch) as scratch, _opened(settings, asked, scratch) as (folder, made):
        _keys(settings, folder)
        proof = _restored(settings, settings, asked, folder, made, scratch=False)
    return _said(proof, made, begun, time.monotonic() - since)


def _empty(settings: Settings) -> None:
    """Nothing is there that a restore would lie over."""
    files = Vault.of(settings).folder
    if any(files.lying()):
        raise BackupError("not-empty", f"there are files in {files.root}: restore beside them, never over them")
    if not settings.database.url:
        home = cluster.home(settings.data.folder.absolute(), accounts.choose(settings.database.run_as))
        if (home / "cluster").exists():
            raise BackupError("not-empty", f"there is a database in {home}: restore beside it, never over it")


@contextmanager
def _folder(base: Path | None) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="maillage-restore-", dir=base))
    try:
        made.chmod(0o711)  # PostgreSQL's own account passes through; what lies in it is closed
        yield made
    finally:
        note = made / "data" / "postgres.location"
        if note.exists():
            shutil.rmtree(note.read_text(encoding="utf-8").strip(), ignore_errors=True)
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _opened(settings: Settings, asked: Asked, scratch: Path) -> Iterator[tuple[Path, Manifest]]:
    """The backup as a folder, every part of it looked at before anything is used."""
    folder = asked.source
    if folder.is_file():
        if asked.key is None or not asked.key.exists():
            raise BackupError("no-key", "this backup is encrypted: --key names the file of its master keys")
        folder = scratch / "opened"
        folder.mkdir(mode=0o700)
        unpack(asked.source, folder, Ring(asked.key))
    try:
        major = cluster.major(folder / DATABASE)
    except ValueError as error:
        raise BackupError("corrupt", f"{DATABASE}/PG_VERSION is not the file that was written") from error
    made = check_whole(folder, Programs(binaries.find(settings.database.binaries, major, accounts.Account())))
    if made.wal and asked.archive:
        check_archive(asked.archive, made.wal)
    yield folder, made


def _scratch_settings(settings: Settings, scratch: Path, folder: Path) -> Settings:
    """A folder of its own, the files of the copy where they lie, the keys of the copy or else those in use here, no archive."""
    ring = folder / KEYS / "documents.keys"
    if not ring.exists():
        ring = Vault.of(settings).ring.path
    data = scratch / "data"
    data.mkdir(mode=0o711)
    return replace(
        settings,
        data=replace(settings.data, folder=data),
        database=replace(settings.database, url="", owner_url="", shared_buffers="64MB"),
        documents=replace(settings.documents, folder=str(folder / OBJECTS), keys=str(ring)),
        audit=AuditSettings(),
        backup=BackupSettings(),
    )


def _restored(target: Settings, keyed: Settings, asked: Asked, folder: Path, made: Manifest, *, scratch: bool) -> Proof:
    """The database at its place, then the proof."""
    begun = time.monotonic()
    reached = None
    if made.kind == "cluster":
        reached = _cluster(target, asked, folder, scratch=scratch)
    else:
        _rows(target, folder)
    if asked.archive and scratch:
        target = replace(target, documents=replace(target.documents, folder=str(target.data.folder / "documents")))
    if asked.archive or not scratch:  # else they are read where they lie
        for part in (folder, *([asked.archive] if asked.archive else [])):
            _lay(part / OBJECTS, Vault.of(target).folder.root)
    books = [asked.archive / AUDIT] if asked.archive else []
    books += [] if scratch else [target.audit_checkpoints.parent]
    points = Points.of([folder / AUDIT, *books], keyed.audit_public_key, reached or made.ended_at, wanted=asked.until is not None)
    placed = time.monotonic() - begun
    proof = asyncio.run(prove(target, made, points, scratch=scratch))
    proof.reached, proof.placed = reached, placed
    return proof


def _cluster(target: Settings, asked: Asked, folder: Path, *, scratch: bool) -> datetime | None:
    if target.database.url:
        raise BackupError(
            "other-kind", "this is a copy of a cluster: restore it into a data folder, not into your server (unset MAILLAGE_DATABASE__URL)"
        )
    account = accounts.choose(target.database.run_as)
    home = cluster.home(target.data.folder.absolute(), account)
    programs = Programs(binaries.find(target.database.binaries, cluster.major(folder / DATABASE), account))
    return place(folder / DATABASE, home, account, programs, Recovery(asked.archive, asked.until), scratch=scratch)


def _rows(target: Settings, folder: Path) -> None:
    """A dump goes into the operator's empty database, or into a scratch cluster."""
    programs = Programs(binaries.find(target.database.binaries, None, accounts.choose(target.database.run_as)))
    if target.database.url:
        if not target.database.owner_url:
            raise BackupError("no-login", "MAILLAGE_DATABASE__OWNER_URL must name the owner of the empty database")
        refill(folder / DUMP, target.database.owner_url, programs)
        return
    with embedded(target) as dsn:
        refill(folder / DUMP, dsn, programs)


def _lay(source: Path, target: Path) -> None:
    """The encrypted files that are not there yet."""
    for path in sorted(source.glob("[0-9a-f][0-9a-f]/[0-9a-f]*")):
        if not (place := target / path.relative_to(source)).exists():
            copy(path, place)


def _keys(settings: Settings, folder: Path) -> None:
    """The secrets that the copy holds, where the installation looks for them; those that are there stay."""
    places = {
        "documents.keys": Vault.of(settings).ring.path,
        "signing.key": settings.audit_key,
        "identity.key": settings.data.folder / "identity.key",
        "peers.key": settings.peers_key,
        "apps.key": settings.apps_key,
    }
    for name, target in places.items():
        if (folder / KEYS / name).exists() and not target.exists():
            copy(folder / KEYS / name, target)
            if name == "signing.key":
                copy(folder / AUDIT / "signing.pub", settings.audit_public_key)


def _said(proof: Proof, made: Manifest, begun: datetime, took: float) -> tuple[dict[str, Any], list[str], int]:
    reached = proof.reached or made.made_at
    rpo = (begun - reached).total_seconds()
    lines = [f"{'✗' if problem else '✓'} {name}{': ' + problem if problem else ''}" for name, problem in proof.checks]
    lines += [f"· {note}" for note in proof.notes]
    lines.append(
        f"database as of {reached:%Y-%m-%d %H:%M:%S} UTC: RPO {rpo:.0f} s, RTO {took:.1f} s (of which {proof.placed:.1f} s of recovery)"
    )
    answer = {
        "backup": made.id,
        "proved": not proof.problems,
        "checks": [{"name": name, "problem": problem} for name, problem in proof.checks],
        "notes": proof.notes,
        "reached": reached.isoformat(),
        "rpo_seconds": round(rpo, 3),
        "rto_seconds": round(took, 3),
    }
    return answer, lines, PROBLEM if proof.problems else OK
