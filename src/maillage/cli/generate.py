"""`maillage generate`: the territory and invented patients."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter
from cyclopts.validators import Number

from maillage import demonstration
from maillage.cli.output import OK, settings_for, show
from maillage.settings import Settings
from maillage.store.server import opened

MOST: Final = 100_000
"""Invented people are loaded in one transaction: more is the work of the bench."""


def generate(
    *,
    patients: Annotated[int, Parameter(validator=Number(gte=0, lte=MOST))] = 200,
    seed: int = 2026,
    data: Path | None = None,
    json: bool = False,
) -> int:
    """Load the territory and invented patients: the same seed gives the same data.

    Example: maillage generate --patients 200 --seed 2026 --data ./data
    """

    async def work(settings: Settings) -> dict[str, Any]:
        async with opened(settings) as database:
            return await demonstration.load(database, patients=patients, seed=seed)

    answer = asyncio.run(work(settings_for(data)))
    show(answer, json=json, lines=[f"{key}: {value}" for key, value in answer.items()])
    return OK
