"""What its client does with a subscription: create, change, end (https://hl7.org/fhir/R4/subscription.html); and what an operator takes up again."""

from __future__ import annotations

from typing import Any

from maillage import access, record
from maillage.access.clients.queries import addresses_of
from maillage.codes.json import decode, encode
from maillage.kernel.errors import Conflict, NotAllowed, NotFound
from maillage.kernel.intake import Claim
from maillage.messaging.subscriptions import nde, queries, rules
from maillage.messaging.subscriptions.fhir import rendered
from maillage.messaging.subscriptions.types import MOST_LIVE, Wish
from maillage.store import Transaction

Resource = dict[str, Any]
KIND = "Subscription"


async def claims(_tx: Transaction, _resource: Resource) -> bool:
    """Every Subscription is ours to decide on."""
    return True


async def create(tx: Transaction, resource: Resource) -> tuple[str, str]:
    """A new subscription, requested until its endpoint has answered a handshake.

    Raises `NotAllowed` for anybody but software, or where the scopes do not grant what it follows; `Invalid` with every fault of its fields.
    """
    wish = await _wish(tx, resource)
    if await queries.count_live(tx, tx.actor.id) >= MOST_LIVE:
        raise Conflict("subscription-limit")
    status = _begins(wish)
    await tx.execute(
        """
        INSERT INTO subscription (id, client, created_at, owner_org, parties, status, due_at, resource, scopes, topic, focus_type, criteria,
            endpoint, destination, content, media, timeout, heartbeat, ends, starts)
        VALUES ($1, $2, $3, $4, $5, $6, $3, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        """,
        *(resource["id"], tx.actor.id, tx.now, tx.actor.organization, list(tx.actor.organizations), status),
        *(encode(resource).decode(), list(tx.actor.scopes), *_columns(wish)),
    )
    await _photograph(tx, resource["id"], "C", "create")
    return KIND, resource["id"]


async def change(tx: Transaction, before: record.Stored, resource: Resource, version: int | None) -> None:
    """Replace it: what is asked for is read again, and unless it is turned off the endpoint is asked again before anything else is sent.

    Raises `NotAllowed("not-the-owner")` for another client's.
    """
    await _own(tx, before.id)
    await record.expect_version(tx, KIND, before.id, version)
    wish = await _wish(tx, resource)
    status = _begins(wish)
    await tx.execute(
        """
        UPDATE subscription SET status = $2, due_at = $3, error = '', leased_until = NULL, fence = fence + 1, resource = $4, scopes = $5,
            topic = $6, focus_type = $7, criteria = $8, endpoint = $9, destination = $10, content = $11, media = $12, timeout = $13,
            heartbeat = $14, ends = $15, starts = $16
        WHERE id = $1
        """,
        *(before.id, status, tx.now, encode(resource).decode(), list(tx.actor.scopes), *_columns(wish)),
    )
    if wish.is_off:
        await withhold_all(tx, before.id)
    await _photograph(tx, before.id, "U", "update")


async def end(tx: Transaction, before: record.Stored, version: int | None) -> int:
    """Nothing more is sent; the version of the deletion."""
    await _own(tx, before.id)
    await record.expect_version(tx, KIND, before.id, version)
    await turn(tx, before.id, "off", "", draw=False)
    await withhold_all(tx, before.id)
    buried = await record.bury(tx, KIND, before.id)
    await record.audit(tx, "D", KIND, before.id)
    return buried


CLAIM = Claim(KIND, claims, create, update=change, delete=end)
"""The word of subscriptions on plain writes."""


def _columns(wish: Wish) -> tuple[Any, ...]:
    place = (wish.topic, wish.focus_type, [str(one) for one in wish.filters], wish.endpoint, wish.destination)
    return (*place, wish.content, wish.media, wish.timeout, wish.heartbeat, wish.ends, wish.starts)


def _begins(wish: Wish) -> str:
    """The French guide knows no handshake."""
    return "off" if wish.is_off else "active" if wish.topic == nde.ROOT else "requested"


async def _wish(tx: Transaction, resource: Resource) -> Wish:
    if tx.actor.kind != "client":
        raise NotAllowed("for-software-only")
    wish = rules.read(resource, await addresses_of(tx, tx.actor.id), tx.now)
    if not access.allows(tx.actor, wish.focus_type, "rs"):
        raise NotAllowed("scope")
    return wish


async def _own(tx: Transaction, id: str) -> None:
    if (await queries.locked(tx, id)).client != tx.actor.id:
        raise NotAllowed("not-the-owner")


async def drawn(tx: Transaction, id: str) -> Resource | None:
    """The resource as the row says it."""
    row = await tx.fetchrow("SELECT resource, status, error FROM subscription WHERE id = $1", id)
    return rendered(decode(row["resource"]), row["status"], row["error"]) if row else None


async def _photograph(tx: Transaction, id: str, action: str, verb: str) -> None:
    resource = await drawn(tx, id)
    row = await tx.fetchrow("SELECT owner_org, parties FROM subscription WHERE id = $1", id)
    if resource is None or row is None:
        raise NotFound(KIND, id)
    version = await record.photograph(tx, resource, owner=row["owner_org"], parties=list(row["parties"]))
    await record.audit(tx, action, KIND, id)
    await record.provenance(tx, verb, [(KIND, id, version)], owner=row["owner_org"], parties=list(row["parties"]))


async def turn(tx: Transaction, id: str, status: str, error: str, *, draw: bool = True) -> None:
    """Another status, and why; photographed unless the resource goes away."""
    await tx.execute(
        "UPDATE subscription SET status = $2, error = $3, due_at = $4, leased_until = NULL, fence = fence + 1 WHERE id = $1",
        *(id, status, error, tx.now),
    )
    if draw:
        await _photograph(tx, id, "U", f"subscription-{status}")


async def withhold_all(tx: Transaction, id: str) -> None:
    """What waits for a subscription that is off is never sent."""
    await tx.execute(
        "UPDATE subscription_delivery SET withheld_at = $2 WHERE subscription_id = $1 AND num_nonnulls(sent_at, dead_at, withheld_at) = 0",
        *(id, tx.now),
    )


async def resume(tx: Transaction, delivery: str) -> None:
    """Give a dead letter new tries: its subscription shakes hands again, then it is sent first, under the same id and number. Raises `NotFound`."""
    row = await tx.fetchrow(
        """
        UPDATE subscription_delivery SET dead_at = NULL, tries = 0, due_at = $2 WHERE id = $1 AND dead_at IS NOT NULL RETURNING subscription_id
        """,
        *(delivery, tx.now),
    )
    if row is None:
        raise NotFound
    await restart(tx, row["subscription_id"])


async def restart(tx: Transaction, id: str) -> None:
    """Ask the endpoint again, if errors stopped the subscription; one that its client ended stays off. Raises `NotFound`."""
    one = await queries.locked(tx, id)
    if one.status == "error":
        await turn(tx, id, "active" if one.topic == nde.ROOT else "requested", "")
