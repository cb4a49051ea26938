"""Taking a backup: checkpoints first, then files, then the database, then the files that came meanwhile.

In this order each signed checkpoint speaks of rows that the database copy holds, and each document of the database copy has its file, whether it was
written or destroyed while the copy was made (files are never written over). What has no row is an orphan, which the sweep removes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from maillage.kernel.ids import new_id
from maillage.settings import Settings
from maillage.store import accounts, binaries
from maillage.store.backup import manifest as m
from maillage.store.backup.programs import Programs, surroundings
from maillage.store.blobs import Vault
from maillage.store.embedded import EmbeddedPostgres
from maillage.store.server import embedded

IDENTITY = "identity.key"
_FACTS = """SELECT current_setting('server_version_num')::int AS version, (SELECT system_identifier::text FROM pg_control_system()) AS system,
    pg_size_bytes(current_setting('wal_segment_size')) AS segment"""
_APPLIED = "SELECT number, name, checksum FROM schema_migration ORDER BY number"


def take(settings: Settings, draft: Path, *, with_keys: bool, version: str, now: Callable[[], datetime]) -> m.Manifest:
    """Write the backup of an installation into an empty folder, and its manifest last. Raises `BackupError`."""
    draft.mkdir(mode=0o700, parents=True)
    vault, begun = Vault.of(settings), now()
    _checkpoints(settings, draft / m.AUDIT)
    _objects(vault.folder.root, draft / m.OBJECTS)
    kind, facts, applied = _elsewhere(settings, draft) if settings.database.url else _cluster(embedded(settings), draft)
    count = _objects(vault.folder.root, draft / m.OBJECTS)
    there, away = _keys(settings, draft / m.KEYS if with_keys else None)
    made = m.Manifest(
        id=new_id(),
        made_at=begun,
        ended_at=now(),
        maillage=version,
        postgresql=facts["version"],
        system=facts["system"],
        kind=kind,
        migrations=applied,
        wal=_wal(draft / m.OF_POSTGRESQL, facts["segment"]) if kind == "cluster" else None,
        objects=count,
        masters=tuple(one.id for one in vault.ring.masters()) if vault.ring.path.exists() else (),
        keys_included=there,
        keys_not_included=away,
        files=m.files_of(draft),
    )
    m.write(draft, made)
    return made


Copied = tuple[str, dict[str, Any], tuple[m.Applied, ...]]


def _cluster(server: EmbeddedPostgres, draft: Path) -> Copied:
    """A copy of the running cluster by PostgreSQL's own program, with the log that it takes to make it whole."""
    if not (server.home / "cluster" / "PG_VERSION").exists():
        raise m.BackupError("no-database", f"there is no database in {server.data_dir}")
    with server as dsn:
        facts, applied = asyncio.run(_ask(dsn))
        words = ["-D", str(draft / m.DATABASE), "-X", "stream", "-c", "fast", "--manifest-checksums=SHA256", "-l", "maillage", "-w"]
        words += ["--sync-method=syncfs"] if facts["version"] >= 170_000 else []  # one wait for the disk instead of one for each file
        Programs(server.programs).run("pg_basebackup", *words, environment=surroundings(dsn))
    return "cluster", facts, applied


def _elsewhere(settings: Settings, draft: Path) -> Copied:
    """The rows of an operator's own server at one instant. Points in time are its operator's affair (docs/guide/sauvegarde.md)."""
    dsn = settings.backup.url or settings.database.owner_url
    if not dsn:
        raise m.BackupError("no-login", "MAILLAGE_BACKUP__URL must name a login of your server that reads every row (BYPASSRLS)")
    facts, applied = asyncio.run(_ask(dsn))
    programs = Programs(binaries.find(settings.database.binaries, None, accounts.choose(settings.database.run_as)))
    words = [
        "--format=custom",
        "--no-owner",
        "--no-comments",
        "--no-publications",
        "--no-subscriptions",
        "--no-password",
        f"--file={draft / m.DUMP}",
    ]
    programs.run("pg_dump", *words, environment=surroundings(dsn))
    return "dump", facts, applied


async def _ask(dsn: str) -> tuple[dict[str, Any], tuple[m.Applied, ...]]:
    conn = await asyncpg.connect(dsn)
    try:
        rows = await conn.fetch(_APPLIED) if await conn.fetchval("SELECT to_regclass('schema_migration')") else []
        return dict(await conn.fetchrow(_FACTS)), tuple(m.Applied(**dict(row)) for row in rows)
    finally:
        await conn.close()


def _wal(written: Path, segment: int) -> m.Wal:
    """The segments that the copy needs, from PostgreSQL's manifest."""
    [needed] = msgspec.json.decode(written.read_bytes())["WAL-Ranges"]
    start, end = (_place(needed[name]) // segment for name in ("Start-LSN", "End-LSN"))
    return m.Wal(needed["Timeline"], start, end, segment)


def _place(lsn: str) -> int:
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def _objects(source: Path, target: Path) -> int:
    """Copy the encrypted files that are not there yet; how many there are then."""
    for path in sorted(source.glob("[0-9a-f][0-9a-f]/[0-9a-f]*")):
        place = target / path.relative_to(source)
        if not place.exists():
            copy(path, place)
    return sum(1 for _ in target.glob("*/*"))


def copy(source: Path, place: Path) -> bool:
    """Copy one file to the disk, whole or not at all, with its time; False when it went away meanwhile."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.part")
    try:
        with source.open("rb") as there, os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as here:
            shutil.copyfileobj(there, here, 1 << 20)
            here.flush()
            os.fsync(here.fileno())
    except FileNotFoundError:
        return False
    shutil.copystat(source, draft)
    draft.chmod(0o600)
    draft.rename(place)
    return True


def _checkpoints(settings: Settings, target: Path) -> None:
    for source in (settings.audit_checkpoints, settings.audit_public_key):
        copy(source, target / source.name)


def _keys(settings: Settings, target: Path | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The secrets of this installation by name: those that were copied, because somebody asked, and those that were not."""
    places = {
        "documents.keys": Vault.of(settings).ring.path,
        "signing.key": settings.audit_key,
        IDENTITY: settings.data.folder / IDENTITY,
        "peers.key": settings.peers_key,
        "apps.key": settings.apps_key,
    }
    there = {name: path for name, path in places.items() if path.exists()}
    if target is None:
        return (), tuple(there)
    copied = tuple(name for name, path in there.items() if copy(path, target / name))
    return copied, tuple(name for name in there if name not in copied)
