"""Putting a copy of a cluster back: PostgreSQL recovers it, to its end or to an instant, and its logins get new passwords.

It happens under a name that no start of maillage looks at; only a cluster that has recovered gets the usual one.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from maillage.store import cluster, logins
from maillage.store.accounts import Account
from maillage.store.backup.manifest import BackupError
from maillage.store.backup.programs import Programs
from maillage.store.embedded import DATABASE, LONGEST_SOCKET, USER, keep_secret
from maillage.store.handover import WAL, fetching

DRAFT: Final = "restoring"
PATIENCE: Final = 24 * 3600.0
_HBA: Final = "recovery_hba.conf"
_LAST: Final = "SELECT extract(epoch FROM pg_last_xact_replay_timestamp())::numeric(20, 6)"
_RECOVERY: Final = """
# Of a recovery that has not ended; the next start writes this file anew.
hba_file = '{hba}'
restore_command = '{command}'
recovery_target_timeline = 'latest'
recovery_target_action = 'promote'
"""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How far: to the end of the copy, of the archive if there is one, or to an instant of it."""

    archive: Path | None = None
    until: datetime | None = None


def place(copy: Path, home: Path, account: Account, programs: Programs, recovery: Recovery, *, scratch: bool) -> datetime | None:
    """Make `home/cluster` of a copy; answers the instant of the last commit that it holds, when PostgreSQL knows it. Raises `BackupError`.

    `scratch`: what the operator had set by ALTER SYSTEM is left out (an archive, a shared library of his machine).
    """
    draft = home / DRAFT
    shutil.rmtree(draft, ignore_errors=True)
    try:
        shutil.copytree(copy, draft, ignore=shutil.ignore_patterns("backup_manifest"))
        if scratch:
            (draft / "postgresql.auto.conf").write_text("", encoding="ascii")
        _configure(draft, home / "run", account, recovery)
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
            account.own(path)
        until = _recovered(draft, Programs(programs.folder, account), home, scratch=scratch)
        draft.rename(home / "cluster")
    finally:
        shutil.rmtree(draft, ignore_errors=True)  # what did not recover is a copy of everything in a folder that nobody looks at
    (home / "created").touch()
    return until


def _configure(draft: Path, socket: Path, account: Account, recovery: Recovery) -> None:
    """Nobody but this account reaches the socket while it recovers, and only the owner of the tables may sign in."""
    socket.mkdir(mode=0o700, exist_ok=True)
    account.own(socket)
    if len(os.fsencode(socket)) > LONGEST_SOCKET:
        socket = account.own(cluster.short_folder())
    cluster.configure(draft, socket, "64MB", account)
    (draft / _HBA).write_text(f"local all {USER} trust\n", encoding="ascii")
    command = fetching((recovery.archive / WAL).absolute()) if recovery.archive else "false"
    lines = _RECOVERY.format(hba=str(draft / _HBA).replace("'", "''"), command=command)
    if recovery.until:
        lines += f"recovery_target_time = '{recovery.until.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f+00}'\n"
    if recovery.archive:
        (draft / "recovery.signal").touch()
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(lines)


def _recovered(draft: Path, server: Programs, home: Path, *, scratch: bool) -> datetime | None:
    """Start it aside, wait until it takes writes, renew its passwords, stop it."""
    options = "-c archive_mode=off" + (" -c fsync=off" if scratch else "")  # a copy that is thrown away need not wait for the disk
    words = ["-D", str(draft), "-w", "-t", str(int(PATIENCE)), "-s", "-l", str(draft / "start.log"), "-o", options]
    try:
        server.run("pg_ctl", "start", *words)
        _wait(draft, server)
        at = _psql(draft, server, _LAST, DATABASE)
        _psql(draft, server, _renewed(home))
    except BackupError as error:
        raise _why(draft) or error from error
    finally:
        if (draft / "postmaster.pid").exists():
            server.run("pg_ctl", "stop", "-D", str(draft), "-m", "fast", "-w", "-t", "600", "-s")
    for name in (_HBA, "recovery.signal", "start.log"):
        (draft / name).unlink(missing_ok=True)
    return datetime.fromtimestamp(float(at), UTC) if at else None


def _wait(draft: Path, server: Programs) -> None:
    """Until it takes writes; a server that gave up does not answer any more."""
    while _psql(draft, server, "SELECT pg_is_in_recovery()") != "f":
        time.sleep(0.05)


def _renewed(home: Path) -> str:
    """Passwords are in no backup: each login gets a new one."""
    made = [logins.make_sql(login, keep_secret(home / f"password.{login}")) for login in logins.LOGINS]
    return "\n".join([*made, f"ALTER ROLE {USER} PASSWORD '{keep_secret(home / 'password')}'"])


def _psql(draft: Path, server: Programs, statement: str, database: str = "postgres") -> str:
    words = ["-h", cluster.socket_folder(draft), "-U", USER, "-d", database, "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]
    return server.run("psql", *words, input=statement + ";\n").strip()


def _why(draft: Path) -> BackupError | None:
    """What PostgreSQL's own log says of a recovery that failed, as a code of ours."""
    said = cluster.words(draft)
    if "recovery ended before configured recovery target was reached" in said:
        return BackupError("wal-missing", "the archive ends before the instant that was asked for")
    if "could not locate required checkpoint record" in said or "invalid checkpoint record" in said or "WAL ends before" in said:
        return BackupError("wal-missing", "the log ends before the copy is whole")
    last = " / ".join(line.strip() for line in said.strip().splitlines()[-3:])
    return BackupError("recovery", last) if last else None
