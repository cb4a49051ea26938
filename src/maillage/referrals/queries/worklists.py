"""Lists of work of the two sides, each line visible to the actor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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
    """How many a list holds to its end, how many of them are late, and how many stand at or before a place that was asked for."""

    count: int = 0
    late: int = 0
    upto: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands in its list: what the lists are ordered by. A page begins after one or, `back`, ends before one."""

    rank: int
    due_at: datetime
    number: int
    back: bool = False


RANK: Final = "array_position(ARRAY['stat', 'asap', 'urgent', 'routine'], t.priority)"
"""The priority as lists order by it; with the date and the number it stands in two indexes, so that a page reads no more than it shows. What is breached
comes first among equals because its date does."""
_ORDER: Final = (RANK, "t.due_at", "t.number")
_ORGANIZATION: Final = {"requester": "requester_org", "performer": "owner_org"}
"""The column that says whose a Task is, for each side."""


async def worklist(
    tx: Transaction, name: str, *, services: Sequence[str] = (), limit: int = 50, place: Place | None = None
) -> Sequence[Row]:
    """One worklist of the actor's active organisation: see `worklists`. `place`: the page after it, or before it."""
    return (await worklists(tx, (name,), services=services, limit=limit, place=place))[name]


async def worklists(
    tx: Transaction, names: Sequence[str], *, services: Sequence[str] = (), limit: int = 50, place: Place | None = None
) -> dict[str, list[Row]]:
    """Worklists of the actor's active organisation: by priority, breach, age. Adds patient, service, rank and breach to each Task.

    `services` narrows what the performer sees, before anything is cut. A patient whose identity the actor may not see, after an opposition, has no name on
    the line; the line stays: nothing leaves a worklist without a person deciding. One statement, whatever the number of lists; each state is read in the
    order of its index until a page is full, and only what was read so far is asked whether it may be seen.
    """
    params = Params()
    now, most = params.add(tx.now), params.add(limit)
    order = ", ".join(f"{part} DESC" if place and place.back else part for part in ("rank", "due_at", "number"))
    sides = [side for side in _ORGANIZATION if any(WORKLISTS[name].side == side for name in names)]
    parts = " UNION ALL ".join(f"SELECT * FROM ({_first(side, names, tx, params, services, place, (now, most))}) y" for side in sides)
    rows = await tx.fetch(
        f"""
        SELECT x.list, x.rank, t.due_at <= {now} AS breached, t.*, s.name AS service_name, p.family, p.given, p.birth_date, p.gender,
            {_READ_BY.format(now=now, reader=params.add(tx.actor.id))} AS read_by
        FROM (SELECT z.*, row_number() OVER (PARTITION BY z.list ORDER BY {order}) AS nth FROM ({parts}) z) x
        JOIN referral_task t ON t.id = x.id JOIN healthcare_service s ON s.id = t.service_id
        LEFT JOIN patient p ON p.id = t.patient_id AND {visible_to(tx.actor, "Patient").sql("p", params)}
        WHERE x.nth <= {most} ORDER BY x.list, x.rank, t.due_at, t.number
        """,
        *params,
    )
    return {name: [row for row in rows if row["list"] == name] for name in names}


_READING: Final = "FROM referral_reading r WHERE r.task_id = t.id AND r.expires_at > {now} AND r.reader_id <> {reader}"
_READ_BY: Final = f"CASE WHEN EXISTS (SELECT {_READING}) THEN (SELECT string_agg(r.display, ', ' ORDER BY r.display) {_READING}) END"
"""Who else reads a case now: on most lines nobody, and then nothing is sorted."""


