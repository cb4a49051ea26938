"""The live links of somebody."""

from __future__ import annotations

from maillage.access.feeds.types import Feed
from maillage.store import Transaction


async def feeds_of(tx: Transaction, login: str) -> list[Feed]:
    """The live links of somebody, the newest first."""
    rows = await tx.fetch("SELECT * FROM calendar_feed WHERE login = $1 AND ends_at > $2 ORDER BY made_at DESC, id", login, tx.now)
    return [Feed(row["id"], row["role_id"], row["site_id"], row["made_at"], row["ends_at"], row["read_at"]) for row in rows]
