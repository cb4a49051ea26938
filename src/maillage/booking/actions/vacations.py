"""Vacations: the clause and the right that they rest on, the template, its dated exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Any

from maillage import directory, record
from maillage.booking import rules
from maillage.booking.actions.loading import line_of, lock_vacation, play
from maillage.booking.actions.writing import Told, change, insert, save_session, save_vacation
from maillage.booking.rules.parties import Sides
from maillage.booking.types import Calendar, DatedException, ExceptionKind, Row, Share, Side, Template
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.kernel.ids import new_id
from maillage.kernel.transitions import NOWHERE
from maillage.store import Transaction

CHANGEABLE = frozenset(
    {
        "room_id",
        "starts",
        "ends",
        "rrule",
        "valid_to",
        "slot_minutes",
        "buffer_before",
        "buffer_after",
        "reserved_asap",
        "reserved_urgent",
        "closed_on_holidays",
        "type_creneau",
        "active",
    }
)


async def grant_clause(
    tx: Transaction,
    id: str | None = None,
    *,
    site: str,
    specialty: str,
    owner_org: str,
    host_org: str,
    valid_from: date,
    valid_to: date | None = None,
    sessions_due: int | None = None,
    contract: str = "",
) -> Row:
    """Record that a convention allows sessions of a specialty at a site. By an organisation that is party to it."""
    if tx.actor.kind != "system" and {owner_org, host_org}.isdisjoint(tx.actor.organizations):
        raise NotAllowed("not-for-this-party")
    row = await insert(
        tx,
        "vacation_clause",
        id=id or new_id(),
        location_id=site,
        specialty=specialty,
        owner_org=owner_org,
        host_org=host_org,
        valid_from=valid_from,
        valid_to=valid_to,
        sessions_due=sessions_due,
        contract=contract,
    )
    await record.audit(tx, "C", "Contract", row["id"], verb="grant-clause")
    return row


async def authorise_practice(
    tx: Transaction,
    id: str | None = None,
    *,
    practitioner: str,
    site: str,
    valid_from: date,
    valid_to: date | None = None,
    basis: str = "",
) -> Row:
    """Put on file the right of a practitioner to practise at a site. By the office of an organisation where he or she works."""
    employers = {role.organization_id for role in await directory.roles_of(tx, practitioner)}
    if tx.actor.kind != "system" and employers.isdisjoint(tx.actor.organizations):
        raise NotAllowed("not-for-this-party")
    facts = {"practitioner_id": practitioner, "location_id": site, "valid_from": valid_from, "valid_to": valid_to, "basis": basis}
    row = await insert(tx, "practice_authorisation", id=id or new_id(), **facts)
    await record.audit(tx, "C", "PractitionerRole", practitioner, verb="authorise-practice")
    return row


async def create_vacation(
    tx: Transaction,
    id: str | None = None,
    *,
    practitioner_role: str,
    service: str,
    site: str,
    room: str,
    starts: time,
    ends: time,
    rrule: str,
    valid_from: date,
    valid_to: date | None = None,
    slot_minutes: int | None = None,
    specialty: str | None = None,
    buffer_before: int = 0,
    buffer_after: int = 0,
    reserved_asap: int = 0,
    reserved_urgent: int = 0,
    quotas: Sequence[Share] = (),
    closed_on_holidays: bool = True,
    type_creneau: str | None = None,
) -> Row:
    """Open a vacation: `practitioner_role` is the role at the host site, `service` the hospital's service that it serves; `type_creneau`
    (TRE_R314) shows its free slots to the SAS.

    Raises `Invalid` (bad-recurrence, other-specialty, room-elsewhere, quota-above-slots, local-time-gap, local-time-doubled).
    """
    role, offered = await directory.get_role(tx, practitioner_role), await directory.get_service(tx, service)
    sides = Sides(offered.organization_id, role.organization_id, None, role.practitioner_id)
    play(tx, rules.SESSION, NOWHERE, "plan", sides)
    wanted = specialty or offered.specialty
    if wanted not in role.specialties or wanted not in offered.specialties:
        raise Invalid.one("other-specialty", "Schedule.specialty", details=wanted)
    await check_place(tx, site, room)
    who = {"practitioner_id": role.practitioner_id, "practitioner_role_id": role.id, "healthcare_service_id": service, "specialty": wanted}
    where = {"location_id": site, "room_id": room, "owner_org": sides.owner_org, "host_org": sides.host_org}
    when = {
        "starts": starts,
        "ends": ends,
        "rrule": rules.write_rrule(rules.read_rrule(rrule)),
        "valid_from": valid_from,
        "valid_to": valid_to,
    }
    grid = {"slot_minutes": slot_minutes or offered.minutes, "buffer_before": buffer_before, "buffer_after": buffer_after}
    kept = {"reserved_asap": reserved_asap, "reserved_urgent": reserved_urgent, "closed_on_holidays": closed_on_holidays}
    shown = {"type_creneau": type_creneau}
    facts: dict[str, Any] = {**who, **where, **when, **grid, **kept, **shown}
    check_template(facts, quotas)
    row = await insert(tx, "vacation", id=id or new_id(), created_at=tx.now, **facts)
    await _promise(tx, row["id"], quotas)
    await save_vacation(tx, "create-vacation", row, created=True)
    return row


async def _promise(tx: Transaction, vacation: str, quotas: Sequence[Share]) -> None:
    for share in quotas:
        promised = {"organization_id": share.organization, "slots": share.slots, "at_most": share.at_most}
        await insert(tx, "vacation_quota", vacation_id=vacation, **promised)


async def update_vacation(
    tx: Transaction, id: str, *, version: int | None = None, quotas: Sequence[Share] | None = None, **changes: Any
) -> Row:
    """Change a template, its shares too when `quotas` is given. Published sessions keep what they are; planned ones fall, to be planned again."""
    row = await lock_vacation(tx, id, version)
    play(tx, rules.SESSION, NOWHERE, "plan", _sides(row))
    unknown = changes.keys() - CHANGEABLE
    if unknown or not changes:
        raise Invalid.one("not-changeable", "Schedule", details=", ".join(sorted(unknown)))
    if "rrule" in changes:
        changes["rrule"] = rules.write_rrule(rules.read_rrule(changes["rrule"]))
    if "room_id" in changes:
        await check_place(tx, row["location_id"], changes["room_id"])
    check_template({**row, **changes}, await quotas_of(tx, id) if quotas is None else quotas)
    changed = await change(tx, "vacation", id, **changes)
    if quotas is not None:
        await tx.execute("DELETE FROM vacation_quota WHERE vacation_id = $1", id)
        await _promise(tx, id, quotas)
    await _supersede(tx, id, None)
    await save_vacation(tx, "update-vacation", changed)
    return changed


async def add_exception(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    day: date,
    kind: str,
    to_day: date | None = None,
    starts: time | None = None,
    ends: time | None = None,
    room: str | None = None,
    reason: str = "",
) -> Row:
    """Close, move or add a day of a vacation: it beats recurrence and holidays. A planned session of that day falls.

    Raises `Conflict` (session-published) when that day is open to patients: cancel that session instead.
    """
    row = await lock_vacation(tx, id, version)
    play(tx, rules.SESSION, NOWHERE, "plan", _sides(row))
    exception = DatedException(day, kind, to_day, starts, ends, room)
    if kind not in list(ExceptionKind) or (kind == ExceptionKind.MOVED) != (to_day is not None):
        raise Invalid.one("bad-exception", "Schedule.extension", details="closed, extra, or moved with a day")
    rules.occurrences(template_of(row), [exception], Calendar(), day, day)
    window = rules.session_period(to_day or day, starts or row["starts"], ends or row["ends"])
    if not rules.cut(window, row["slot_minutes"]):
        raise Invalid.one("no-slot-fits", "Schedule.extension")
    if room:
        await check_place(tx, row["location_id"], room)
    await _supersede(tx, id, day)
    await tx.execute(
        """
        INSERT INTO vacation_exception (vacation_id, day, kind, to_day, starts, ends, room_id, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (vacation_id, day) DO UPDATE SET kind = excluded.kind, to_day = excluded.to_day, starts = excluded.starts,
            ends = excluded.ends, room_id = excluded.room_id, reason = excluded.reason
        """,
        *(id, day, kind, to_day, starts, ends, room, reason),
    )
    changed = await change(tx, "vacation", id, active=row["active"])
    await save_vacation(tx, "add-exception", changed)
    return changed


def template_of(row: Any) -> Template:
    """A vacation row as the generator reads it."""
    names = ("starts", "ends", "rrule", "valid_from", "valid_to", "slot_minutes", "closed_on_holidays")
    return Template(**{name: row[name] for name in names})


async def quotas_of(tx: Transaction, vacation: str) -> list[Share]:
    """The shares of a vacation, by organisation."""
    rows = await tx.fetch("SELECT * FROM vacation_quota WHERE vacation_id = $1 ORDER BY organization_id", vacation)
    return [Share(row["organization_id"], row["slots"], row["at_most"]) for row in rows]


def check_template(facts: Any, quotas: Sequence[Share]) -> None:
    """The window holds slots, and the reservations hold in them, on the first day of validity."""
    slots = rules.cut(rules.session_period(facts["valid_from"], facts["starts"], facts["ends"]), facts["slot_minutes"])
    if not slots:
        raise Invalid.one("no-slot-fits", "Schedule.extension")
    rules.reserve(len(slots), facts["reserved_asap"], facts["reserved_urgent"], quotas)


async def check_place(tx: Transaction, site: str, room: str) -> None:
    """The room belongs to the site. Raises `Invalid` (room-elsewhere)."""
    if (await directory.place(tx, room)).part_of != site:  # the site itself is no room: two sessions would take it from each other
        raise Invalid.one("room-elsewhere", "Schedule.actor", details=room)


def _sides(row: Row) -> Sides:
    return Sides(row["owner_org"], row["host_org"], None, row["practitioner_id"])


async def _supersede(tx: Transaction, vacation: str, day: date | None) -> None:
    """Planned sessions fall, to be planned again; a published one of that day stays, and refuses."""
    rows = await tx.fetch(
        """
        SELECT * FROM vacation_session WHERE vacation_id = $1 AND ($2::date IS NULL OR day = $2) AND starts_at > $3
            AND status <> 'cancelled' ORDER BY id FOR UPDATE
        """,
        vacation,
        day,
        tx.now,
    )
    if day and any(row["status"] != "planned" for row in rows):
        raise Conflict("session-published", sessions=[row["id"] for row in rows])
    line = line_of(rules.SESSION, "planned", "supersede", "SY")
    for row in rows:
        if row["status"] == "planned":
            told = Told("superseded", Side.HOSPITAL)
            gone = {"status": line.target, "turn": None, "due_at": None, "cancelled_at": tx.now, "superseded": True}
            fallen = await change(tx, "vacation_session", row["id"], cancel_reason=told.reason, cancel_side=told.side, **gone)
            await save_session(tx, line, fallen, told=told)
