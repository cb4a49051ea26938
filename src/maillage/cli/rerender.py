"""`maillage rerender`: every row drawn again and compared with its last photograph."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from maillage import journeys
from maillage.cli.output import OK, PROBLEM, settings_for, show
from maillage.settings import Settings
from maillage.store.server import opened


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