def _first(
    side: str, names: Sequence[str], tx: Transaction, params: Params, services: Sequence[str], place: Place | None, given: tuple[str, str]
) -> str:
    """The first Tasks of each state of each list of a side, after or before a place, in the order of the lists."""
    now, most = given
    beyond = f" AND ({', '.join(_ORDER)}) {'<' if place.back else '>'} {_at(place, params)}" if place else ""
    order = ", ".join(f"{part} DESC" if place and place.back else part for part in _ORDER)
    return f"""
        SELECT l.name AS list, u.* FROM {_lists(side, names)}, LATERAL (
            SELECT t.id, {RANK} AS rank, t.due_at, t.number FROM referral_task t
            WHERE t.state = l.state AND {_of_side(side, tx, params, services)} AND {_narrowed(side, names, now)}{beyond}
            ORDER BY {order} LIMIT {most}) u"""


def _at(place: Place, params: Params) -> str:
    """A place as SQL."""
    return f"({params.add(place.rank)}::integer, {params.add(place.due_at)}::timestamptz, {params.add(place.number)}::bigint)"


def _lists(side: str, names: Sequence[str]) -> str:
    """Which states stand on which of the lists, as a table of words of our own."""
    pairs = [f"('{name}', '{state}')" for name in names if WORKLISTS[name].side == side for state in WORKLISTS[name].states]
    return f"(VALUES {', '.join(pairs)}) AS l (name, state)"


def _narrowed(side: str, names: Sequence[str], now: str) -> str:
    """What the lists ask beyond the state."""
    more = [(name, WORKLISTS[name]) for name in names if WORKLISTS[name].side == side and WORKLISTS[name].where != "true"]
    cases = " ".join(f"WHEN '{name}' THEN {spec.where.format(now=f'{now}::timestamptz')}" for name, spec in more)
    return f"CASE l.name {cases} ELSE true END" if cases else "true"


def _of_side(side: str, tx: Transaction, params: Params, services: Sequence[str]) -> str:
    """The Tasks of a side that the actor sees."""
    narrowed = f" AND t.service_id = ANY ({params.add(list(services))}::text[])" if services and side == "performer" else ""
    mine, seen = params.add(tx.actor.organization), visible_to(tx.actor, "Task").sql("t", params)
    return f"t.{_ORGANIZATION[side]} = {mine}::text{narrowed} AND {seen}"


_WHERES: Final = tuple(dict.fromkeys(spec.where for spec in WORKLISTS.values()))


async def worklist_totals(
    tx: Transaction, names: Sequence[str] = tuple(WORKLISTS), *, services: Sequence[str] = (), place: Place | None = None
) -> dict[str, Total]:
    """What each worklist of the actor's active organisation holds, under the same conditions as the list itself; each Task is looked at once for each side.

    `place`: how many stand at or before it too.
    """
    params = Params()
    now = params.add(tx.now)
    upto = f"({', '.join(_ORDER)}) <= {_at(place, params)}" if place else "false"
    wheres = [where.format(now=f"{now}::timestamptz") for where in _WHERES]
    counts = ", ".join(
        f"count(*) FILTER (WHERE {where}) AS n{n}, count(*) FILTER (WHERE {where} AND t.due_at < {now}) AS late{n}, "
        f"count(*) FILTER (WHERE {where} AND {upto}) AS upto{n}"
        for n, where in enumerate(wheres)
    )
    parts = [
        f"SELECT '{side}' AS side, t.state, {counts} FROM referral_task t "
        f"WHERE t.state = ANY ({params.add(states)}::text[]) AND {_of_side(side, tx, params, services)} GROUP BY t.state"
        for side in _ORGANIZATION
        if (states := sorted({state for name in names if WORKLISTS[name].side == side for state in WORKLISTS[name].states}))
    ]
    rows = await tx.fetch(f"{' UNION ALL '.join(parts)} ORDER BY side, state", *params) if parts else ()
    return {
        name: _total(
            WORKLISTS[name], [row for row in rows if row["side"] == WORKLISTS[name].side and row["state"] in WORKLISTS[name].states]
        )
        for name in names
    }


def _total(spec: Worklist, rows: Sequence[Row]) -> Total:
    nth = _WHERES.index(spec.where)
    return Total(*(sum(row[f"{what}{nth}"] for row in rows) for what in ("n", "late", "upto")))
