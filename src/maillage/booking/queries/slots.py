"""Free slots over many sites, and what a slot is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from maillage.access import visible_to
from maillage.booking import rules
from maillage.booking.queries.rows import found
from maillage.booking.types import PRIORITIES, Row
from maillage.kernel.errors import Invalid, Issue
from maillage.store import Transaction
from maillage.store.sql import Params

MAX_SLOTS = 200
HORIZON = timedelta(days=366)
FEW = 4
"""Services named one by one in the statement."""


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


async def check_known(tx: Transaction, *, services: Sequence[str], sites: Sequence[str], roles: Sequence[str]) -> None:
    """Every service, site and role that a search names is one of ours: no slot is never the answer to a slip.

    Raises `Invalid` (unknown-service, unknown-location, unknown-role) at its parameter.
    """
    unknown = await tx.peek(
        """
        SELECT 'services' AS name, 'unknown-service' AS reason, n, id FROM unnest($1::text[]) WITH ORDINALITY AS asked (id, n)
            WHERE NOT EXISTS (SELECT FROM healthcare_service s WHERE s.id = asked.id)
        UNION ALL SELECT 'sites', 'unknown-location', n, id FROM unnest($2::text[]) WITH ORDINALITY AS asked (id, n)
            WHERE NOT EXISTS (SELECT FROM location l WHERE l.id = asked.id)
        UNION ALL SELECT 'practitioner-roles', 'unknown-role', n, id FROM unnest($3::text[]) WITH ORDINALITY AS asked (id, n)
            WHERE NOT EXISTS (SELECT FROM practitioner_role r WHERE r.id = asked.id)
        ORDER BY 1, 3
        """,
        list(services),
        list(sites),
        list(roles),
    )
    if unknown:
        where = "Parameters.parameter.where(name='{}')[{}]"
        raise Invalid(
            *(Issue("error", "business-rule", row["reason"], where.format(row["name"], row["n"] - 1), row["id"]) for row in unknown)
        )


async def search_slots(tx: Transaction, search: SlotSearch) -> list[Row]:
    """`find_slots` with its criteria in one value. Each service reads its own ordered index, so the limit bounds the work."""
    low, high = _bounds(tx, search)
    params = Params()
    services, now = _wanted(search.services, params), params.add(tx.now)
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
    return await tx.peek(
        f"""
        SELECT f.*, v.host_org, v.room_id FROM {services} AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT s.* FROM slot s WHERE s.healthcare_service_id = wanted.id AND s.status = 'free' AND {" AND ".join(where)}
            ORDER BY s.starts_at, s.id LIMIT {most}
        ) f JOIN vacation_session v ON v.id = f.session_id
        ORDER BY f.starts_at, f.id LIMIT {most}
        """,
        *params,
    )


def _wanted(services: Sequence[str], params: Params) -> str:
    """Few services, as nearly always, are counted in the text: of an array the planner expects ten, and plans each time anew."""
    if 0 < len(services) <= FEW:
        return f"(VALUES {', '.join(f'({params.add(service)}::text)' for service in services)})"
    return f"unnest({params.add(list(services))}::text[])"


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
    free = await find_slots(tx, services=[service], sites=sites, organizations=(), limit=3)
    return free[2]["starts_at"] - tx.now if len(free) == 3 else None


async def fresh_choices(tx: Transaction, slot: Row, priority: str, organizations: Sequence[str]) -> list[dict[str, str]]:
    """Five free slots of the same service, for whoever lost this one: same site first."""
    free = await find_slots(tx, services=[slot["healthcare_service_id"]], priority=priority, organizations=organizations, limit=20)
    free.sort(key=lambda row: (row["location_id"] != slot["location_id"], row["starts_at"], row["id"]))
    return [
        {
            "slot": row["id"],
            "start": row["starts_at"].isoformat(),
            "end": row["ends_at"].isoformat(),
            "location": row["location_id"],
            "practitioner_role": row["practitioner_role_id"],
        }
        for row in free[:5]
    ]


async def get_slot(tx: Transaction, id: str) -> Row:
    """One slot with `host_org`, `practitioner_id` and `room_id` of its session. Raises `NotFound`."""
    row = await tx.fetchrow(
        "SELECT s.*, v.host_org, v.practitioner_id, v.room_id FROM slot s JOIN vacation_session v ON v.id = s.session_id WHERE s.id = $1",
        id,
    )
    return found(row, "Slot", id)
