"""How the embedded server hands its log over to an archive, and gets it back: commands that PostgreSQL runs under its own account."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from maillage.store.accounts import Account
from maillage.store.cluster import ClusterError

WAL: Final = "wal"
_SAFE: Final = re.compile(r"[\w./+-]+")


def prepared(archive: Path, account: Account) -> Path:
    """The folder of the log, PostgreSQL's own. Raises `ClusterError` where its account cannot come."""
    folder = archive.absolute() / WAL
    if not _SAFE.fullmatch(str(folder)):
        raise ClusterError("MAILLAGE_BACKUP__ARCHIVE may hold letters, digits and ./_+- only: it stands in a command")
    folder.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    account.own(folder)
    if not account.reaches(folder):
        raise ClusterError(f"PostgreSQL's account cannot enter {folder}: open its parents to it (chmod o+x)")
    return folder


def sending(folder: Path, seconds: int) -> str:
    """The lines of the configuration that hand the log over: on the disk before it counts as done, and the same segment twice is no error."""
    there, draft = f'"{folder}/%f.gz"', f'"{folder}/.%f.part"'
    send = f'gzip -1 < "%p" > {draft} && sync {draft} && mv {draft} {there} && sync "{folder}"'
    same = f'gzip -dc {there} | cmp -s - "%p"'
    command = f"if test -f {there}; then {same}; else {send}; fi"
    return f"archive_mode = on\narchive_command = '{command}'\narchive_timeout = {max(10, seconds)}s\n"


def fetching(folder: Path) -> str:
    """The command that gives a segment back."""
    return f'gzip -dc "{folder}/%f.gz" > "%p"'
