"""plan, confirm-room, publish: from a template to slots that patients may take."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from maillage.booking import queries, rules
from maillage.booking.actions.loading import lock_session, lock_vacation, play, sides_of
from maillage.booking.actions.slots import open_refill, reservation_of, waiting_count
from maillage.booking.actions.vacations import check_place, quotas_of, template_of
from maillage.booking.actions.writing import change, insert, photograph_slot, save_session, session_turn, working_calendar
from maillage.booking.rules.parties import Sides
from maillage.booking.types import Calendar, DatedException, Occurrence, Reservation, Row, Share, SlotStatus
from maillage.codes import calendars
from maillage.kernel.errors import Conflict, Invalid
from maillage.kernel.ids import new_id
from maillage.kernel.period import Period
from maillage.kernel.transitions import NOWHERE, Transition
from maillage.store import Transaction

MOST_DAYS = 400


async def plan(tx: Transaction, id: str, *, version: int | None = None, start: date, end: date) -> list[Row]:
    """Plan the sessions of a vacation whose day lies between two dates, both included; days that have one already are left alone.

    All or nothing. Raises `Conflict` (no-clause, not-authorised, practitioner-busy, room-busy) and `Invalid` (local-time-gap,
    local-time-doubled, quota-above-slots, not-an-occurrence).
    """
    row = await lock_vacation(tx, id, version)
    line = play(tx, rules.SESSION, NOWHERE, "plan", Sides(row["owner_org"], row["host_org"], None, row["practitioner_id"]))
    if not row["active"]:
        raise Conflict("vacation-inactive")
    if end < start or end - start > timedelta(days=MOST_DAYS):
        raise Invalid.one("bad-period", "Parameters.parameter", f"from a day to a later one, {MOST_DAYS} days at most")
    quotas = await quotas_of(tx, id)
    made = []
    for occurrence in await _missing(tx, row, start, end):
        session = await _plan_one(tx, row, occurrence, quotas, line)
        await save_session(tx, line, session)
        made.append(session)
    return made


async def confirm_room(
    tx: Transaction, id: str, *, version: int | None = None, room: str | None = None, kit: bool = True, helper: bool = True
) -> Row:
    """The host says that the room, the kit and the help are there; it may give another of its rooms."""
    row = await lock_session(tx, id, version)
    line = play(tx, rules.SESSION, row["status"], "confirm-room", sides_of(row))
    if room:
        await check_place(tx, row["location_id"], room)
    confirmed = {"room_id": room or row["room_id"], "room_confirmed_at": tx.now, "kit_confirmed": kit, "help_confirmed": helper}
    changed = await change(tx, "vacation_session", id, **confirmed)
    await save_session(tx, line, changed)
    return changed


async def publish(tx: Transaction, id: str, *, version: int | None = None) -> Row:
    """Open a session to patients: its slots appear, with their reservations; the waiting list is asked first.

    Raises `Conflict` (room-unconfirmed, no-clause, not-authorised).
    """
    row = await lock_session(tx, id, version)
    line = play(tx, rules.SESSION, row["status"], "publish", sides_of(row))
    if not (row["room_confirmed_at"] and row["kit_confirmed"] and row["help_confirmed"]):
        raise Conflict("room-unconfirmed")
    if row["ends_at"] <= tx.now:
        raise Conflict("in-the-past")
    agreed = await _agreement(tx, row, row["day"])
    changed = await change(tx, "vacation_session", id, **session_turn(tx, line.target, row, "PO"), **agreed, published_at=tx.now)
    slots = [await _insert_slot(tx, changed, period, kept) for period, kept in await _grid(tx, changed)]
    slots = await _ask_waiting(tx, slots)
    await save_session(tx, line, changed, slots)
    return changed


async def _missing(tx: Transaction, vacation: Row, start: date, end: date) -> list[Occurrence]:
    """The occurrences that have no session yet; a day whose session was cancelled stays cancelled."""
    exceptions = [
        DatedException(e["day"], e["kind"], e["to_day"], e["starts"], e["ends"], e["room_id"])
        for e in await queries.vacation_exceptions(tx, vacation["id"])
    ]
    calendar = Calendar(calendars.public_holidays(), calendars.school_holidays_zone_c())
    found = rules.occurrences(template_of(vacation), exceptions, calendar, start, end)
    have = await tx.fetch(
        "SELECT day FROM vacation_session WHERE vacation_id = $1 AND day BETWEEN $2 AND $3 AND NOT superseded ORDER BY day",
        vacation["id"],
        start,
        end,
    )
    days = {row["day"] for row in have}
    return [occurrence for occurrence in found if occurrence.day not in days]


async def _plan_one(tx: Transaction, vacation: Row, occurrence: Occurrence, quotas: list[Share], line: Transition) -> Row:
    period = rules.session_period(occurrence.on, occurrence.starts, occurrence.ends)
    count = len(rules.cut(period, vacation["slot_minutes"]))
    rules.reserve(count, vacation["reserved_asap"], vacation["reserved_urgent"], quotas)
    same = ("practitioner_id", "practitioner_role_id", "healthcare_service_id", "specialty", "location_id", "owner_org", "host_org")
    facts: dict[str, Any] = {name: vacation[name] for name in (*same, "slot_minutes", "reserved_asap", "reserved_urgent", "type_creneau")}
    facts |= {"starts_at": period.start, "ends_at": period.end, "room_id": occurrence.room or vacation["room_id"]}
    facts |= session_turn(tx, line.target, facts, "PO")
    facts |= await _agreement(tx, vacation, occurrence.on)
    session = await insert(
        tx,
        "vacation_session",
        id=new_id(),
        vacation_id=vacation["id"],
        day=occurrence.day,
        origin=occurrence.origin,
        school_holiday=occurrence.school_holiday,
        occupied_from=period.start - timedelta(minutes=vacation["buffer_before"]),
        occupied_to=period.end + timedelta(minutes=vacation["buffer_after"]),
        slot_count=count,
        reserved_site=sum(share.slots for share in quotas),
        **facts,
    )
    for share in quotas:
        kept = {"organization_id": share.organization, "slots": share.slots, "at_most": share.at_most}
        await insert(tx, "session_quota", session_id=session["id"], **kept)
    return session


async def _agreement(tx: Transaction, row: Row, day: date) -> dict[str, str | None]:
    """The clause and the right in force that day; a hospital in its own walls needs neither."""
    if row["owner_org"] == row["host_org"]:
        return {"clause_id": None, "authorisation_id": None}
    clause = await queries.clause_for(tx, row["location_id"], row["specialty"], day)
    if clause is None:
        raise Conflict("no-clause", day=day.isoformat())
    return {"clause_id": clause["id"], "authorisation_id": await authorised(tx, row["practitioner_id"], row["location_id"], day)}


async def authorised(tx: Transaction, practitioner: str, site: str, day: date) -> str:
    """The id of the right to practise that day. Raises `Conflict` (not-authorised)."""
    right = await queries.authorisation_for(tx, practitioner, site, day)
    if right is None:
        raise Conflict("not-authorised", day=day.isoformat())
    return str(right["id"])


async def _grid(tx: Transaction, session: Row) -> list[tuple[Period, Reservation | None]]:
    rows = await tx.fetch("SELECT * FROM session_quota WHERE session_id = $1 ORDER BY organization_id", session["id"])
    shares = [Share(row["organization_id"], row["slots"], row["at_most"]) for row in rows]
    periods = rules.cut(Period(session["starts_at"], session["ends_at"]), session["slot_minutes"])
    return list(zip(periods, rules.reserve(len(periods), session["reserved_asap"], session["reserved_urgent"], shares), strict=True))


async def _insert_slot(tx: Transaction, session: Row, period: Period, kept: Reservation | None) -> Row:
    same = ("owner_org", "healthcare_service_id", "specialty", "location_id", "practitioner_role_id", "type_creneau")
    facts: dict[str, Any] = {name: session[name] for name in same}
    if kept:
        release = rules.release_at(kept.kind, period.start, working_calendar())
        facts |= {"reserved_for": kept.kind, "reserved_org": kept.organization, "release_at": release}
        facts["released_at"] = tx.now if release <= tx.now else None
    status = SlotStatus.FREE if period.start > tx.now else SlotStatus.BLOCKED
    return await insert(
        tx, "slot", id=new_id(), session_id=session["id"], status=status, starts_at=period.start, ends_at=period.end, **facts
    )


async def _ask_waiting(tx: Transaction, slots: list[Row]) -> list[Row]:
    """The first fresh slots go to the waiting list, as many as there are lines that fit; the others are open to all at once."""
    able = [slot for slot in slots if slot["status"] == SlotStatus.FREE and not reservation_of(slot)]
    count = await waiting_count(tx, able[0]) if able else 0
    first = {slot["id"] for slot in able[:count]}
    for slot in able[:count]:
        await photograph_slot(tx, slot)
    return [await open_refill(tx, slot, "publish", late=False) if slot["id"] in first else slot for slot in slots]
