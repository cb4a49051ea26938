"""A backup is what its manifest says, before anything of it is used (fault F21)."""

from __future__ import annotations

from pathlib import Path

from maillage.store.backup import manifest as m
from maillage.store.backup.programs import Programs


def check_whole(folder: Path, programs: Programs) -> m.Manifest:
    """The manifest of a backup that has every file with its hash, PostgreSQL's part looked at by PostgreSQL. Raises `BackupError`."""
    found = m.read(folder)
    for file in found.files:
        path = folder / file.path
        if not path.is_file():
            raise m.BackupError("corrupt", f"{file.path} is gone")
        if path.stat().st_size != file.size or m.digest(path) != file.sha256:
            raise m.BackupError("corrupt", f"{file.path} is not the file that was written")
    known = {file.path for file in found.files}
    strange = [one.path for one in m.files_of(folder) if one.path not in known]
    if strange:
        raise m.BackupError("corrupt", f"{strange[0]} was not in this backup")
    if found.kind == "cluster":
        _check_cluster(folder / m.DATABASE, programs)
    return found


def _check_cluster(folder: Path, programs: Programs) -> None:
    """Each file of the cluster with its hash, and the log from the copy's beginning to its end."""
    try:
        programs.run("pg_verifybackup", "-q", "-n", str(folder))
    except m.BackupError as error:
        raise m.BackupError("corrupt", str(error)) from error
    try:
        programs.run("pg_verifybackup", "-q", "-s", str(folder))
    except m.BackupError as error:
        raise m.BackupError("wal-missing", str(error)) from error
