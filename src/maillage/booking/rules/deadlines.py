"""Until when the turn of each open state must be played (workflows.md 0.3, 2)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from maillage.kernel.breach import Clock
from maillage.kernel.period import Period, day_in_paris, wall_to_utc
from maillage.kernel.working_time import Delay, WorkingCalendar, add_delay

PUBLICATION = timedelta(days=60)
REPLACEMENT = Delay(2, "wd")
DISPUTE = Delay(10, "wd")
LATE_PLANNING = Delay(2, "wd")
SHORT_NOTICE = Delay(10, "wd")
SETTLED_BY_DAY = 15
ATTENDANCE = timedelta(hours=24)
WAITING = timedelta(days=60)


def session_due(status: str, period: Period, now: datetime, calendar: WorkingCalendar) -> datetime | None:
    """When the turn of a session must be played; None when nobody owes anything."""
    if status == "planned":  # who plans it late has two working days to publish it
        return max(period.start - PUBLICATION, min(add_delay(now, LATE_PLANNING, calendar), period.start))
    if status == "at-risk":
        return min(add_delay(now, REPLACEMENT, calendar), period.start)
    if status in ("open", "running"):
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


def session_clock(status: str, period: Period, since: datetime, due: datetime) -> Clock:
    """The running deadline of an open session. What is due at its own hour is counted from that hour, not from months before."""
    if status == "open":
        return Clock("start", period.end, due, "h")
    if status == "running":
        return Clock("finish", period.end, due, "h")
    deadline, unit = {
        "planned": ("publication", "d"),
        "at-risk": ("replacement", "wd"),
        "done": ("settlement", "d"),
        "settlement-disputed": ("settlement-dispute", "wd"),
    }[status]
    return Clock(deadline, since, due, unit)


def appointment_clock(status: str, end: datetime | None, since: datetime, due: datetime, *, offered: bool) -> Clock | None:
    """The running deadline of an open appointment; None for a hold on a screen, which lasts ten minutes."""
    if status == "waitlist":  # a target that had passed when the patient came was nobody's time here
        return Clock("waiting", since if since < due else due - WAITING, due, "d")
    if status == "pending":
        return Clock("answer", since, due, "h") if offered else None
    return Clock("attendance", end or since, due, "h")
