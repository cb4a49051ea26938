"""From an event to those who follow it: one row for each subscription that may know of it, numbered, in the transaction that ends the message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from maillage.codes.json import decode
from maillage.kernel.ids import new_id
from maillage.messaging.subscriptions import queries, rules
from maillage.messaging.subscriptions.actions import rights
from maillage.messaging.subscriptions.topics import BY_TYPE, matches
from maillage.messaging.subscriptions.types import Subscription
from maillage.store import Transaction, outbox

TOPIC: Final = "subscription-event"


async def fan_out(tx: Transaction, payload: dict[str, Any]) -> None:
    """Outbox handler: number the event for each subscriber who may know of it. Those who may not have no gap in their numbers."""
    kind, id, version = payload["type"], payload["id"], payload["version"]
    found = await queries.event(tx, kind, id, version)
    if found is None:
        return
    content = decode(found["content"])
    for one in await queries.followers(tx, kind):
        if matches(BY_TYPE[kind], rules.filters_of(one.criteria), content):
            actor = await rights.standing(tx, one)
            if not isinstance(actor, str) and await rights.sees(tx, actor, kind, id):
                await _number(tx, one, (kind, id, version), found)


async def _number(tx: Transaction, one: Subscription, focus: tuple[str, str, int], found: Any) -> None:
    """Once, however often the message comes; and only what happened since the subscription began."""
    act = "delete" if found["deleted"] else "create" if focus[2] == 1 else "update"
    await tx.execute(
        """
        WITH counted AS (
            UPDATE subscription SET events = events + 1
            WHERE id = $1 AND status <> 'off' AND date_trunc('milliseconds', created_at) <= $7 AND NOT EXISTS (SELECT FROM subscription_delivery d
                WHERE d.subscription_id = $1 AND d.res_type = $3 AND d.res_id = $4 AND d.version = $5)
            RETURNING id, events, owner_org, parties)
        INSERT INTO subscription_delivery
            (id, subscription_id, number, res_type, res_id, version, act, at, due_at, patient_id, owner_org, parties)
        SELECT $2, c.id, c.events, $3, $4, $5, $6, $7, $8, $9, c.owner_org, c.parties FROM counted c
        """,
        *(one.id, new_id(), *focus, act, found["at"], tx.now, found["patient_id"]),
    )


HANDLERS: Mapping[str, outbox.Handler] = {TOPIC: fan_out}
"""What the worker does with the topic."""
