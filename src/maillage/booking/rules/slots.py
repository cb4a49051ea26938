"""From an occurrence to its slots: wall time is converted bound by bound, lengths are counted in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from maillage.booking.types import PRIORITIES, Reservation, Reserved, Share
from maillage.kernel.answers import Allowed, Answer, Refused
from maillage.kernel.errors import Invalid
from maillage.kernel.period import Period, day_in_paris, wall_to_utc
from maillage.kernel.working_time import WorkingCalendar

RELEASE_HOUR = time(8)
"""Release dates given in days fall at this hour of Paris."""
ASAP_RELEASE = timedelta(hours=24)
URGENT_RELEASE_WORKING_DAYS = 3
SITE_RELEASE_DAYS = 10


def session_period(day: date, starts: time, ends: time) -> Period:
    """The instants of a wall-clock window. Refuses a bound that does not exist that night, or exists twice."""
    begins = wall_to_utc(day, starts)  # a day of another era is refused here, before it is added to
    return Period(begins, wall_to_utc(day if ends > starts else day + timedelta(days=1), ends))


def cut(period: Period, minutes: int) -> tuple[Period, ...]:
    """The slots of `minutes` elapsed minutes that fit in the period; what is left at the end is not a slot."""
    length = timedelta(minutes=minutes)
    return tuple(Period(period.start + i * length, period.start + (i + 1) * length) for i in range(period.length // length))


def reserve(count: int, asap: int, urgent: int, shares: Sequence[Share]) -> tuple[Reservation | None, ...]:
    """Spread the reservations over `count` slots: site shares first in the session, then urgent, asap last."""
    total = sum(share.slots for share in shares) + urgent + asap
    if total > count:  # compared before anything is made: the numbers come from outside
        raise Invalid.one("quota-above-slots", details=f"{total} reserved slots, {count} slots")
    wanted = [Reservation(Reserved.SITE, share.organization) for share in shares for _ in range(share.slots)]
    wanted += [Reservation(Reserved.URGENT)] * urgent + [Reservation(Reserved.ASAP)] * asap
    slots: list[Reservation | None] = [None] * count
    for rank, reservation in enumerate(wanted):
        slots[(2 * rank + 1) * count // (2 * len(wanted))] = reservation
    return tuple(slots)


def release_at(kind: Reserved, start: datetime, calendar: WorkingCalendar) -> datetime:
    """When a reserved slot opens to all: 24 h before (asap), 3 working days before (urgent), 10 days before (site)."""
    if kind is Reserved.ASAP:
        return start - ASAP_RELEASE
    day = day_in_paris(start)
    if kind is Reserved.SITE:
        return wall_to_utc(day - timedelta(days=SITE_RELEASE_DAYS), RELEASE_HOUR)
    for _ in range(URGENT_RELEASE_WORKING_DAYS):
        day = _previous_open(day, calendar)
    return wall_to_utc(day, RELEASE_HOUR)


def _previous_open(day: date, calendar: WorkingCalendar) -> date:
    day -= timedelta(days=1)
    while not calendar.is_open(day):
        day -= timedelta(days=1)
    return day


def kinds_open_to(priority: str) -> tuple[Reserved, ...]:
    """The priority reservations that a request of this priority may take: its own and the less pressing ones."""
    return {
        "stat": (Reserved.ASAP, Reserved.URGENT),
        "asap": (Reserved.ASAP, Reserved.URGENT),
        "urgent": (Reserved.URGENT,),
    }.get(priority, ())


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for a slot, and when: priority of the request, requesting organisations, instant."""

    priority: str
    organizations: tuple[str, ...]
    now: datetime


def check_reservation(reservation: Reservation | None, release: datetime | None, claim: Claim) -> Answer:
    """Whether this claim may take a slot that is kept for somebody."""
    if reservation is None or release is None or claim.now >= release:
        return Allowed()
    if reservation.kind is Reserved.SITE:
        return Allowed() if reservation.organization in claim.organizations else Refused("reserved")
    return Allowed() if reservation.kind in kinds_open_to(claim.priority) else Refused("reserved")


def check_quota(share: Share | None, taken: int, claim: Claim, start: datetime) -> Answer:
    """Whether the requesting organisation may take one more slot of the session: until the site release date, and never for asap."""
    if share is None or share.at_most is None or claim.priority in PRIORITIES[:2]:
        return Allowed()
    released = claim.now >= release_at(Reserved.SITE, start, WorkingCalendar())
    return Allowed() if released or taken < share.at_most else Refused("quota-exhausted")


def reserved_count(reservations: Iterable[Reservation | None]) -> int:
    """How many slots are kept for somebody."""
    return sum(reservation is not None for reservation in reservations)
