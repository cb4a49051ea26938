"""Sessions, slots and appointments as pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from maillage.directory import Organization, Place, Role, Service
from maillage.doors.web.booking.recurrence import words
from maillage.doors.web.catalogue import say, word
from maillage.doors.web.forms import day_of_address
from maillage.doors.web.presenters import aware, clock, day_name, wall
from maillage.kernel.period import day_in_paris, wall_to_utc

SESSION_TONES = {
    "planned": "work",
    "open": "good",
    "at-risk": "alert",
    "cancelled": "off",
    "running": "info",
    "done": "done",
    "settled": "done",
    "settlement-disputed": "alert",
}
APPOINTMENT_TONES = {
    "pending": "wait",
    "waitlist": "wait",
    "booked": "date",
    "arrived": "info",
    "checked-in": "info",
    "fulfilled": "good",
    "noshow": "alert",
    "cancelled": "off",
}


_STANDING = frozenset({"confirm", "move", "prioritise", "change-practitioner"})


def session_word(status: str) -> str:
    """The state of a session; `done` is said otherwise of a follow-up."""
    return say("session.done") if status == "done" else word("state", status)


@dataclass(frozen=True, slots=True)
class Cell:
    """A session in the week table."""

    id: str
    hours: str
    service: str
    who: str
    label: str
    tone: str
    places: str
    look: str
    due_at: datetime | None


def cell(row: Any, services: Mapping[str, Service], people: Mapping[str, Role]) -> Cell:
    """From a session with its counts."""
    status, service = row["status"], services.get(row["healthcare_service_id"])
    role = people.get(row["practitioner_role_id"])
    free, booked = int(row["free"]), int(row["booked"]) + int(row["held"])
    places = say("places.free", free=free, all=free + booked) if status in ("open", "at-risk", "running") else ""
    look = {"cancelled": "off", "at-risk": "risk"}.get(status, "")
    return Cell(
        row["id"],
        f"{clock(row['starts_at'])} – {clock(row['ends_at'])}",
        service.name.partition(",")[0] if service else "",
        role.display if role else "",
        session_word(status),
        SESSION_TONES[status],
        places,
        look,
        row["due_at"] if row["turn"] else None,
    )


@dataclass(frozen=True, slots=True)
class WeekRow:
    """One site of the week table: its cells by day."""

    site: str
    days: tuple[tuple[Cell, ...], ...]


def week_rows(
    sessions: Sequence[Any], days: Sequence[date], sites: Mapping[str, Place], services: Mapping[str, Service], people: Mapping[str, Role]
) -> list[WeekRow]:
    """One row per site that has a session that week, by name."""
    grid: dict[str, dict[date, list[Cell]]] = {}
    for row in sessions:
        day = day_in_paris(row["starts_at"])
        grid.setdefault(row["location_id"], {}).setdefault(day, []).append(cell(row, services, people))
    names = {id: sites[id].name if id in sites else id for id in grid}
    return [WeekRow(names[id], tuple(tuple(grid[id].get(day, ())) for day in days)) for id in sorted(grid, key=lambda id: names[id])]


def monday(text: str, today: date) -> date:
    """The first day of the week that an address names, this week for anything else."""
    day = day_of_address(text) or today
    return day - timedelta(days=day.weekday())


def bounds(first: date, days: int) -> tuple[datetime, datetime]:
    """The instants at which a stretch of days begins and ends in Paris."""
    return wall_to_utc(first, time(0)), wall_to_utc(first + timedelta(days=days), time(0))


@dataclass(frozen=True, slots=True)
class SlotLine:
    """One slot of a session."""

    id: str
    hours: str
    label: str
    tone: str
    note: str
    patient: str
    referral: str
    appointment: str


def slot_line(row: Any, appointment: Any | None, patient: str, now: datetime, organizations: Mapping[str, str]) -> SlotLine:
    """From a slot, with its appointment when this actor may see it."""
    kept = row["reserved_for"] and row["released_at"] is None and aware(row["release_at"]) > now
    state, tone = {
        "free": ("reserved", "wait") if kept else ("free", "good"),
        "busy-tentative": ("held", "wait"),
        "busy": ("booked", "date"),
        "busy-unavailable": ("unused" if aware(row["ends_at"]) <= now else "closed", "off"),
    }[row["status"]]
    label = say(f"slot.{state}")
    note = _reservation(row, organizations) if kept and row["status"] == "free" else ""
    if appointment is not None:
        label, tone = word("state", appointment["status"]), APPOINTMENT_TONES[appointment["status"]]
    return SlotLine(
        row["id"],
        f"{clock(row['starts_at'])} – {clock(row['ends_at'])}",
        label,
        tone,
        note,
        patient,
        (appointment["task_id"] or "") if appointment is not None else "",
        appointment["id"] if appointment is not None else "",
    )


def _reservation(row: Any, organizations: Mapping[str, str]) -> str:
    until = day_name(day_in_paris(row["release_at"]))
    if row["reserved_for"] == "site":
        return say("slot.kept-for-site", site=organizations.get(row["reserved_org"], ""), until=until)
    return say("slot.kept-for-priority", priority=word("priority", row["reserved_for"]), until=until)


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment in the list of the day."""

    id: str
    at: datetime | None
    patient: str
    patient_id: str
    service: str
    who: str
    site: str
    status: str
    label: str
    tone: str
    referral: str
    version: int
    quick: tuple[str, ...]
    due_at: datetime | None


