"""Effects that must happen because a transaction committed: written in it, carried out after it, at least once.

A message has a stable id (`tx.message_id` in its handler). Messages with the same `key` are carried out in the order in which they were written.
A try is counted before it is made, so a message that kills the worker is set aside too: after five tries it is a dead letter, which stays visible
until someone decides. A `Carrier` says it otherwise for its topic: fewer tries, more patience between them, and who hears that it was given up.
What was tried before is taken alone: whoever dies of it takes no other message with it.

A handler that cannot carry a message answers why (a code): the message is held, out of the way of those behind it, until `release`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import MaillageError
from maillage.kernel.ids import new_id
from maillage.store.database import Database
from maillage.store.transaction import Transaction
from maillage.store.writes import Into

Handler = Callable[[Transaction, dict[str, Any]], Awaitable[str | None]]
log = logging.getLogger(__name__)
TRIES = 5
LEASE = timedelta(seconds=60)
BATCH = 20

_TABLE = Into(
    "outbox",
    (
        *((name, "text") for name in ("id", "topic", "key", "payload")),
        ("created_at", "timestamptz"),
        ("due_at", "timestamptz"),
        ("request_id", "text"),
    ),
)


@dataclass(frozen=True, slots=True)
class Carrier:
    """How the messages of a topic are carried. The wait before try n + 1 is `patience` times 2 to the n; `given_up` is told of the last failure."""

    handler: Handler
    tries: int = TRIES
    patience: timedelta = timedelta(seconds=1)
    given_up: Handler | None = None


Carriers = Mapping[str, Handler | Carrier]

_CLAIM = """
WITH taken AS MATERIALIZED (
    SELECT o.id FROM outbox o
     WHERE o.done_at IS NULL AND o.dead_at IS NULL AND o.held_at IS NULL AND o.due_at <= $1
       AND (o.leased_until IS NULL OR o.leased_until <= $1) AND o.topic = ANY($3) AND ($5::boolean IS NULL OR (o.tries > 0) = $5)
       AND NOT EXISTS (SELECT FROM outbox e WHERE e.key = o.key AND e.key <> '' AND e.number < o.number
           AND e.done_at IS NULL AND e.dead_at IS NULL AND e.held_at IS NULL)
     ORDER BY o.due_at, o.number LIMIT $4 FOR UPDATE OF o SKIP LOCKED)
