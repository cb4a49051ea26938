"""A turn of a worker: take subscriptions that have something due, prepare one notice each, say how it ended. No network here.

A subscription is held by one worker at a time, so that its events leave in the order of their numbers; an event that fails keeps those behind it waiting.
A try is counted before it is made; what was held by a worker that died comes back when its lease ends, with the same id.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from maillage import record
from maillage.access.clients.queries import signing_of
from maillage.codes.json import decode
from maillage.kernel.actor import SYSTEM, Actor
from maillage.messaging.subscriptions import nde, queries, rules
from maillage.messaging.subscriptions.actions import rights, writing
from maillage.messaging.subscriptions.fhir import notification
from maillage.messaging.subscriptions.types import EVENT, HANDSHAKE, HEARTBEAT, LEASE, TRIES, Notice, Subscription, Told
from maillage.store import Database, Transaction

log = logging.getLogger(__name__)

_LEASE = """
WITH due AS (
    SELECT id, destination, at, row_number() OVER (PARTITION BY destination ORDER BY at, id) AS place FROM (
        SELECT s.id, s.destination, CASE WHEN s.status = 'requested' THEN s.due_at ELSE least(s.ends, CASE WHEN s.heartbeat IS NULL THEN NULL ELSE s.due_at END,
            (SELECT d.due_at FROM subscription_delivery d WHERE d.subscription_id = s.id AND d.sent_at IS NULL AND d.dead_at IS NULL
                AND d.withheld_at IS NULL ORDER BY d.number LIMIT 1)) END AS at
        FROM subscription s WHERE s.status IN ('requested', 'active') AND (s.leased_until IS NULL OR s.leased_until <= $1)
            AND s.destination <> ALL ($3)) waiting
    WHERE at <= $1),
taken AS MATERIALIZED (
    SELECT l.id FROM subscription l JOIN due ON due.id = l.id WHERE due.place = 1 AND (l.leased_until IS NULL OR l.leased_until <= $1)
    ORDER BY due.at, l.id LIMIT $4 FOR UPDATE OF l SKIP LOCKED)
