"""What a backup says of itself: when and by what it was made, what is in it with its hash, and what is not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

FORMAT: Final = 1
NAME: Final = "manifest.json"
SUM: Final = "manifest.sha256"
DATABASE, DUMP, OBJECTS, AUDIT, KEYS = "database", "database.dump", "objects", "audit", "keys"
OF_POSTGRESQL: Final = f"{DATABASE}/backup_manifest"
"""PostgreSQL's own manifest has a hash of each of its files: ours has the hash of that manifest."""


class BackupError(Exception):
    """A backup cannot be made, read or used. `code` says why in a word, the sentence says it to a person and holds no value of any row."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code


@dataclass(frozen=True, slots=True)
class File:
    """One file of the backup."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Applied:
    """One migration that the database has seen."""

    number: int
    name: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Wal:
    """The part of PostgreSQL's log that the copy of the cluster cannot do without: numbers of segments, and their size."""

    timeline: int
    start: int
    end: int
    segment: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """`kind`: `cluster` for a copy of PostgreSQL's files, `dump` for the rows of somebody else's server. `masters`: ids of the master keys of the files."""

    id: str
    made_at: datetime
    ended_at: datetime
    maillage: str
    postgresql: int
    system: str
    kind: str
    migrations: tuple[Applied, ...]
    wal: Wal | None
    objects: int
    masters: tuple[str, ...]
    keys_included: tuple[str, ...]
    keys_not_included: tuple[str, ...]
    files: tuple[File, ...]
    format: int = FORMAT


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest and its own hash."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    (folder / NAME).write_bytes(text)
    (folder / SUM).write_text(f"{hashlib.sha256(text).hexdigest()}  {NAME}\n", encoding="ascii")


def read(folder: Path) -> Manifest:
    """The manifest of a backup. Raises `BackupError`."""
    try:
        text = (folder / NAME).read_bytes()
        said = (folder / SUM).read_text(encoding="ascii").split()[:1]
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError("not-a-backup", f"{folder} has no readable manifest") from error
    if said != [hashlib.sha256(text).hexdigest()]:
        raise BackupError("corrupt", f"{NAME} is not the one that was written")
    try:
        found = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupError("corrupt", f"{NAME} cannot be read") from error
    if found.format != FORMAT:
        raise BackupError("unknown-format", f"this backup has format {found.format}, this program knows {FORMAT}")
    return found


def files_of(folder: Path) -> tuple[File, ...]:
    """Every file of a draft with its hash, but those that PostgreSQL's manifest already answers for."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (NAME, SUM) and (name == OF_POSTGRESQL or not name.startswith(f"{DATABASE}/")):
            found.append(File(name, path.stat().st_size, digest(path)))
    return tuple(found)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
