"""Until when the turn of each open state must be played (workflows.md 0.3, 2)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from maillage.kernel.period import Period, day_in_paris, wall_to_utc
from maillage.kernel.working_time import Delay, WorkingCalendar, add_delay

PUBLICATION = timedelta(days=60)
REPLACEMENT = Delay(2, "wd")
DISPUTE = Delay(10, "wd")
SHORT_NOTICE = Delay(10, "wd")
SETTLED_BY_DAY = 15
ATTENDANCE = timedelta(hours=24)
WAITING = timedelta(days=60)


def session_due(status: str, period: Period, now: datetime, calendar: WorkingCalendar) -> datetime | None:
    """When the turn of a session must be played; None when nobody owes anything."""
    if status == "planned":
        return period.start - PUBLICATION
    if status == "open":
        return period.start
    if status == "at-risk":
        return min(add_delay(now, REPLACEMENT, calendar), period.start)
    if status == "running":
        return period.end + ATTENDANCE
    if status == "done":
        return _fifteenth_after(period.end)
    return add_delay(now, DISPUTE, calendar) if status == "settlement-disputed" else None


def _fifteenth_after(at: datetime) -> datetime:
    """The end of the 15th of the next month."""
    first = day_in_paris(at).replace(day=1) + timedelta(days=32)
    return wall_to_utc(first.replace(day=SETTLED_BY_DAY), time(23, 59))


def is_short_notice(now: datetime, start: datetime, calendar: WorkingCalendar) -> bool:
    """Whether a session is cancelled less than ten working days before."""
    return add_delay(now, SHORT_NOTICE, calendar) > start


def visit_due(end: datetime) -> datetime:
    """When the outcome of an appointment must be known."""
    return end + ATTENDANCE


def waiting_due(since: datetime, target: datetime | None) -> datetime:
    """When a line of the waiting list must have been served."""
    return target or since + WAITING
