"""Which peer has something to be told, and what is next."""

from __future__ import annotations

from typing import Any, Final

from maillage.store import Transaction

Row = Any

LEASE: Final = """
UPDATE peer SET leased_until = $1 + $2::interval, fence = fence + 1 WHERE client IN (
    SELECT p.client FROM peer p JOIN api_client c ON c.name = p.client
    WHERE NOT c.disabled AND p.due_at <= $1 AND (p.leased_until IS NULL OR p.leased_until <= $1) AND EXISTS (
        SELECT 1 FROM referral_step s JOIN referral_task t ON t.id = s.task_id
        WHERE s.told_at IS NULL AND s.refused_at IS NULL AND t.peer = p.client)
    ORDER BY p.client FOR UPDATE OF p SKIP LOCKED)
RETURNING client, fence
"""
"""A peer is told by one worker at a time: the steps of a Task arrive in their order."""

_NEXT: Final = """
SELECT s.*, t.peer_side, t.request_id, t.patient_id, t.owner_org, t.requester_org, t.service_id
FROM referral_step s JOIN referral_task t ON t.id = s.task_id
WHERE t.peer = $1 AND s.told_at IS NULL AND s.refused_at IS NULL ORDER BY s.at, s.task_id, s.seq LIMIT 1
"""


async def next_step(tx: Transaction, peer: str) -> Row | None:
    """The oldest step that the peer was not told yet."""
    return await tx.fetchrow(_NEXT, peer)


async def services_at(tx: Transaction, request_id: str, peer: str) -> list[str]:
    """The services of a request that work at the peer."""
    rows = await tx.fetch(
        "SELECT DISTINCT service_id FROM referral_task WHERE request_id = $1 AND peer = $2 AND peer_side = 'performer' ORDER BY service_id",
        *(request_id, peer),
    )
    return [row["service_id"] for row in rows]


_STANDING: Final = """
SELECT p.client, p.address, p.error, p.answered_at, count(DISTINCT t.id) AS shared,
    count(s.seq) FILTER (WHERE s.told_at IS NULL AND s.refused_at IS NULL) AS waiting,
    min(s.at) FILTER (WHERE s.told_at IS NULL AND s.refused_at IS NULL) AS since, count(s.refused_at) AS refused
FROM peer p LEFT JOIN referral_task t ON t.peer = p.client AND {whose} LEFT JOIN referral_step s ON s.task_id = t.id
GROUP BY p.client
"""


async def waiting(tx: Transaction) -> list[Row]:
    """For each peer how many steps wait, since when the oldest, and how many were refused."""
    return await tx.fetch(f"{_STANDING.format(whose='true')} ORDER BY p.client")


async def standing(tx: Transaction, organization: str) -> list[Row]:
    """The same for what one organisation shares; peers with which it shares nothing are not its business."""
    return await tx.fetch(
        f"{_STANDING.format(whose='$1 IN (t.owner_org, t.requester_org)')} HAVING count(t.id) > 0 ORDER BY p.client", organization
    )
