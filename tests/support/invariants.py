"""What must hold in the database whatever happened, asked as its owner (the checker's list: I3, I4, I8, I11, I13)."""

from __future__ import annotations

import asyncpg

from maillage.journeys import INVARIANTS


async def breaches(dsn: str) -> list[str]:
    """Every question that finds something, with how much."""
    conn = await asyncpg.connect(dsn)
    try:
        found = [(name, await conn.fetchval(f"SELECT count(*) FROM ({asked}) x")) for name, asked in INVARIANTS.items()]
    finally:
        await conn.close()
    return [f"{name}: {count}" for name, count in found if count]
