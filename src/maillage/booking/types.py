"""Words and values of the room: statuses, priorities, reasons, and the frozen shapes that the rules read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""A row as the database answers it; only the names of its columns are read."""

PRIORITIES: Final = ("stat", "asap", "urgent", "routine")
"""FHIR request-priority, the most pressing first."""


class SessionStatus(StrEnum):
    """Life of a dated session (workflows.md 2)."""

    PLANNED = "planned"
    OPEN = "open"
    AT_RISK = "at-risk"
    CANCELLED = "cancelled"
    RUNNING = "running"
    DONE = "done"
    SETTLED = "settled"
    SETTLEMENT_DISPUTED = "settlement-disputed"


class SlotStatus(StrEnum):
    """FHIR slotstatus, as far as we write it."""

    FREE = "free"
    HELD = "busy-tentative"
    BOOKED = "busy"
    BLOCKED = "busy-unavailable"


class AppointmentStatus(StrEnum):
    """FHIR appointmentstatus, as far as we write it."""

    PENDING = "pending"
    WAITLIST = "waitlist"
    BOOKED = "booked"
    ARRIVED = "arrived"
    CHECKED_IN = "checked-in"
    FULFILLED = "fulfilled"
    NOSHOW = "noshow"
    CANCELLED = "cancelled"


class Reserved(StrEnum):
    """For whom a free slot is kept until its release date."""

    ASAP = "asap"
    URGENT = "urgent"
    SITE = "site"


class TypeCreneau(StrEnum):
    """To whom the SAS shows a free slot (TRE_R314); CPTS is for slots of a community alone."""

    PUBLIC = "PUBLIC"
    PRO = "PRO"
    SNP = "SNP"


class ExceptionKind(StrEnum):
    """What a dated exception does to the recurrence."""

    CLOSED = "closed"
    MOVED = "moved"
    EXTRA = "extra"


class HoldKind(StrEnum):
    """Why a slot is held: somebody is filling a form, or the patient has an offer to answer."""

    SCREEN = "screen"
    OFFER = "offer"


class Side(StrEnum):
    """On whose account an appointment or a session is cancelled."""

    PATIENT = "patient"
    HOSPITAL = "hospital"
    HOST = "host"
    REQUESTER = "requester"
    SYSTEM = "system"


_ORGANISATION: Final = ("leave", "ill", "deployment", "strike", "room", "kit", "no-help", "referral-ended", "error", "other")
ABSENCE_REASONS: Final = ("forgot", "ill", "late", "cancelled-late", "transport", "not-informed", "hospitalised", "died", "unknown")
SESSION_REASONS: Final = ("leave", "ill", "deployment", "strike", "room", "kit", "no-help", "other")
CANCEL_REASONS: Final[dict[str, tuple[str, ...]]] = {
    Side.PATIENT: ("forgot", "ill", "late", "transport", "not-informed", "hospitalised", "died", "declined", "unknown", "other"),
    Side.HOSPITAL: _ORGANISATION,
    Side.HOST: _ORGANISATION,
    Side.REQUESTER: ("referral-ended", "duplicate", "wrong-patient", "error", "other"),
    Side.SYSTEM: ("hold-expired", "served"),
}


@dataclass(frozen=True, slots=True)
class Template:
    """A vacation as the generator reads it. Wall-clock window in Paris: `ends` at or before `starts` means the next day."""

    starts: time
    ends: time
    rrule: str
    valid_from: date
    valid_to: date | None
    slot_minutes: int
    closed_on_holidays: bool = True


@dataclass(frozen=True, slots=True)
class DatedException:
    """What happens on one day, whatever the recurrence says. `to_day`, `starts`, `ends` and `room` replace the usual ones."""

    day: date
    kind: str
    to_day: date | None = None
    starts: time | None = None
    ends: time | None = None
    room: str | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The closed days (public holidays) and the flagged ones (school holidays, both ends included)."""

    public: frozenset[date] = frozenset()
    school: tuple[tuple[date, date], ...] = ()

    def in_school_holidays(self, day: date) -> bool:
        """Whether `day` falls in the school holidays."""
        return any(first <= day <= last for first, last in self.school)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One day on which the vacation takes place. `day` is the day of the recurrence, `on` the day when it is really held."""

    day: date
    on: date
    starts: time
    ends: time
    room: str | None
    origin: str
    school_holiday: bool


@dataclass(frozen=True, slots=True)
class Share:
    """What a requesting organisation is promised in each session: slots kept for it, and at most how many it may take."""

    organization: str
    slots: int
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """The reservation of one slot: its kind, and the organisation when the kind is `site`."""

    kind: Reserved
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class Waiter:
    """A line of the waiting list as the order reads it."""

    id: str
    priority: str
    since: datetime
    target: datetime | None = None
    removed: timedelta = timedelta()
    notice: timedelta = timedelta()
    boost: int = 0
