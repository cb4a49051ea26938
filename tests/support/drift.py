"""Rows that say something else than their last photograph: looked for after every test that had a database."""

from __future__ import annotations

from tests.support.postgres import CLUSTERS, owner

from maillage import record
from maillage.codes.json import decode, encode
from maillage.journeys.drift import RENDERERS
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import Clock
from maillage.store import Database

LATEST = 30
"""How many of the last photographs of each type are redrawn: `maillage rerender` does them all, a test must stay quick."""

_PHOTOGRAPHS = """
SELECT res_type, id, content FROM (
    SELECT h.res_type, h.id, v.content, row_number() OVER (PARTITION BY h.res_type ORDER BY h.at DESC, h.id) AS rank
    FROM resource_head h JOIN resource_version v USING (res_type, id, version)
    WHERE h.res_type = ANY ($1::text[]) AND NOT h.deleted) latest
WHERE rank <= $2 ORDER BY res_type, id
"""


async def drifting(dsn: str, clock: Clock) -> list[str]:
    """`Type/id` of each resource that its row draws otherwise; none where there is no record."""
    return await CLUSTERS[-1].keeper.run(owner(dsn), _compare, clock)  # the owner sees everything without a wall to be planned around


async def _compare(db: Database) -> list[str]:
    async with db.transaction(SYSTEM, timeout=60) as tx:
        if await tx.fetchval("SELECT to_regclass('resource_head')") is None:
            return []
        found = []
        for row in await tx.fetch(_PHOTOGRAPHS, list(RENDERERS), LATEST):
            drawn = await RENDERERS[row["res_type"]](tx, row["id"])
            if drawn is not None and record.comparable(decode(encode(drawn))) != record.comparable(decode(row["content"])):
                found.append(f"{row['res_type']}/{row['id']}")
        return found
