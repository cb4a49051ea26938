"""One effect for one Idempotency-Key, however often it is sent.

The key is locked for the time of its transaction and kept with the answer by the same commit: there is no half-done state to clean up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from maillage.kernel.errors import Conflict, Invalid
from maillage.store.transaction import Transaction

KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer that was given the first time. The door checks visibility again before showing it."""

    status: int
    headers: dict[str, str]
    body: bytes


async def begin(tx: Transaction, client: str, user: str, organization: str, key: str, request_hash: str) -> Stored | None:
    """The stored answer, or None when this is the first time; `request_hash` tells a retry from another request.

    Still running elsewhere: `Conflict("idempotency-key-in-use")`. Same key with another request: `Invalid` `idempotency-key-reused`.
    """
    name = "\x1f".join((client, user, organization, key))
    if not await tx.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", name):
        raise Conflict("idempotency-key-in-use", retry_after=1)
    row = await tx.fetchrow(
        "SELECT request_hash, status, headers, body FROM idempotency"
        " WHERE client = $1 AND user_id = $2 AND organization = $3 AND key = $4 AND created_at > $5",
        *(client, user, organization, key, tx.now - KEPT),
    )
    if row is None:
        return None
    if row["request_hash"] != request_hash:
        raise Invalid.one("idempotency-key-reused", details="This Idempotency-Key was used for another request.")
    return Stored(row["status"], msgspec.json.decode(row["headers"], type=dict[str, str]), row["body"])


async def finish(
    tx: Transaction,
    client: str,
    user: str,
    organization: str,
    key: str,
    request_hash: str,
    status: int,
    headers: dict[str, str],
    body: bytes,
) -> None:
    """Keep the answer, in the transaction that holds the effect."""
    await tx.execute(
        "INSERT INTO idempotency (client, user_id, organization, key, request_hash, status, headers, body, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT ON CONSTRAINT idempotency_pkey DO UPDATE SET request_hash = excluded.request_hash, status = excluded.status,"
        " headers = excluded.headers, body = excluded.body, created_at = excluded.created_at WHERE idempotency.created_at <= $10",
        *(client, user, organization, key, request_hash, status, msgspec.json.encode(headers).decode(), body, tx.now, tx.now - KEPT),
    )


async def purge(tx: Transaction, before: datetime | None = None) -> int:
    """Forget answers older than thirty days."""
    return int((await tx.execute("DELETE FROM idempotency WHERE created_at <= $1", before or tx.now - KEPT)).split()[-1])
