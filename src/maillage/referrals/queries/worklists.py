"""Lists of work of the two sides, each line visible to the actor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from maillage.access import visible_to
from maillage.store import Params, Transaction

Row = Any


@dataclass(frozen=True, slots=True)
class Worklist:
    """A list of work: whose, which states, and an extra condition over `t` when the states are not enough."""

    side: str
    states: tuple[str, ...]
    where: str = "true"


_HALF_SPENT: Final = "t.due_since + (t.due_at - t.due_since) / 2 <= {now}"


WORKLISTS: Final = {
    "to-complete": Worklist("requester", ("to-complete",)),
    "my-turn": Worklist("requester", ("info-requested", "declined", "redirected")),
    "silent": Worklist("requester", ("sent",), _HALF_SPENT),
    "waiting-place": Worklist("requester", ("waiting-capacity", "to-book", "offered", "to-rebook")),
    "absences": Worklist("requester", ("not-attended",)),
    "letters": Worklist("requester", ("letter-sent", "advised")),
    "sent-by-us": Worklist("requester", ("sent", "opened", "info-received", "insisted", "booked", "seen", "cancellation-requested")),
    "to-triage": Worklist("performer", ("sent", "opened")),
    "information-received": Worklist("performer", ("info-received",)),
    "insisted": Worklist("performer", ("insisted",)),
    "to-book": Worklist("performer", ("to-book", "to-rebook")),
    "no-place-yet": Worklist("performer", ("waiting-capacity",)),
    "unanswered-offers": Worklist("performer", ("offered",)),
    "to-see": Worklist("performer", ("booked", "not-attended")),
    "letters-owed": Worklist("performer", ("seen",)),
    "cancellations": Worklist("performer", ("cancellation-requested",)),
}
"""The worklists of workflows.md 1. Every open state is on one list of the side that holds the turn (tested)."""


@dataclass(frozen=True, slots=True)
class Total:
    """How many a list holds to its end, and how many of them are late."""

    count: int = 0
    late: int = 0


async def worklist(tx: Transaction, name: str, *, services: Sequence[str] = (), limit: int = 50, offset: int = 0) -> Sequence[Row]:
    """One worklist of the actor's active organisation: by priority, breach, age. Adds patient, service and breach to each Task.

    `services` narrows what the performer sees, before anything is counted or cut. A patient whose identity the actor may not see, after an
    opposition, has no name on the line; the line stays: nothing leaves a worklist without a person deciding.
    """
    params = Params()
    condition = _on_list(WORKLISTS[name], tx, params, services)
    return await tx.fetch(
        f"""
        SELECT t.*, p.family, p.given, p.birth_date, p.gender,
            (SELECT string_agg(r.display, ', ' ORDER BY r.display) FROM referral_reading r
             WHERE r.task_id = t.id AND r.expires_at > {params.add(tx.now)} AND r.reader_id <> {params.add(tx.actor.id)}) AS read_by
        FROM (SELECT t.*, s.name AS service_name, t.due_at <= {params.add(tx.now)} AS breached
              FROM referral_task t JOIN healthcare_service s ON s.id = t.service_id WHERE {condition}
              ORDER BY {_ORDER} LIMIT {params.add(limit)} OFFSET {params.add(offset)}) t
        LEFT JOIN patient p ON p.id = t.patient_id AND {visible_to(tx.actor, "Patient").sql("p", params)}
        ORDER BY {_ORDER}
        """,
        *params,
    )


_ORDER: Final = "array_position(ARRAY['stat', 'asap', 'urgent', 'routine'], t.priority), breached DESC, t.due_at, t.id"


async def worklist_totals(tx: Transaction, *, services: Sequence[str] = ()) -> dict[str, Total]:
    """What each worklist of the actor's active organisation holds, under the same conditions as the list itself."""
    params = Params()
    late = f"count(*) FILTER (WHERE t.due_at < {params.add(tx.now)})"
    parts = [
        f"SELECT {params.add(name)}::text AS name, count(*) AS count, {late} AS late FROM referral_task t "
        f"WHERE {_on_list(spec, tx, params, services)}"
        for name, spec in WORKLISTS.items()
    ]
    rows = await tx.fetch(f"{' UNION ALL '.join(parts)} ORDER BY name", *params)
    return {row["name"]: Total(row["count"], row["late"]) for row in rows}


def _on_list(spec: Worklist, tx: Transaction, params: Params, services: Sequence[str]) -> str:
    column = "requester_org" if spec.side == "requester" else "owner_org"
    where = spec.where.format(now=f"{params.add(tx.now)}::timestamptz") if "{now}" in spec.where else spec.where
    if services and spec.side == "performer":
        where += f" AND t.service_id = ANY ({params.add(list(services))}::text[])"
    seen = visible_to(tx.actor, "Task").sql("t", params)
    mine, states = params.add(tx.actor.organization), params.add(list(spec.states))
    return f"t.{column} = {mine}::text AND t.state = ANY ({states}::text[]) AND {where} AND {seen}"


async def follow_ups(tx: Transaction, *, services: Sequence[str] = (), limit: int = 50, offset: int = 0) -> Sequence[Row]:
    """Open follow-ups that the actor's active organisation owes, the first due first, without a name that it may not see; `services` narrows them."""
    params = Params()
    where = _owed(tx, params, services)
    return await tx.fetch(
        f"""
        SELECT c.*, p.family, p.given, p.birth_date
        FROM (SELECT c.* FROM referral_child c JOIN referral_task t ON t.id = c.task_id
              WHERE {where} ORDER BY c.due_at, c.id LIMIT {params.add(limit)} OFFSET {params.add(offset)}) c
        LEFT JOIN patient p ON p.id = c.patient_id AND {visible_to(tx.actor, "Patient").sql("p", params)}
        ORDER BY c.due_at, c.id
        """,
        *params,
    )


async def follow_up_total(tx: Transaction, *, services: Sequence[str] = ()) -> Total:
    """How many follow-ups `follow_ups` would show to its end."""
    params = Params()
    late = f"count(*) FILTER (WHERE c.due_at < {params.add(tx.now)})"
    row = await tx.fetchrow(
        f"SELECT count(*) AS count, {late} AS late FROM referral_child c JOIN referral_task t ON t.id = c.task_id "
        f"WHERE {_owed(tx, params, services)}",
        *params,
    )
    return Total(row["count"], row["late"]) if row else Total()


def _owed(tx: Transaction, params: Params, services: Sequence[str]) -> str:
    mine, seen = params.add(tx.actor.organization), visible_to(tx.actor, "Task").sql("c", params)
    narrowed = f" AND (c.turn = 'requester' OR t.service_id = ANY ({params.add(list(services))}::text[]))" if services else ""
    return (
        f"c.code = 'follow-up' AND c.turn IS NOT NULL AND {seen}{narrowed} "
        f"AND CASE WHEN c.turn = 'requester' THEN c.requester_org ELSE c.owner_org END = {mine}::text"
    )
