"""`maillage migrate`, `generate`, `rerender`: what is done to the data at rest."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from maillage import demonstration, journeys
from maillage.app import opened
from maillage.cli.output import OK, PROBLEM, settings_for, show
from maillage.settings import Settings


def migrate(*, data: Path | None = None, json: bool = False) -> int:
    """Bring the database to the present schema.

    Example: maillage migrate --data ./data
    """

    async def work() -> tuple[str, ...]:
        async with opened(settings_for(data)) as database:
            return database.warnings

    warnings = asyncio.run(work())
    show({"migrated": True, "warnings": warnings}, json=json, lines=["migrated", *warnings])
    return OK


def generate(*, patients: int = 200, seed: int = 2026, data: Path | None = None, json: bool = False) -> int:
    """Load the territory and invented patients: the same seed gives the same data.

    Example: maillage generate --patients 200 --seed 2026 --data ./data
    """

    async def work(settings: Settings) -> dict[str, Any]:
        async with opened(settings) as database:
            return await demonstration.load(database, patients=patients, seed=seed)

    answer = asyncio.run(work(settings_for(data)))
    show(answer, json=json, lines=[f"{key}: {value}" for key, value in answer.items()])
    return OK


def rerender(*, data: Path | None = None, json: bool = False) -> int:
    """Redraw every row as FHIR and compare it with its last photograph; 1 when one differs.

    Example: maillage rerender --data ./data
    """

    async def work(settings: Settings) -> dict[str, Any]:
        async with opened(settings) as database:
            return await journeys.rerender(database)

    answer = asyncio.run(work(settings_for(data)))
    lines = [f"{answer['compared']} resources redrawn, {len(answer['drift'])} differ", *answer["drift"]]
    show(answer, json=json, lines=lines)
    return PROBLEM if answer["drift"] else OK
