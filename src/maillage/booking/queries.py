"""Every SELECT of the room, each starting from what the actor may see. Schedules and slots hold no patient: all actors see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from maillage.access import visible_to
from maillage.booking import rules
from maillage.booking.types import PRIORITIES, Row, Waiter
from maillage.kernel.errors import Invalid, NotFound
from maillage.store import Transaction
from maillage.store.sql import Params

MAX_SLOTS = 200
HORIZON = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class SlotSearch:
    """What kind of slot is looked for. Without `organizations`, those of the actor count for site reservations."""

    services: Sequence[str]
    priority: str = "routine"
    sites: Sequence[str] | None = None
    practitioner_roles: Sequence[str] | None = None
    start: datetime | None = None
    end: datetime | None = None
    organizations: Sequence[str] | None = None
    limit: int = 10


async def find_slots(
    tx: Transaction,
    *,
    services: Sequence[str],
    priority: str = "routine",
    sites: Sequence[str] | None = None,
    practitioner_roles: Sequence[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    organizations: Sequence[str] | None = None,
    limit: int = 10,
) -> list[Row]:
    """The first free slots over many sites, in order of time: never in the past, reserved ones only for those entitled or once released.

    Each row is the slot with `host_org` and `room_id` of its session. Raises `Invalid` for an unknown priority or bad bounds.
    """
    search = SlotSearch(services, priority, sites, practitioner_roles, start, end, organizations, limit)
    return await search_slots(tx, search)


async def search_slots(tx: Transaction, search: SlotSearch) -> list[Row]:
    """`find_slots` with its criteria in one value. Each service reads its own ordered index, so the limit bounds the work."""
    low, high = _bounds(tx, search)
    params = Params()
    services, now = params.add(list(search.services)), params.add(tx.now)
    after, before, most = params.add(low), params.add(high), params.add(search.limit)
    kinds = params.add([str(kind) for kind in rules.kinds_open_to(search.priority)])
    orgs = params.add(list(search.organizations if search.organizations is not None else tx.actor.organizations))
    where = [
        f"s.starts_at >= {after}",
        f"s.starts_at < {before}",
        f"""(s.reserved_for IS NULL OR s.released_at IS NOT NULL OR s.release_at <= {now}
            OR s.reserved_for = ANY ({kinds}::text[]) OR s.reserved_org = ANY ({orgs}::text[]))""",
        visible_to(tx.actor, "Slot").sql("s", params),
    ]
    if search.sites is not None:
        where.append(f"s.location_id = ANY ({params.add(list(search.sites))}::text[])")
    if search.practitioner_roles is not None:
        where.append(f"s.practitioner_role_id = ANY ({params.add(list(search.practitioner_roles))}::text[])")
    return await tx.fetch(
        f"""
        SELECT f.*, v.host_org, v.room_id FROM unnest({services}::text[]) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT s.* FROM slot s WHERE s.healthcare_service_id = wanted.id AND s.status = 'free' AND {" AND ".join(where)}
            ORDER BY s.starts_at, s.id LIMIT {most}
        ) f JOIN vacation_session v ON v.id = f.session_id
        ORDER BY f.starts_at, f.id LIMIT {most}
        """,
        *params,
    )


def _bounds(tx: Transaction, search: SlotSearch) -> tuple[datetime, datetime]:
    if search.priority not in PRIORITIES:
        raise Invalid.one("unknown-priority", "Slot", details=search.priority)
    if not 1 <= search.limit <= MAX_SLOTS:
        raise Invalid.one("bad-limit", "Slot", details=f"1 to {MAX_SLOTS}")
    low = max(search.start, tx.now) if search.start else tx.now
    high = search.end or low + HORIZON
    if search.start and search.end and search.end < search.start:
        raise Invalid.one("period-ends-before-start", "Slot")
    return low, high


async def next_free(tx: Transaction, service: str, *, priority: str = "routine", sites: Sequence[str] | None = None) -> list[Row]:
    """The next three free slots of a service."""
    return await find_slots(tx, services=[service], priority=priority, sites=sites, limit=3)


async def third_next_available(tx: Transaction, service: str, *, sites: Sequence[str] | None = None) -> timedelta | None:
    """How far away the third free slot is for a routine request that no share favours; None when there are not three."""
    found = await find_slots(tx, services=[service], sites=sites, organizations=(), limit=3)
    return found[2]["starts_at"] - tx.now if len(found) == 3 else None


async def fresh_choices(tx: Transaction, slot: Row, priority: str, organizations: Sequence[str]) -> list[dict[str, str]]:
    """Five free slots of the same service, for whoever lost this one: same site first."""
    found = await find_slots(tx, services=[slot["healthcare_service_id"]], priority=priority, organizations=organizations, limit=20)
    found.sort(key=lambda row: (row["location_id"] != slot["location_id"], row["starts_at"], row["id"]))
    return [
        {
            "slot": row["id"],
            "start": row["starts_at"].isoformat(),
            "end": row["ends_at"].isoformat(),
            "location": row["location_id"],
            "practitioner_role": row["practitioner_role_id"],
        }
        for row in found[:5]
    ]


async def get_vacation(tx: Transaction, id: str) -> Row:
    """One vacation. Raises `NotFound`."""
    return _found(await tx.fetchrow("SELECT * FROM vacation WHERE id = $1", id), "Schedule", id)


async def vacation_exceptions(tx: Transaction, id: str) -> list[Row]:
    """The dated exceptions of a vacation, in order of day."""
    return await tx.fetch("SELECT * FROM vacation_exception WHERE vacation_id = $1 ORDER BY day", id)


async def vacations(tx: Transaction, *, owner: str | None = None, site: str | None = None) -> list[Row]:
    """The active vacations of a hospital or of a site."""
    return await tx.fetch(
        """
        SELECT * FROM vacation WHERE active AND ($1::text IS NULL OR owner_org = $1) AND ($2::text IS NULL OR location_id = $2)
        ORDER BY location_id, starts, id
        """,
        owner,
        site,
    )


async def get_session(tx: Transaction, id: str) -> Row:
    """One dated session. Raises `NotFound`."""
    return _found(await tx.fetchrow("SELECT * FROM vacation_session WHERE id = $1", id), "Schedule", id)


async def sessions(
    tx: Transaction,
    *,
    start: datetime,
    end: datetime,
    sites: Sequence[str] | None = None,
    owner: str | None = None,
    statuses: Sequence[str] | None = None,
) -> list[Row]:
    """The sessions that begin in a window, with how many of their slots are free, held and booked: the week table."""
    return await tx.fetch(
        """
        SELECT v.*, c.free, c.held, c.booked FROM vacation_session v CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE s.status = 'free') AS free, count(*) FILTER (WHERE s.status = 'busy-tentative') AS held,
                count(*) FILTER (WHERE s.status = 'busy') AS booked FROM slot s WHERE s.session_id = v.id) c
        WHERE v.starts_at >= $1 AND v.starts_at < $2 AND ($3::text[] IS NULL OR v.location_id = ANY ($3))
            AND ($4::text IS NULL OR v.owner_org = $4) AND ($5::text[] IS NULL OR v.status = ANY ($5))
        ORDER BY v.starts_at, v.location_id, v.id
        """,
        start,
        end,
        None if sites is None else list(sites),
        owner,
        None if statuses is None else list(statuses),
    )


async def session_slots(tx: Transaction, session: str) -> list[Row]:
    """The slots of a session in order, whatever their state."""
    return await tx.fetch("SELECT * FROM slot WHERE session_id = $1 ORDER BY starts_at, id", session)


async def get_slot(tx: Transaction, id: str) -> Row:
    """One slot with `host_org`, `practitioner_id` and `room_id` of its session. Raises `NotFound`."""
    row = await tx.fetchrow(
        "SELECT s.*, v.host_org, v.practitioner_id, v.room_id FROM slot s JOIN vacation_session v ON v.id = s.session_id WHERE s.id = $1",
        id,
    )
    return _found(row, "Slot", id)


async def knows(tx: Transaction, table: str, ids: Sequence[str]) -> bool:
    """Whether one of these ids is a row of the room. Who may see it is settled by the verb that follows."""
    return bool(ids) and bool(await tx.fetchval(f"SELECT EXISTS (SELECT FROM {table} WHERE id = ANY ($1::text[]))", list(ids)))


async def get_appointment(tx: Transaction, id: str) -> Row:
    """One appointment that the actor may see. Raises `NotFound`."""
    params = Params([id])
    visible = visible_to(tx.actor, "Appointment").sql("a", params)
    return _found(await tx.fetchrow(f"SELECT a.* FROM appointment a WHERE a.id = $1 AND {visible}", *params), "Appointment", id)


async def appointments(
    tx: Transaction,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    patient: str | None = None,
    sites: Sequence[str] | None = None,
    session: str | None = None,
    task: str | None = None,
    statuses: Sequence[str] | None = None,
    limit: int = 200,
) -> list[Row]:
    """The visible appointments that fit, in order of time."""
    params = Params()
    where = [visible_to(tx.actor, "Appointment").sql("a", params)]
    filters: dict[str, Any] = {"a.starts_at >= {}": start, "a.starts_at < {}": end, "a.patient_id = {}": patient, "a.task_id = {}": task}
    filters["a.location_id = ANY ({}::text[])"] = None if sites is None else list(sites)
    filters["a.status = ANY ({}::text[])"] = None if statuses is None else list(statuses)
    filters["a.slot_id IN (SELECT id FROM slot WHERE session_id = {})"] = session
    where += [text.format(params.add(value)) for text, value in filters.items() if value is not None]
    most = params.add(limit)
    return await tx.fetch(
        f"SELECT a.* FROM appointment a WHERE {' AND '.join(where)} ORDER BY a.starts_at NULLS LAST, a.id LIMIT {most}", *params
    )


async def appointment_history(tx: Transaction, id: str) -> list[Row]:
    """Every status of a visible appointment, oldest first."""
    await get_appointment(tx, id)
    return await tx.fetch("SELECT * FROM appointment_history WHERE appointment_id = $1 ORDER BY seq", id)


async def absences_of(tx: Transaction, patient: str) -> int:
    """How many times this patient was absent, as far as the actor may see: decides between a message and a call, nothing else."""
    params = Params([patient])
    visible = visible_to(tx.actor, "Appointment").sql("a", params)
    return int(
        await tx.fetchval(f"SELECT count(*) FROM appointment a WHERE a.patient_id = $1 AND a.status = 'noshow' AND {visible}", *params)
    )


async def waiting_list(tx: Transaction, services: Sequence[str], *, site: str | None = None) -> list[Row]:
    """The visible waiting lines of these services, in the order in which they are served."""
    params = Params([list(services), site])
    visible = visible_to(tx.actor, "Appointment").sql("a", params)
    rows = await tx.fetch(
        f"""
        SELECT a.* FROM appointment a WHERE a.status = 'waitlist' AND a.healthcare_service_id = ANY ($1::text[])
            AND ($2::text IS NULL OR a.location_id IS NULL OR a.location_id = $2) AND {visible}
        ORDER BY a.wait_since, a.id
        """,
        *params,
    )
    by_id = {row["id"]: row for row in rows}
    return [by_id[waiter.id] for waiter in rules.waiting_order(map(waiter_of, rows), tx.now)]


def waiter_of(row: Row) -> Waiter:
    """A waiting line as the order reads it."""
    return Waiter(
        id=row["id"],
        priority=row["priority"],
        since=row["wait_since"],
        target=row["wait_target"],
        removed=row["wait_removed"],
        notice=timedelta(hours=row["wait_notice_hours"]),
        boost=row["wait_boost"],
    )


async def refills(tx: Transaction, *, owner: str, since: datetime, limit: int = 100) -> list[Row]:
    """The refill board of a hospital: freed slots, how many were asked, what became of them. No patient is named."""
    return await tx.fetch(
        """
        SELECT r.*, s.starts_at, s.ends_at, s.location_id, s.healthcare_service_id, count(o.*) AS asked,
            count(o.*) FILTER (WHERE o.answer = 'waiting') AS waiting
        FROM refill r JOIN slot s ON s.id = r.slot_id LEFT JOIN refill_offer o ON o.refill_id = r.id
        WHERE s.owner_org = $1 AND r.opened_at >= $2 AND s.owner_org = ANY ($4::text[])
        GROUP BY r.id, s.id ORDER BY r.opened_at DESC, r.id LIMIT $3
        """,
        owner,
        since,
        limit,
        list(tx.actor.organizations),
    )


async def clause_for(tx: Transaction, site: str, specialty: str, day: date) -> Row | None:
    """The clause in force for a specialty at a site on a day, the latest one when there are several."""
    return await tx.fetchrow(
        """
        SELECT * FROM vacation_clause WHERE location_id = $1 AND specialty = $2 AND valid_from <= $3 AND (valid_to IS NULL OR valid_to >= $3)
        ORDER BY valid_from DESC, id LIMIT 1
        """,
        site,
        specialty,
        day,
    )


async def authorisation_for(tx: Transaction, practitioner: str, site: str, day: date) -> Row | None:
    """The right of a practitioner to practise at a site on a day."""
    return await tx.fetchrow(
        """
        SELECT * FROM practice_authorisation WHERE practitioner_id = $1 AND location_id = $2
            AND valid_from <= $3 AND (valid_to IS NULL OR valid_to >= $3) ORDER BY valid_from DESC, id LIMIT 1
        """,
        practitioner,
        site,
        day,
    )


def _found(row: Row | None, kind: str, id: str) -> Row:
    if row is None:
        raise NotFound(kind, id)
    return row


_TYPES = {"vacation": "Schedule", "vacation_session": "Schedule", "slot": "Slot", "appointment": "Appointment"}


async def row(tx: Transaction, table: str, id: str) -> Row | None:
    """One row of a table of the room, or None when absent or invisible."""
    params = Params([id])
    visible = visible_to(tx.actor, _TYPES[table]).sql("t", params)
    return await tx.fetchrow(f"SELECT t.* FROM {table} t WHERE t.id = $1 AND {visible}", *params)
