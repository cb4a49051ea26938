"""`maillage import geo`: the contours of the communes, from GeoJSON (RFC 7946)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from maillage import directory
from maillage.cli.output import OK, PROBLEM, Failure, settings_for, show
from maillage.cli.status import USAGE
from maillage.kernel.actor import SYSTEM
from maillage.settings import Settings
from maillage.store import Transaction
from maillage.store.server import opened

MOST_BYTES = 200_000_000


def import_contours(file: Path, source: str, *, dry_run: bool, data: Path | None, json: bool) -> int:
    """Draw the contours of the communes from a file; 1 when communes of the territory are not in it."""
    contours = read_file(file)

    async def work(settings: Settings) -> dict[str, Any]:
        async with opened(settings) as database, database.transaction(SYSTEM, timeout=60) as tx:
            return await load(tx, contours, source or file.name, dry_run=dry_run)

    answer = asyncio.run(work(settings_for(data)))
    told = f"{len(answer['kept'])} communes drawn{', nothing was written' if dry_run else ''}"
    lines = [told, f"{answer['beside']} beside the territory", *(f"not in the file: {insee}" for insee in answer["missing"])]
    show({"kind": "geo", **answer}, json=json, lines=lines)
    return PROBLEM if answer["missing"] else OK


async def load(tx: Transaction, contours: list[directory.Contour], source: str, *, dry_run: bool) -> dict[str, Any]:
    """Keep the contours, or say what would be kept; answers the communes drawn, those missing, and how many lie beside the territory."""
    if dry_run:
        drawn, ours = {one.insee for one in contours}, sorted(commune.insee for commune in await directory.communes(tx))
        kept, missing = [insee for insee in ours if insee in drawn], [insee for insee in ours if insee not in drawn]
    else:
        kept, missing = await directory.load_contours(tx, contours, source)
    return {"kept": kept, "missing": missing, "beside": len(contours) - len(kept), "dry-run": dry_run}


def read_file(file: Path) -> list[directory.Contour]:
    """The contours of a GeoJSON file. Raises `Failure` with the reason."""
    if file.stat().st_size > MOST_BYTES:
        raise Failure(f"{file} is larger than {MOST_BYTES} bytes", USAGE)
    try:
        return directory.read_contours(file.read_bytes())
    except directory.ContourError as error:
        raise Failure(f"{file}: {error}", USAGE) from error
