"""Reading subscriptions and what they were told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maillage.kernel.errors import NotFound
from maillage.messaging.subscriptions.types import Subscription, Told
from maillage.record import Visible
from maillage.store import Transaction
from maillage.store.sql import Params

COLUMNS = """id, client, topic, focus_type, criteria, endpoint, destination, content, media, timeout, heartbeat, ends, scopes, parties,
    status, error, events, fence"""
_LISTS = ("criteria", "scopes", "parties")


def subscription(row: Any) -> Subscription:
    """A row as it is spoken of."""
    values: dict[str, Any] = {name: tuple(value) if name in _LISTS else value for name, value in row.items()}
    return Subscription(**values)


async def live(tx: Transaction, id: str) -> Subscription:
    """A subscription that the actor's organisations have. Raises `NotFound`."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM subscription WHERE id = $1", id)
    if row is None:
        raise NotFound("Subscription", id)
    return subscription(row)


async def asked(tx: Transaction, id: str) -> str:
    """The resource as its client wrote it."""
    return str(await tx.fetchval("SELECT resource FROM subscription WHERE id = $1", id))


async def locked(tx: Transaction, id: str) -> Subscription:
    """The same, locked for this transaction."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM subscription WHERE id = $1 FOR UPDATE", id)
    if row is None:
        raise NotFound("Subscription", id)
    return subscription(row)


async def many(tx: Transaction, ids: Sequence[str]) -> list[Subscription]:
    """Those of the ids that the actor's organisations have, in the order of their ids."""
    return [subscription(row) for row in await tx.fetch(f"SELECT {COLUMNS} FROM subscription WHERE id = ANY ($1) ORDER BY id", list(ids))]


async def count_live(tx: Transaction, client: str) -> int:
    """How many subscriptions of a client are not off."""
    return int(await tx.fetchval("SELECT count(*) FROM subscription WHERE client = $1 AND status <> 'off'", client))


async def followers(tx: Transaction, focus_type: str) -> list[Subscription]:
    """Every subscription that follows a type, in the order of their ids: the order in which they are locked, too."""
    rows = await tx.fetch(
        f"""
        SELECT {COLUMNS} FROM subscription WHERE focus_type = $1 AND status <> 'off' AND (ends IS NULL OR ends > $2) AND (starts IS NULL OR starts <= $2)
        ORDER BY id
        """,
        focus_type,
        tx.now,
    )
    return [subscription(row) for row in rows]


async def event(tx: Transaction, kind: str, id: str, version: int) -> Any | None:
    """The version that an event is about; of a deletion, with the content that was there before."""
    return await tx.fetchrow(
        """
        SELECT v.at, v.deleted, v.patient_id, CASE WHEN v.deleted THEN b.content ELSE v.content END AS content
        FROM resource_version v LEFT JOIN resource_version b ON b.res_type = v.res_type AND b.id = v.id AND b.version = v.version - 1
        WHERE v.res_type = $1 AND v.id = $2 AND v.version = $3
        """,
        *(kind, id, version),
    )


async def events_of(tx: Transaction, one: Subscription, visible: Visible, low: int, high: int, most: int) -> list[tuple[Told, str | None]]:
    """What a subscription was told or will be, by number, cut to what the caller may see now; with the patient of each, for the audit."""
    params = Params([one.id, low, high, most])
    rows = await tx.fetch(
        f"""
        SELECT d.number, d.at, d.res_type, d.res_id, d.act, d.patient_id FROM subscription_delivery d
        JOIN resource_head h ON h.res_type = d.res_type AND h.id = d.res_id
        WHERE d.subscription_id = $1 AND d.number BETWEEN $2 AND $3 AND d.withheld_at IS NULL AND {visible.sql("h", params)}
        ORDER BY d.number LIMIT $4
        """,
        *params,
    )
    return [(Told(row["number"], row["at"], row["res_type"], row["res_id"], row["act"]), row["patient_id"]) for row in rows]


# --- the partner's page -----------------------------------------------------------------
async def partner_lines(tx: Transaction, clients: Sequence[str]) -> Sequence[Any]:
    """How the subscriptions of clients stand, with how many events wait and how many are dead letters."""
    return await tx.fetch(
        """
        SELECT s.id, s.client, s.topic, s.focus_type, s.endpoint, s.destination, s.status, s.error, s.events, s.ends, s.answered_at, s.failed_at, s.created_at,
            (SELECT count(*) FROM subscription_delivery d WHERE d.subscription_id = s.id AND num_nonnulls(d.sent_at, d.dead_at, d.withheld_at) = 0) AS waiting,
            (SELECT count(*) FROM subscription_delivery d WHERE d.subscription_id = s.id AND d.dead_at IS NOT NULL) AS dead
        FROM subscription s WHERE s.client = ANY ($1) ORDER BY s.client, s.created_at, s.id
        """,
        list(clients),
    )


async def exchanges(tx: Transaction, client: str, most: int = 20) -> Sequence[Any]:
    """The last events that were sent, tried or set aside for a client: numbers and instants, nothing of what they are about."""
    return await tx.fetch(
        """
        SELECT d.id, d.number, d.res_type, d.at, d.tried_at, d.sent_at, d.dead_at, d.tries, d.error, s.destination
        FROM subscription_delivery d JOIN subscription s ON s.id = d.subscription_id
        WHERE s.client = $1 AND d.tried_at IS NOT NULL ORDER BY d.tried_at DESC, d.id LIMIT $2
        """,
        *(client, most),
    )


async def dead_letters(tx: Transaction, client: str, most: int = 100) -> Sequence[Any]:
    """What was set aside for a client until somebody decides, the oldest first."""
    return await tx.fetch(
        """
        SELECT d.id, d.number, d.res_type, d.at, d.dead_at, d.tries, d.error, s.id AS subscription_id, s.destination
        FROM subscription_delivery d JOIN subscription s ON s.id = d.subscription_id
        WHERE s.client = $1 AND d.dead_at IS NOT NULL ORDER BY d.dead_at, d.id LIMIT $2
        """,
        *(client, most),
    )


async def undelivered(tx: Transaction) -> Sequence[Any]:
    """How many dead letters each client has, and why: for the operator."""
    return await tx.fetch(
        """
        SELECT s.client, d.error, count(*) AS events FROM subscription_delivery d JOIN subscription s ON s.id = d.subscription_id
        WHERE d.dead_at IS NOT NULL GROUP BY s.client, d.error ORDER BY s.client, d.error
        """
    )
