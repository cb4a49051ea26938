"""A peer is agreed on by two operators: each registers the other's installation with its public key and its address."""

from __future__ import annotations

from maillage.access.clients.actions import register_client
from maillage.access.clients.types import Client
from maillage.kernel.errors import Conflict, NotFound
from maillage.store import Transaction


async def add_peer(tx: Transaction, client: Client, address: str, known_as: str) -> None:
    """Register another installation, which speaks for the people of the client's organisations; requests between them and ours are shared from now on.

    Raises `Conflict` (organization-elsewhere) when another peer speaks for one of them, and what registering a client raises.
    """
    await tx.execute("LOCK TABLE peer IN SHARE ROW EXCLUSIVE MODE")
    taken = await tx.fetchval(
        "SELECT p.client FROM peer p JOIN api_client c ON c.name = p.client WHERE c.organizations && $1::text[] ORDER BY p.client LIMIT 1",
        list(client.organizations),
    )
    if taken is not None:
        raise Conflict("organization-elsewhere", peer=taken)
    await register_client(tx, client)
    await tx.execute(
        "INSERT INTO peer (client, address, known_as, created_at, due_at) VALUES ($1, $2, $3, $4, $4)",
        *(client.name, address.rstrip("/"), known_as, tx.now),
    )


async def move_peer(tx: Transaction, client: str, address: str) -> None:
    """The installation answers at another address; what waits is tried there at once. Raises `NotFound`."""
    moved = await tx.execute(
        "UPDATE peer SET address = $2, due_at = $3, failures = 0, error = '' WHERE client = $1", client, address.rstrip("/"), tx.now
    )
    if moved != "UPDATE 1":
        raise NotFound("peer", client)