def visit(
    row: Any, patient: str, services: Mapping[str, Service], people: Mapping[str, Role], sites: Mapping[str, Place], quick: Sequence[str]
) -> Visit:
    """From an appointment; `quick` are the verbs that need no answer."""
    service, role, site = (
        services.get(row["healthcare_service_id"]),
        people.get(row["practitioner_role_id"] or ""),
        sites.get(row["location_id"] or ""),
    )
    return Visit(
        row["id"],
        row["starts_at"],
        patient,
        row["patient_id"],
        service.name.partition(",")[0] if service else "",
        role.display if role else "",
        site.name if site else "",
        row["status"],
        word("state", row["status"]),
        APPOINTMENT_TONES[row["status"]],
        row["task_id"] or "",
        row["version"],
        tuple(quick),
        row["due_at"] if row["turn"] else None,
    )


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session in a list of work."""

    id: str
    at: datetime
    ends_at: datetime
    service: str
    who: str
    site: str
    label: str
    tone: str
    due_at: datetime | None
    places: str


def session_line(row: Any, services: Mapping[str, Service], people: Mapping[str, Role], sites: Mapping[str, Place]) -> SessionLine:
    """From a session with its counts."""
    shown, site = cell(row, services, people), sites.get(row["location_id"])
    return SessionLine(
        row["id"],
        row["starts_at"],
        row["ends_at"],
        shown.service,
        shown.who,
        site.name if site else "",
        shown.label,
        shown.tone,
        row["due_at"],
        shown.places,
    )


@dataclass(frozen=True, slots=True)
class VacationLine:
    """A template in a list and on its page."""

    id: str
    service: str
    who: str
    site: str
    site_id: str
    when: str
    hours: str
    owner: str
    host: str
    active: bool
    valid_from: date
    valid_to: date | None


def vacation(
    row: Any,
    services: Mapping[str, Service],
    people: Mapping[str, Role],
    sites: Mapping[str, Place],
    organizations: Mapping[str, Organization],
) -> VacationLine:
    """From a template."""
    service, role, site = services.get(row["healthcare_service_id"]), people.get(row["practitioner_role_id"]), sites.get(row["location_id"])
    owner, host = organizations.get(row["owner_org"]), organizations.get(row["host_org"])
    return VacationLine(
        row["id"],
        service.name.partition(",")[0] if service else "",
        role.display if role else "",
        site.name if site else "",
        row["location_id"],
        words(row["rrule"]),
        f"{wall(row['starts'])} – {wall(row['ends'])}",
        owner.label if owner else "",
        host.label if host else "",
        row["active"],
        row["valid_from"],
        row["valid_to"],
    )


@dataclass(frozen=True, slots=True)
class ComingSession:
    """A session to come on the page of its vacation; `publishable` and `confirmable` say what this actor may do with it now."""

    id: str
    at: datetime
    ends_at: datetime
    label: str
    tone: str
    notes: tuple[str, ...]
    places: str
    publishable: bool
    confirmable: bool


def coming(row: Any, legal: Sequence[str]) -> ComingSession:
    """From a session with its counts and the verbs of the actor."""
    ready = bool(row["room_confirmed_at"] and row["kit_confirmed"] and row["help_confirmed"])
    notes = [say("session.school-holiday")] if row["school_holiday"] else []
    notes += [say("session.room-unconfirmed")] if row["status"] == "planned" and not ready else []
    notes += [say(f"session.{row['origin']}")] if row["origin"] != "rule" else []
    shown = cell(row, {}, {})
    return ComingSession(
        row["id"],
        row["starts_at"],
        row["ends_at"],
        shown.label,
        shown.tone,
        tuple(notes),
        shown.places,
        "publish" in legal and ready,
        "confirm-room" in legal and not ready,
    )


def step_word(line: Any) -> str:
    """What happened to an appointment: the state that it reached, or the verb when the state stood still."""
    return word("verb", line["verb"]) if line["verb"] in _STANDING else word("state", line["status"])
