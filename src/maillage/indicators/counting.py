"""What is counted over the whole territory: by the worker every few minutes, and by the page itself where nobody has counted lately."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from maillage import directory
from maillage.store import Transaction

VERSION: Final = "2026-1"
WINDOW: Final = timedelta(days=182)
LASTS: Final = timedelta(minutes=30)
"""Figures over half a year do not change in half an hour; older ones are counted again before they are shown."""
PATIENCE: Final = 60.0
"""Seconds that one definition may take."""

_ARGUMENTS: Final = {
    **dict.fromkeys(("appointment_wait", "decision_wait"), ("services", "start", "now")),
    **dict.fromkeys(("open_requests", "undecided_requests"), ("services", "now")),
    **dict.fromkeys(("capacity_ledger", "pairs", "attendance"), ("start", "now")),
    "standing": ("now",),
}
"""Each definition of a whole territory, and what it is asked with."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The lines of some definitions, at one instant."""

    at: datetime
    lines: Mapping[str, Sequence[Mapping[str, Any]]]


async def keep(tx: Transaction) -> None:
    """Count everything and keep it: the worker's turn."""
    lines = await _count(tx, _ARGUMENTS)
    await tx.executemany(
        """
        INSERT INTO indicator_count (name, version, at, content) VALUES ($1, $2, $3, $4)
        ON CONFLICT (name) DO UPDATE SET version = excluded.version, at = excluded.at, content = excluded.content
        """,
        [(name, VERSION, tx.now, json.dumps(found, default=float)) for name, found in lines.items()],
    )


async def counted(tx: Transaction, *names: str) -> Counted:
    """These figures as they were kept lately, else as they are now; once in a transaction."""
    found: Counted = await tx.recall(("indicator-counts", names), lambda: _load(tx, names))
    return found


async def _load(tx: Transaction, names: tuple[str, ...]) -> Counted:
    rows = await tx.beyond().fetch(
        "SELECT name, at, content FROM indicator_count WHERE name = ANY ($1) AND version = $2 AND at > $3 AND at <= $4 ORDER BY name",
        *(list(names), VERSION, tx.now - LASTS, tx.now),
    )
    if len(rows) < len(names):
        return Counted(tx.now, await _count(tx, names))
    return Counted(min(row["at"] for row in rows), {row["name"]: json.loads(row["content"]) for row in rows})


async def _count(tx: Transaction, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    services = sorted(service.id for service in await directory.services(tx, closed=True))
    given = {"services": services, "start": tx.now - WINDOW, "now": tx.now}
    async with tx.counting(PATIENCE) as counting:  # whole services, whoever's patients they are; no row leaves
        return {
            name: [dict(row) for row in await counting.fetch(read_sql(name), *(given[argument] for argument in _ARGUMENTS[name]))]
            for name in names
        }


@cache
def read_sql(name: str) -> str:
    """One named definition."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
