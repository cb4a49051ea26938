"""`maillage doctor`: everything that could be wrong on this machine, with the remedy."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

from maillage.cli.output import ENVIRONMENT, NOT_OURS, OK, settings_for, show
from maillage.codes import r4
from maillage.settings import SettingError, Settings
from maillage.store.database import DRIVER
from maillage.store.server import opened


def doctor(*, data: Path | None = None, json: bool = False) -> int:
    """Check Python, definitions, disk, settings and PostgreSQL; 3 when one of them stops maillage.

    Example: maillage doctor --data ./data
    """
    checks = [_python(), _definitions()]
    try:
        settings = settings_for(data)
    except SettingError as error:
        checks.append(_check("settings", str(error), "correct the variable"))
    else:
        checks += [_check("settings"), _disk(settings), asyncio.run(_database(settings))]
    bad = [check for check in checks if check["problem"]]
    lines = [f"{'✗' if c['problem'] else '✓'} {c['name']}" + (f": {c['problem']} ({c['remedy']})" if c["problem"] else "") for c in checks]
    show({"checks": checks, "healthy": not bad}, json=json, lines=lines)
    return ENVIRONMENT if bad else OK


def _check(name: str, problem: str = "", remedy: str = "") -> dict[str, str]:
    return {"name": name, "problem": problem, "remedy": remedy}


def _python() -> dict[str, str]:
    old = sys.version_info < (3, 11)
    return _check("python", f"Python {sys.version.split()[0]}" if old else "", "install Python 3.11 or later")


def _definitions() -> dict[str, str]:
    try:
        known = len(r4.resource_types())
    except OSError as error:
        return _check("definitions", str(error), "make setup")
    return _check("definitions", "" if known else "no resource type", "make setup")


def _disk(settings: Settings) -> dict[str, str]:
    folder = settings.data.folder.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return _check("disk", f"{free // 2**20} MiB free" if free < 2**30 else "", "free at least 1 GiB on the data volume")


async def _database(settings: Settings) -> dict[str, Any]:
    try:
        async with opened(settings) as database:
            await database.ping()
            return _check("postgresql", "; ".join(database.warnings), "update PostgreSQL")
    except (*NOT_OURS, *DRIVER) as error:
        return _check("postgresql", str(error) or type(error).__name__, "see the message above and docs/reference/settings.md")
