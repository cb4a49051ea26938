"""`maillage documents check|rotate-key`: files and rows agree; a new master key."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

from maillage import documents as kept
from maillage.cli.output import ENVIRONMENT, OK, PROBLEM, Failure, settings_for, show
from maillage.settings import Settings
from maillage.store.blobs import KeyFileError, Vault
from maillage.store.server import opened


def documents(action: Literal["check", "rotate-key"], *, repair: bool = False, data: Path | None = None, json: bool = False) -> int:
    """Compare the encrypted files with their rows, both ways, 1 when they do not agree; or put a new master key in place.

    Example: maillage documents check --data ./data

    Parameters
    ----------
    action
        `check` opens every document; `rotate-key` makes a master key, wraps every document's key under it, and forgets the old ones that are free.
    repair
        With `check`: remove files that no document knows, once they are an hour old.
    data
        Data folder of the server.
    json
        Answer as one JSON object.
    """
    settings = settings_for(data)
    work = _check(settings, repair) if action == "check" else _rotate(settings)
    try:
        answer, lines, status = asyncio.run(work)
    except KeyFileError as error:
        raise Failure(str(error), ENVIRONMENT) from error
    show(answer, json=json, lines=lines)
    return status


async def _check(settings: Settings, repair: bool) -> tuple[dict[str, Any], list[str], int]:
    async with opened(settings) as database:
        report = await kept.check(database, Vault.of(settings), now=database.clock.now(), repair=repair)
    said = f"{report.whole} documents whole, {report.removed} orphans removed"
    faults = [*(f"file gone: {id}" for id in report.missing), *(f"does not open: {id}" for id in report.broken)]
    faults += [f"no document knows this file: {name}" for name in report.orphans]
    answer = {
        "whole": report.whole,
        "removed": report.removed,
        "missing": report.missing,
        "broken": report.broken,
        "orphans": report.orphans,
    }
    return answer, [said, *faults], OK if report.agrees else PROBLEM


async def _rotate(settings: Settings) -> tuple[dict[str, Any], list[str], int]:
    async with opened(settings) as database:
        made, count, gone = await kept.rotate(database, Vault.of(settings), now=database.clock.now())
    lines = [f"master key {made} made, {count} documents wrapped under it", *(f"master key {id} forgotten" for id in gone)]
    return {"key": made, "wrapped": count, "forgotten": gone}, lines, OK
