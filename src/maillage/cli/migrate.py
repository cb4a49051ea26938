"""`maillage migrate`: the database at the present schema."""

from __future__ import annotations

import asyncio
from pathlib import Path

from maillage.cli.output import OK, settings_for, show
from maillage.store.server import opened


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
