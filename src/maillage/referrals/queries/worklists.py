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
    """One worklist of the actor's active organisation: see `worklists`."""
    return (await worklists(tx, (name,), services=services, limit=limit, offset=offset))[name]


async def worklists(
    tx: Transaction, names: Sequence[str], *, services: Sequence[str] = (), limit: int = 50, offset: int = 0
) -> dict[str, list[Row]]:
    """Worklists of the actor's active organisation: by priority, breach, age. Adds patient, service and breach to each Task.

    `services` narrows what the performer sees, before anything is counted or cut. A patient whose identity the actor may not see, after an
    opposition, has no name on the line; the line stays: nothing leaves a worklist without a person deciding. One statement, whatever the number of lists.
    """
    params = Params()
    now, first, last = params.add(tx.now), params.add(offset), params.add(offset + limit)
    order = _ORDER.format(breached=f"t.due_at <= {now}")
    sides = [side for side in _ORGANIZATION if any(WORKLISTS[name].side == side for name in names)]
    lines = [
        f"""SELECT l.name AS list, t.id, t.due_at <= {now} AS breached, row_number() OVER (PARTITION BY l.name ORDER BY {order}) AS place
        FROM referral_task t JOIN {_lists(side, names)} ON l.state = t.state
        WHERE {_of_side(side, names, tx, params, services)} AND {_narrowed(side, names, now)}"""
        for side in sides
    ]
    rows = await tx.fetch(
        f"""
        SELECT x.list, x.breached, t.*, s.name AS service_name, p.family, p.given, p.birth_date, p.gender,
            (SELECT string_agg(r.display, ', ' ORDER BY r.display) FROM referral_reading r
             WHERE r.task_id = t.id AND r.expires_at > {now} AND r.reader_id <> {params.add(tx.actor.id)}) AS read_by
        FROM ({" UNION ALL ".join(f"SELECT * FROM ({one}) y WHERE place > {first} AND place <= {last}" for one in lines)}) x
        JOIN referral_task t ON t.id = x.id JOIN healthcare_service s ON s.id = t.service_id
        LEFT JOIN patient p ON p.id = t.patient_id AND {visible_to(tx.actor, "Patient").sql("p", params)}
        ORDER BY x.list, x.place
        """,
        *params,
    )
    return {name: [row for row in rows if row["list"] == name] for name in names}


_ORDER: Final = "array_position(ARRAY['stat', 'asap', 'urgent', 'routine'], t.priority), ({breached}) DESC, t.due_at, t.number"
_ORGANIZATION: Final = {"requester": "requester_org", "performer": "owner_org"}
"""The column that says whose a Task is, for each side."""


def _lists(side: str, names: Sequence[str]) -> str:
    """Which states stand on which of the lists, as a table of words of our own."""
    pairs = [f"('{name}', '{state}')" for name in names if WORKLISTS[name].side == side for state in WORKLISTS[name].states]
    return f"(VALUES {', '.join(pairs)}) AS l (name, state)"


def _narrowed(side: str, names: Sequence[str], now: str) -> str:
    """What the lists ask beyond the state."""
    more = [(name, WORKLISTS[name]) for name in names if WORKLISTS[name].side == side and WORKLISTS[name].where != "true"]
    cases = " ".join(f"WHEN '{name}' THEN {spec.where.format(now=f'{now}::timestamptz')}" for name, spec in more)
    return f"CASE l.name {cases} ELSE true END" if cases else "true"


def _of_side(side: str, names: Sequence[str], tx: Transaction, params: Params, services: Sequence[str]) -> str:
    """The Tasks of a side that the actor sees, in any state of its lists."""
    states = sorted({state for name in names if WORKLISTS[name].side == side for state in WORKLISTS[name].states})
    narrowed = f" AND t.service_id = ANY ({params.add(list(services))}::text[])" if services and side == "performer" else ""
    seen = visible_to(tx.actor, "Task").sql("t", params)
    mine = params.add(tx.actor.organization)
    return f"t.{_ORGANIZATION[side]} = {mine}::text AND t.state = ANY ({params.add(states)}::text[]){narrowed} AND {seen}"


_WHERES: Final = tuple(dict.fromkeys(spec.where for spec in WORKLISTS.values()))


async def worklist_totals(tx: Transaction, *, services: Sequence[str] = ()) -> dict[str, Total]:
    """What each worklist of the actor's active organisation holds, under the same conditions as the list itself; each Task is looked at once for each side."""
    params = Params()
    now = params.add(tx.now)
    wheres = [where.format(now=f"{now}::timestamptz") for where in _WHERES]
    counts = ", ".join(
        f"count(*) FILTER (WHERE {where}) AS n{n}, count(*) FILTER (WHERE {where} AND t.due_at < {now}) AS late{n}"
        for n, where in enumerate(wheres)
    )
    parts = [
        f"SELECT '{side}' AS side, t.state, {counts} FROM referral_task t WHERE {_of_side(side, tuple(WORKLISTS), tx, params, services)} GROUP BY t.state"
        for side in _ORGANIZATION
    ]
    rows = await tx.fetch(f"{' UNION ALL '.join(parts)} ORDER BY side, state", *params)
    return {
        name: _total(spec, [row for row in rows if row["side"] == spec.side and row["state"] in spec.states])
        for name, spec in WORKLISTS.items()
    }


def _total(spec: Worklist, rows: Sequence[Row]) -> Total:
    place = _WHERES.index(spec.where)
    return Total(sum(row[f"n{place}"] for row in rows), sum(row[f"late{place}"] for row in rows))


async def follow_ups(tx: Transaction, *, services: Sequence[str] = (), limit: int = 50, offset: int = 0) -> Sequence[Row]:
    """Open follow-ups that the actor's active organisation owes, the first due first, without a name that it may not see; `services` narrows them."""
    params = Params()
    where = _owed(tx, params, services)
    return await tx.fetch(
        f"""
        SELECT c.*, p.family, p.given, p.birth_date
        FROM (SELECT c.* FROM referral_child c JOIN referral_task t ON t.id = c.task_id
              WHERE {where} ORDER BY c.due_at, c.number LIMIT {params.add(limit)} OFFSET {params.add(offset)}) c
        LEFT JOIN patient p ON p.id = c.patient_id AND {visible_to(tx.actor, "Patient").sql("p", params)}
        ORDER BY c.due_at, c.number
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