UPDATE outbox SET tries = tries + 1, leased_until = $1 + $2::interval WHERE id IN (SELECT id FROM taken)
RETURNING id, number, topic, payload, tries, request_id
"""
"""Materialised: a subquery may be asked again for each row, passes over those that it took, and so takes more than its limit."""


async def enqueue(tx: Transaction, topic: str, payload: dict[str, Any], *, key: str = "", due_at: datetime | None = None) -> str:
    """Write a message in this transaction; give its id. `key` is the object whose messages must keep their order."""
    id = new_id()
    tx.append(_TABLE, [(id, topic, key, msgspec.json.encode(payload).decode(), tx.now, due_at or tx.now, tx.request_id)])
    return id


async def drain(db: Database, handlers: Carriers, limit: int = 100) -> int:
    """Carry out messages that are due, at most `limit`; give how many succeeded."""
    done = tried = 0
    while tried < limit:
        claimed = await _claim(db, handlers, 1, again=True) or await _claim(db, handlers, min(BATCH, limit - tried), again=False)
        if not claimed:
            break
        for row in claimed:
            tried += 1
            done += await _carry_out(db, row, handlers[row["topic"]])
    return done


async def tries_of(tx: Transaction) -> int:
    """How often the message of this transaction was tried, this time included."""
    return int(await tx.fetchval("SELECT tries FROM outbox WHERE id = $1", tx.message_id) or 0)


async def written_at(tx: Transaction) -> datetime:
    """When the message of this transaction was written."""
    at: datetime | None = await tx.fetchval("SELECT created_at FROM outbox WHERE id = $1", tx.message_id)
    return at or tx.now


async def dead_letters(tx: Transaction) -> list[asyncpg.Record]:
    """Messages that were set aside, oldest first."""
    return await tx.fetch(
        "SELECT id, topic, key, tries, last_error, created_at, dead_at FROM outbox WHERE dead_at IS NOT NULL ORDER BY number"
    )


async def held(tx: Transaction) -> list[asyncpg.Record]:
    """What is held, by topic and reason: how many messages, since when the oldest."""
    return await tx.fetch(
        """
        SELECT topic, held_reason AS reason, count(*) AS messages, min(created_at) AS since FROM outbox WHERE held_at IS NOT NULL
        GROUP BY topic, held_reason ORDER BY topic, held_reason
        """
    )


async def release(tx: Transaction, topic: str, reason: str = "") -> int:
    """Put what is held of a topic (for one `reason`) back among the messages that are due, because it can be carried now; how many there were."""
    released = await tx.execute(
        """
        UPDATE outbox SET held_at = NULL, held_reason = NULL, tries = 0, due_at = $2
        WHERE topic = $1 AND held_at IS NOT NULL AND ($3 = '' OR held_reason = $3)
        """,
        topic,
        tx.now,
        reason,
    )
    return int(released.split()[-1])


async def revive(tx: Transaction, id: str) -> bool:
    """Give a dead letter five more tries; whether there was one."""
    tag = await tx.execute(
        "UPDATE outbox SET dead_at = NULL, tries = 0, leased_until = NULL, due_at = $2 WHERE id = $1 AND dead_at IS NOT NULL", id, tx.now
    )
    return tag == "UPDATE 1"


async def oldest_due(tx: Transaction) -> datetime | None:
    """Since when the oldest message that is due waits: the age that readiness looks at."""
    at: datetime | None = await tx.fetchval(
        "SELECT min(due_at) FROM outbox WHERE done_at IS NULL AND dead_at IS NULL AND held_at IS NULL AND due_at <= $1", tx.now
    )
    return at


async def purge(tx: Transaction, before: datetime) -> int:
    """Forget what was carried out before that instant."""
    return int((await tx.execute("DELETE FROM outbox WHERE done_at < $1", before)).split()[-1])


def _carrier(one: Handler | Carrier) -> Carrier:
    """A handler alone is carried in the usual way."""
    return one if isinstance(one, Carrier) else Carrier(one)


async def _claim(db: Database, handlers: Carriers, limit: int, *, again: bool | None = None) -> list[asyncpg.Record]:
    """Take messages and count a try; `again`: those that were tried before, those that were not, or both."""
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch(_CLAIM, tx.now, LEASE, sorted(handlers), limit, again)
        spent = [row for row in rows if row["tries"] > _carrier(handlers[row["topic"]]).tries]
        for row in spent:
            await _give_up(tx, row, _carrier(handlers[row["topic"]]), "worker-died")
    return sorted((row for row in rows if row not in spent), key=lambda row: int(row["number"]))


async def _carry_out(db: Database, row: asyncpg.Record, handler: Handler | Carrier) -> bool:
    carrier = _carrier(handler)
    try:
        async with db.transaction(SYSTEM, request_id=row["request_id"]) as tx:
            # the number of the try is the fencing number: a worker that lost its lease finds another one and stops
            mine = await tx.fetchval(
                "SELECT true FROM outbox WHERE id = $1 AND tries = $2 AND done_at IS NULL AND dead_at IS NULL FOR UPDATE",
                row["id"],
                row["tries"],
            )
            if not mine:
                return False
            tx.message_id = row["id"]
            why = await carrier.handler(tx, msgspec.json.decode(row["payload"]))
            end = "held_at = $2, held_reason = $3" if why else "done_at = $2, held_reason = $3"
            await tx.execute(f"UPDATE outbox SET {end}, leased_until = NULL WHERE id = $1", row["id"], tx.now, why)
    except Exception as error:  # noqa: BLE001  # whatever a handler raises is kept with its message and counted
        await _failed(db, row, carrier, error)
        return False
    return why is None


async def _failed(db: Database, row: asyncpg.Record, carrier: Carrier, error: Exception) -> None:
    """Keep the kind of the error, never its text: the text may hold a patient."""
    code = error.reason if isinstance(error, MaillageError) else type(error).__name__
    log.warning("outbox-failed %s %s %s", row["topic"], row["id"], code, extra={"code": "outbox-failed"})
    delay = carrier.patience * (2 ** row["tries"] * random.uniform(0.8, 1.2))  # noqa: S311  # jitter, not a secret
    async with db.transaction(SYSTEM, request_id=row["request_id"]) as tx:
        if row["tries"] >= carrier.tries:
            await _give_up(tx, row, carrier, code)
        else:
            await tx.execute(
                "UPDATE outbox SET leased_until = NULL, due_at = $3, last_error = $4 WHERE id = $1 AND tries = $2",
                *(row["id"], row["tries"], tx.now + delay, code),
            )


async def _give_up(tx: Transaction, row: asyncpg.Record, carrier: Carrier, code: str) -> None:
    """Set the message aside, and tell in the same transaction whoever has to know."""
    log.error("outbox-dead-letter %s", row["id"], extra={"code": "outbox-dead-letter"})
    await tx.execute("UPDATE outbox SET dead_at = $2, leased_until = NULL, last_error = $3 WHERE id = $1", row["id"], tx.now, code)
    if carrier.given_up:
        tx.message_id = row["id"]
        await carrier.given_up(tx, msgspec.json.decode(row["payload"]))
