"""`maillage import`: what an installation takes from official files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

from maillage import directory
from maillage.cli.output import OK, PROBLEM, Failure, settings_for, show
from maillage.kernel.actor import SYSTEM
from maillage.settings import Settings
from maillage.store.server import opened

MOST_BYTES = 200_000_000


def import_file(
    kind: Literal["geo"], file: Path, *, source: str = "", dry_run: bool = False, data: Path | None = None, json: bool = False
) -> int:
    """Load a file: `geo` draws the contours of the communes from GeoJSON (RFC 7946). Give its `--source` with its year: the map prints it.

    Communes beside the territory are left out. Ends with 1 when communes of the territory are not in the file.
    Example: maillage import geo communes.geojson --source "IGN Admin Express 2026" --data ./data
    """
    contours = _contours(file)

    async def work(settings: Settings) -> tuple[list[str], list[str]]:
        async with opened(settings) as database, database.transaction(SYSTEM, timeout=60) as tx:
            if not dry_run:
                return await directory.load_contours(tx, contours, source or file.name)
            ours = [commune.insee for commune in await directory.communes(tx)]
            drawn = {one.insee for one in contours}
            return [insee for insee in ours if insee in drawn], [insee for insee in ours if insee not in drawn]

    kept, missing = asyncio.run(work(settings_for(data)))
    answer: dict[str, Any] = {"kind": kind, "kept": kept, "missing": missing, "beside": len(contours) - len(kept), "dry-run": dry_run}
    lines = [f"{len(kept)} communes drawn{', nothing was written' if dry_run else ''}", f"{len(contours) - len(kept)} beside the territory"]
    show(answer, json=json, lines=[*lines, *(f"not in the file: {insee}" for insee in missing)])
    return PROBLEM if missing else OK


def _contours(file: Path) -> list[directory.Contour]:
    if file.stat().st_size > MOST_BYTES:
        raise Failure(f"{file} is larger than {MOST_BYTES} bytes")
    try:
        return directory.read_contours(file.read_bytes())
    except directory.ContourError as error:
        raise Failure(f"{file}: {error}") from error
