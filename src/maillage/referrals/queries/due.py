"""What time does to Tasks: those whose deadline, offer or place is now. The scheduler asks, for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maillage.store import Transaction

Row = Any


async def running_tasks(tx: Transaction, limit: int) -> Sequence[Row]:
    """Tasks whose deadline has reached its next step, the longest ago first."""
    return await tx.fetch(
        "SELECT id, request_id FROM referral_task WHERE ladder_at <= $1 ORDER BY ladder_at, number LIMIT $2", tx.now, limit
    )


async def expired_offers(tx: Transaction) -> list[str]:
    """Tasks whose offer was not answered in time: the journey expires them together with the held slot. Where that is at a peer, its clock says so."""
    rows = await tx.fetch(
        "SELECT id FROM referral_task WHERE state = 'offered' AND due_at <= $1 AND peer_side IS DISTINCT FROM 'performer' ORDER BY due_at, number",
        tx.now,
    )
    return [row["id"] for row in rows]


async def parked_now(tx: Transaction) -> list[str]:
    """Tasks that wait for a place since the instant of this transaction."""
    rows = await tx.fetch("SELECT id FROM referral_task WHERE state = 'waiting-capacity' AND entered_at = $1 ORDER BY number", tx.now)
    return [row["id"] for row in rows]
