"""Row locks, always taken in the same order."""

from __future__ import annotations

import re
from collections.abc import Iterable

from maillage.store.transaction import Transaction

_TABLE = re.compile(r"[a-z_][a-z0-9_]*\Z")


async def lock_rows(tx: Transaction, table: str, ids: Iterable[str]) -> list[str]:
    """Lock the rows of `table` with these ids until the end of the transaction, in sorted order; give the ids found."""
    if not _TABLE.match(table):
        raise ValueError(f"not a table: {table!r}")
    rows = await tx.fetch(f'SELECT id FROM "{table}" WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE', sorted(set(ids)))
    return [row["id"] for row in rows]
