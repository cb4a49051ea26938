"""The continuous archive: what PostgreSQL, the files and the checkpoints have become since the last backup, a minute behind at most.

PostgreSQL hands each segment of its log over, compressed, at least every `MAILLAGE_BACKUP__ARCHIVE_SECONDS`; the worker copies new files and checkpoints.
Together with a backup it leads to any instant since.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from maillage.settings import Settings
from maillage.store.backup.manifest import AUDIT, OBJECTS, BackupError, Wal
from maillage.store.backup.taking import copy
from maillage.store.blobs import Folder, Vault
from maillage.store.handover import WAL

_SEGMENT: Final = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})\.gz")
_ASKED: Final = "SELECT archived_count, failed_count, last_archived_time, last_failed_time, last_failed_wal FROM pg_stat_archiver"


def check_archive(archive: Path, needed: Wal) -> int:
    """Every segment from the end of the backup to the last one is there and whole; how many. Raises `BackupError`: `wal-missing`, `corrupt`.

    PostgreSQL takes a hole for the end of the log and opens the database without a word: hence this look beforehand.
    """
    known: dict[int, list[Path]] = {}
    per_file = 2**32 // needed.segment
    for path in sorted((archive / WAL).glob("*.gz")):
        found = _SEGMENT.fullmatch(path.name)
        if found and int(found[1], 16) >= needed.timeline:
            known.setdefault(int(found[2], 16) * per_file + int(found[3], 16), []).append(path)
    later = sorted(number for number in known if number >= needed.end)
    if later and (gone := sorted(set(range(needed.end, later[-1] + 1)) - set(later))):
        raise BackupError("wal-missing", f"{len(gone)} segments are gone, the first is {gone[0] // per_file:08X}{gone[0] % per_file:08X}")
    for path in (path for number in later for path in known[number]):
        if _unpacked(path) != needed.segment:
            raise BackupError("corrupt", f"{path.name} of the archive is not whole")
    return len(later)


def _unpacked(path: Path) -> int:
    size = 0
    try:
        with gzip.open(path) as file:
            while data := file.read(1 << 20):
                size += len(data)
    except (OSError, EOFError, zlib.error):
        return -1
    return size


def mirror(settings: Settings) -> int:
    """Copy the files and checkpoints that the archive does not have yet; how many files were new."""
    archive, source = Path(settings.backup.archive), Vault.of(settings).folder
    for path in (settings.audit_checkpoints, settings.audit_public_key):
        copy(path, archive / AUDIT / path.name)
    target = Folder(archive / OBJECTS)
    new = [one for one in source.lying() if one.id and not target.path(one.id).exists()]
    return sum(copy(one.path, target.path(one.id)) for one in new)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the archive of the log stands: `problem` is a sentence when something is not handed over."""

    archived: int
    last: datetime | None
    problem: str


async def standing(conn: Any) -> Standing:
    """Asked of PostgreSQL."""
    row = await conn.fetchrow(_ASKED)
    failing = row["last_failed_time"] and (row["last_archived_time"] is None or row["last_failed_time"] > row["last_archived_time"])
    problem = f"{row['last_failed_wal']} could not be archived ({row['failed_count']} failures)" if failing else ""
    return Standing(row["archived_count"], row["last_archived_time"], problem)
