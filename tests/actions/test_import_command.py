"""`maillage import geo`: what is drawn, what is missing, what is refused, and what a dry run leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import directory
from maillage.cli.contours import load, read_file
from maillage.cli.status import USAGE, Failure
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = make.territory
CRETEIL, PARIS = "94028", "75056"


def written(folder: Path, *codes: str) -> Path:
    """A file that draws a square for each commune."""
    ring = [[2.4, 48.7], [2.5, 48.7], [2.5, 48.8], [2.4, 48.8], [2.4, 48.7]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    drawn = [{"type": "Feature", "properties": {"code": code}, "geometry": shape} for code in codes]
    file = folder / "communes.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": drawn}))
    return file


async def imported(db: Database, file: Path, source: str, *, dry_run: bool = False) -> dict[str, Any]:
    async with db.transaction(SYSTEM) as tx:
        return await load(tx, read_file(file), source, dry_run=dry_run)


async def kept(db: Database) -> tuple[list[str], tuple[str, ...]]:
    async with db.transaction(SYSTEM) as tx:
        found, sources = await directory.contours(tx)
        return [one.insee for one in found], sources


@pytest.mark.asyncio
async def test_the_newest_file_draws_and_what_is_missing_is_said(db: Database, tmp_path: Path) -> None:
    file = written(tmp_path, CRETEIL, PARIS)
    said = await imported(db, file, "IGN 2026", dry_run=True)
    assert (said["kept"], said["beside"]) == ([CRETEIL], 1)
    assert await kept(db) == ([], ())
    assert await imported(db, file, "IGN 2026") == {**said, "dry-run": False}
    assert await kept(db) == ([CRETEIL], ("IGN 2026",))
    assert CRETEIL not in said["missing"]
    assert len(said["missing"]) > 20
    await imported(db, file, "IGN 2027")
    assert await kept(db) == ([CRETEIL], ("IGN 2027",))


def test_a_file_that_is_no_map_ends_the_command_with_its_reason(tmp_path: Path) -> None:
    file = written(tmp_path, "Créteil")
    with pytest.raises(Failure, match="no commune code") as refused:
        read_file(file)
    assert refused.value.status == USAGE
