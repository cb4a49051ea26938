"""What is known of peers."""

from __future__ import annotations

from typing import Any

from maillage.access.peers.types import Peer
from maillage.store import Transaction

_PEERS = """
SELECT p.client, p.address, p.known_as, c.organizations, p.due_at, p.failures, p.error, p.answered_at, p.fence
FROM peer p JOIN api_client c ON c.name = p.client
"""


def read(row: Any) -> Peer:
    """A peer from its row."""
    return Peer(**{**dict(row), "organizations": tuple(row["organizations"])})


async def find(tx: Transaction, client: str) -> Peer | None:
    """One peer that is not disabled, locked for who tells it something; None when there is none of that name."""
    row = await tx.fetchrow(f"{_PEERS} WHERE p.client = $1 AND NOT c.disabled FOR UPDATE OF p", client)
    return read(row) if row else None


async def is_peer(tx: Transaction) -> bool:
    """Whether who acts is another installation."""
    return tx.actor.kind == "client" and bool(await tx.fetchval("SELECT EXISTS (SELECT 1 FROM peer WHERE client = $1)", tx.actor.id))
