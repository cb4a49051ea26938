"""The monthly parts of the audit trail, made ahead of time."""

from __future__ import annotations

from datetime import datetime

from maillage.store import Transaction

MONTHS_AHEAD = 3


async def make_parts(tx: Transaction, now: datetime, months: int = MONTHS_AHEAD) -> list[str]:
    """Make the parts of this month and the next ones; answers those that cannot be made, because rows of theirs lie in the rest."""
    rows = await tx.fetch("SELECT part FROM audit_partitions($1, $2) AS part ORDER BY part", now, months)
    return [row["part"] for row in rows]


async def stray_rows(tx: Transaction) -> int:
    """How many rows lie in the rest because their month had no part, at most a thousand: nothing is lost, somebody should look.

    What is older than the first part was taken over from before (a demonstration plays its past), and is where it belongs.
    """
    return int((await tx.peek(_STRAY))[0][0])


_STRAY = r"""
SELECT count(*) FROM (SELECT FROM audit_event_rest r WHERE r.at >= (
    SELECT to_timestamp(right(min(c.relname::text), 7), 'YYYY_MM') FROM pg_class c WHERE c.relname ~ '^audit_event_[0-9]{4}_[0-9]{2}$') LIMIT 1000) AS x
"""
