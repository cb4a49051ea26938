"""Keep a message, once; find the one that came before."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from maillage.codes.json import decode, encode_text
from maillage.kernel.errors import Conflict
from maillage.messaging.incoming.types import Outcome, Told
from maillage.store import Transaction, register

register("partner_message_once", lambda: Conflict("message-id-reused"))


async def already(tx: Transaction, message_id: str, digest: bytes) -> Told | None:
    """The same message of this sender, when it came before; two that come at once wait for each other.

    Raises `Conflict("message-id-reused")` for another content under the same number.
    """
    name = f"message {tx.actor.organization} {tx.actor.id} {message_id}"
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)
    row = await tx.fetchrow(
        "SELECT * FROM partner_message WHERE owner_org = $1 AND sender = $2 AND message_id = $3",
        *(tx.actor.organization, tx.actor.id, message_id),
    )
    if row is not None and bytes(row["digest"]) != digest:
        raise Conflict("message-id-reused")
    return _told(row) if row else None


async def keep(tx: Transaction, told: Told, *, digest: bytes, content: str, patient: str | None) -> None:
    """Keep a message whole, with what became of it."""
    await tx.execute(
        """
        INSERT INTO partner_message (id, sender, message_id, digest, event, received_at, verdict, outcomes, content, patient_id, owner_org)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        *(told.id, told.sender, told.message_id, digest, told.event, told.received_at, told.verdict),
        *(encode_text([list(astuple(one)) for one in told.outcomes]), content, patient, tx.actor.organization),
    )


async def last_of(tx: Transaction, sender: str, limit: int = 20) -> list[Told]:
    """The last messages of a sender to the organisations of who asks, without their content."""
    rows = await tx.fetch(
        """
        SELECT id, sender, message_id, event, received_at, outcomes FROM partner_message WHERE sender = $1 AND owner_org = ANY ($2::text[])
        ORDER BY received_at DESC, id LIMIT $3
        """,
        *(sender, list(tx.actor.organizations), limit),
    )
    return [_told(row) for row in rows]


def _told(row: Any) -> Told:
    outcomes = tuple(Outcome(*one) for one in decode(row["outcomes"]))
    return Told(row["id"], row["sender"], row["message_id"], row["event"], row["received_at"], outcomes)