UPDATE subscription SET leased_until = $1 + $2::interval, fence = fence + 1 WHERE id IN (SELECT id FROM taken)
RETURNING id, fence, destination
"""
"""One for each destination in a round: none can take every place."""

_HEAD = """
SELECT * FROM subscription_delivery WHERE subscription_id = $1 AND sent_at IS NULL AND dead_at IS NULL AND withheld_at IS NULL
ORDER BY number LIMIT 1 FOR UPDATE
"""


async def lease(db: Database, closed: Sequence[str], most: int) -> list[tuple[str, int, str]]:
    """Take up to `most` subscriptions that have something due, none towards a `closed` destination: id, fencing number, destination."""
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch(_LEASE, tx.now, LEASE, list(closed), most)
    return sorted((row["id"], row["fence"], row["destination"]) for row in rows)


async def prepare(db: Database, id: str, fence: int, base: str) -> Notice | None:
    """What is to be sent for a subscription that was taken, audited before it leaves; None when there is nothing, or nobody to tell any more."""
    async with db.transaction(SYSTEM) as tx:
        one = await queries.locked(tx, id)
        if one.fence != fence:
            return None
        if one.ends is not None and one.ends <= tx.now:
            await _off(tx, one, "")
            return None
        actor = await rights.standing(tx, one)
        if isinstance(actor, str):
            await _off(tx, one, actor)
            return None
        if one.status == "requested":
            return await _notice(tx, one, base, HANDSHAKE, f"{one.id}.handshake.{fence}")
        found = await _event(tx, one, actor, base)
        if found is None and await _beats(tx, one):
            found = await _notice(tx, one, base, HEARTBEAT, f"{one.id}.heartbeat.{fence}")
        if found is None:
            await _give_back(tx, one.id)
        return found


async def _off(tx: Transaction, one: Subscription, error: str) -> None:
    """The subscription ended, or its client lost the right: nothing that waits is sent."""
    if error:
        log.warning("subscription-off %s %s %s", one.id, one.client, error, extra={"code": "subscription-off"})
    await writing.withhold_all(tx, one.id)
    await writing.turn(tx, one.id, "off", error)


async def _beats(tx: Transaction, one: Subscription) -> bool:
    """Whether a heartbeat is due; none of what was just stopped."""
    return bool(
        await tx.fetchval(
            "SELECT heartbeat IS NOT NULL AND due_at <= $2 AND status = 'active' FROM subscription WHERE id = $1", one.id, tx.now
        )
    )


async def _give_back(tx: Transaction, id: str) -> None:
    await tx.execute("UPDATE subscription SET leased_until = NULL WHERE id = $1", id)


async def _event(tx: Transaction, one: Subscription, actor: Actor, base: str) -> Notice | None:
    """The first event that waits and that the subscriber may still know of; those before it that it may not are withheld."""
    while True:
        row = await tx.fetchrow(_HEAD, one.id)
        if row is None or row["due_at"] > tx.now:
            return None
        if row["tries"] >= TRIES:  # every try took its worker with it
            await _dead(tx, one, row["id"], "worker-died")
            return None
        if await rights.sees(tx, actor, row["res_type"], row["res_id"]):
            break
        await tx.execute("UPDATE subscription_delivery SET withheld_at = $2 WHERE id = $1", row["id"], tx.now)
    await tx.execute("UPDATE subscription_delivery SET tries = tries + 1, tried_at = $2 WHERE id = $1", row["id"], tx.now)
    told = Told(row["number"], row["at"], row["res_type"], row["res_id"], row["act"])
    await record.audit(tx.acting_as(actor), "R", told.kind, told.id, patient=row["patient_id"], verb="notify")
    return await _notice(tx, one, base, EVENT, row["id"], row["tries"] + 1, told)


async def _notice(tx: Transaction, one: Subscription, base: str, kind: str, id: str, tries: int = 1, *events: Told) -> Notice:
    """Everything that the sending needs; the secrets are still sealed."""
    counted = replace(one, events=max((event.number for event in events), default=one.events))
    if one.topic == nde.ROOT:
        body = nde.order(decode(await queries.asked(tx, one.id)), events[0], base, tx.now)
    else:
        body = notification(counted, base, tx.now, kind, events)
    secrets = await signing_of(tx, one.client)
    return Notice(one.id, one.fence, kind, id, tries, one.client, one.endpoint, one.destination, one.timeout, one.media, body, secrets)


async def ended_well(db: Database, notice: Notice) -> None:
    """The receiver said that it has it."""
    async with db.transaction(SYSTEM) as tx:
        one = await _ours(tx, notice)
        if one is None:
            return
        if notice.kind == EVENT:
            await tx.execute("UPDATE subscription_delivery SET sent_at = $2, error = '' WHERE id = $1", notice.id, tx.now)
        if notice.kind == HANDSHAKE:
            await writing.turn(tx, one.id, "active", "")
        beat = tx.now + timedelta(seconds=one.heartbeat) if one.heartbeat else None
        await tx.execute("UPDATE subscription SET answered_at = $2, due_at = $3, leased_until = NULL WHERE id = $1", one.id, tx.now, beat)


async def failed(db: Database, notice: Notice, error: str) -> None:
    """It did not: an event is tried again later, then set aside; a handshake is an error at once, as the guide says; `gone` (410) ends it."""
    log.warning("subscription-failed %s %s %s", notice.subscription, notice.id, error, extra={"code": "subscription-failed"})
    async with db.transaction(SYSTEM) as tx:
        one = await _ours(tx, notice)
        if one is None:
            return
        await tx.execute("UPDATE subscription SET failed_at = $2, leased_until = NULL WHERE id = $1", one.id, tx.now)
        if error == "gone":
            await _off(tx, one, error)
        elif notice.kind == HANDSHAKE:
            await writing.turn(tx, one.id, "error", error)
        elif notice.kind == HEARTBEAT:
            await tx.execute("UPDATE subscription SET due_at = $2 WHERE id = $1", one.id, tx.now + timedelta(seconds=one.heartbeat or 60))
        elif notice.tries >= TRIES:
            await _dead(tx, one, notice.id, error)
        else:
            again = tx.now + timedelta(seconds=rules.delay(notice.tries))
            await tx.execute("UPDATE subscription_delivery SET due_at = $2, error = $3 WHERE id = $1", notice.id, again, error)


async def _ours(tx: Transaction, notice: Notice) -> Subscription | None:
    """The subscription, while nobody else had a turn or changed it since."""
    one = await queries.locked(tx, notice.subscription)
    return one if one.fence == notice.fence else None


async def _dead(tx: Transaction, one: Subscription, delivery: str, error: str) -> None:
    """Set an event aside: the subscription stops with an error, and what comes meanwhile waits until somebody takes it up again."""
    log.error("subscription-dead-letter %s %s", one.id, delivery, extra={"code": "subscription-dead-letter"})
    await tx.execute("UPDATE subscription_delivery SET dead_at = $2, error = $3 WHERE id = $1", delivery, tx.now, error)
    await writing.turn(tx, one.id, "error", error)
