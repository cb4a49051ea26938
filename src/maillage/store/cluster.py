"""What lies in the folder of an embedded cluster: where it is, whether it runs, how it is configured."""

from __future__ import annotations

import logging
import os
import re
import secrets
import subprocess
import tempfile
from pathlib import Path

from maillage.store.accounts import Account
from maillage.store.binaries import SHARED

log = logging.getLogger(__name__)

CONFIGURATION = """# Written by maillage at each start.
listen_addresses = ''
port = 5432
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = {shared_buffers}
max_wal_size = 2GB
password_encryption = 'scram-sha-256'
timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'
# The log holds no value of any row: no statement, no detail of a violated constraint.
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length_on_error = 0
"""


class ClusterError(Exception):
    """PostgreSQL did not do what was asked; the sentence holds its last words."""


def home(data_dir: Path, account: Account) -> Path:
    """The folder of the cluster for a data folder: inside it, or elsewhere when PostgreSQL's account cannot get there (noted in the data folder)."""
    data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    note = data_dir / "postgres.location"
    if note.exists():
        return Path(note.read_text(encoding="utf-8").strip())
    place = data_dir / "postgres"
    if account.uid is not None:
        data_dir.chmod(data_dir.stat().st_mode | 0o011)
        if not account.reaches(data_dir):
            place = SHARED / f"cluster-{secrets.token_hex(6)}"
            log.warning("PostgreSQL's account cannot enter %s: the database is kept in %s.", data_dir, place)
            place.mkdir(mode=0o711, parents=True)
            _note(note, place)
            return home(data_dir, account)  # another process may have been first
    place.mkdir(mode=0o711, exist_ok=True)
    return place


def _note(note: Path, place: Path) -> None:
    draft = note.with_name(f".{place.name}")
    draft.write_text(f"{place}\n", encoding="utf-8")
    try:
        os.link(draft, note)
    except FileExistsError:
        place.rmdir()
    finally:
        draft.unlink()


def major(folder: Path) -> int | None:
    """The major version that made the cluster, or None when there is none yet."""
    try:
        return int((folder / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None


def running(folder: Path) -> int | None:
    """The process that serves the cluster and is ready, or None."""
    lines = _postmaster(folder)
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    pid = int(lines[0])
    return pid if _serves(pid, folder) else None


def socket_folder(folder: Path) -> str:
    """Where the running server listens."""
    lines = _postmaster(folder)
    if len(lines) > 4:
        return lines[4]
    configured = configured_socket_folder(folder)
    if configured is None:
        raise ClusterError("the server does not run")
    return str(configured)


def configured_socket_folder(folder: Path) -> Path | None:
    """Where the server listened last."""
    try:
        text = (folder / "postgresql.conf").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    found = re.search(r"^unix_socket_directories = '(.+)'$", text, re.MULTILINE)
    return Path(found[1].replace("''", "'")) if found else None


def short_folder() -> Path:
    """A fresh folder for a socket, for when the data folder's own path is longer than a socket's may be."""
    base = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108  # the folder made in it is private
    return Path(tempfile.mkdtemp(prefix="maillage-", dir=base))


def clear_stale(folder: Path) -> bool:
    """Whether the last server was killed; its mark goes, since its process number may have been given to another program."""
    lines = _postmaster(folder)
    killed = bool(lines) and not (lines[0].isdigit() and _serves(int(lines[0]), folder))
    if killed:
        (folder / "postmaster.pid").unlink(missing_ok=True)
    return killed


def configure(folder: Path, socket: Path, shared_buffers: str, account: Account, more: str = "") -> None:
    """Write the configuration; a deployer's own lines go to `postgresql.auto.conf` by ALTER SYSTEM and win."""
    target = folder / "postgresql.conf"
    if not re.fullmatch(r"\d+(kB|MB|GB)", shared_buffers):
        raise ClusterError("MAILLAGE_DATABASE__SHARED_BUFFERS must look like 256MB")
    draft = folder / "postgresql.conf.new"
    draft.write_text(CONFIGURATION.format(socket=str(socket).replace("'", "''"), shared_buffers=shared_buffers) + more, encoding="utf-8")
    draft.chmod(0o600)
    account.own(draft)
    draft.rename(target)


def last_words(done: subprocess.CompletedProcess[str], folder: Path) -> str:
    """Why a program failed, in its own words."""
    text = (done.stderr or "") + words(folder)
    return " / ".join(line.strip() for line in text.strip().splitlines()[-4:]) or f"exit code {done.returncode}"


def words(folder: Path) -> str:
    """The end of what the server wrote in its logs."""
    files = [folder / "start.log", *(folder / "log").glob("*.log")]
    present = sorted((path for path in files if path.exists()), key=lambda path: path.stat().st_mtime)
    return "\n".join(path.read_text(encoding="utf-8", errors="replace")[-2000:] for path in present[-2:])


def _postmaster(folder: Path) -> list[str]:
    try:
        return (folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _serves(pid: int, folder: Path) -> bool:
    """Whether the process is alive, no zombie, and works in the cluster's folder."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except (FileNotFoundError, ProcessLookupError):
        return not Path("/proc/self").exists() and _alive(pid)
    except PermissionError:  # another account's process: not ours
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
