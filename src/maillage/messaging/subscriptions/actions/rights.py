"""What a subscriber may be told now: asked again each time, never remembered."""

from __future__ import annotations

from maillage import access, record
from maillage.access.clients import authorisation
from maillage.access.clients.queries import CLIENT_ROLES, PROVED, addresses_of, client_named
from maillage.kernel.actor import Actor
from maillage.messaging.subscriptions import rules
from maillage.messaging.subscriptions.types import Subscription
from maillage.store import Transaction


async def standing(tx: Transaction, one: Subscription) -> Actor | str:
    """For whom the subscription stands now, or why it stands for nobody any more: each reason turns it off."""
    client = await client_named(tx, one.client)
    if client is None:
        return "client-disabled"
    if not rules.is_listed(one.endpoint, await addresses_of(tx, one.client)):
        return "endpoint-not-listed"
    organizations = tuple(place for place in one.parties if place in client.organizations)
    if not organizations:
        return "organization-lost"
    left: tuple[str, ...] | None = one.scopes
    if client.scopes:
        left = authorisation.left(" ".join(one.scopes), client.scopes, ("system", "user"))
    actor = Actor("client", one.client, organizations, CLIENT_ROLES, None, left or (), one.client, PROVED, client=one.client)
    return actor if left and access.allows(actor, one.focus_type, "rs") else "scope"


async def sees(tx: Transaction, actor: Actor, kind: str, id: str) -> bool:
    """Whether the subscriber may know of a resource now: links, opposition, labels, scopes, and the second wall; a deleted one as before."""
    theirs = tx.acting_as(actor)
    return await record.standing(theirs, kind, id, access.visible_to(actor, kind, tx.now)) is not None
