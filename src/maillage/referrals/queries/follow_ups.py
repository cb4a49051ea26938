"""Follow-ups that a side owes, each visible to the actor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maillage.access import visible_to
from maillage.referrals.queries.worklists import Place, Total
from maillage.store import Params, Transaction

Row = Any


async def follow_ups(tx: Transaction, *, services: Sequence[str] = (), limit: int = 50, place: Place | None = None) -> Sequence[Row]:
    """Open follow-ups that the actor's active organisation owes, the first due first, without a name that it may not see; `services` narrows them.

    `place`: the page after it, or before it.
    """
    params = Params()
    where = _owed(tx, params, services)
    way = "DESC" if place and place.back else "ASC"
    beyond = f" AND (c.due_at, c.number) {'<' if place.back else '>'} {_at(place, params)}" if place else ""
    return await tx.fetch(
        f"""
        SELECT c.*, 0 AS rank, p.family, p.given, p.birth_date
        FROM (SELECT c.* FROM referral_child c JOIN referral_task t ON t.id = c.task_id
              WHERE {where}{beyond} ORDER BY c.due_at {way}, c.number {way} LIMIT {params.add(limit)}) c
        LEFT JOIN patient p ON p.id = c.patient_id AND {visible_to(tx.actor, "Patient").sql("p", params)}
        ORDER BY c.due_at, c.number
        """,
        *params,
    )


def _at(place: Place, params: Params) -> str:
    """A place as SQL: follow-ups have no rank."""
    return f"({params.add(place.due_at)}::timestamptz, {params.add(place.number)}::bigint)"


async def follow_up_total(tx: Transaction, *, services: Sequence[str] = (), place: Place | None = None) -> Total:
    """How many follow-ups `follow_ups` would show to its end; `place`: how many stand at or before it too."""
    params = Params()
    late = f"count(*) FILTER (WHERE c.due_at < {params.add(tx.now)})"
    upto = f"count(*) FILTER (WHERE (c.due_at, c.number) <= {_at(place, params)})" if place else "0"
    row = await tx.fetchrow(
        f"SELECT count(*) AS count, {late} AS late, {upto} AS upto FROM referral_child c JOIN referral_task t ON t.id = c.task_id "
        f"WHERE {_owed(tx, params, services)}",
        *params,
    )
    return Total(row["count"], row["late"], row["upto"]) if row else Total()


def _owed(tx: Transaction, params: Params, services: Sequence[str]) -> str:
    mine, seen = params.add(tx.actor.organization), visible_to(tx.actor, "Task").sql("c", params)
    narrowed = f" AND (c.turn = 'requester' OR t.service_id = ANY ({params.add(list(services))}::text[]))" if services else ""
    return (
        f"c.code = 'follow-up' AND c.turn IS NOT NULL AND {seen}{narrowed} "
        f"AND CASE WHEN c.turn = 'requester' THEN c.requester_org ELSE c.owner_org END = {mine}::text"
    )
