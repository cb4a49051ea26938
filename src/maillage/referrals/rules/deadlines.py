"""By when: the due instant of each state, and the time that is left to a turn that comes back (workflows.md 0.4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from maillage.kernel.breach import Clock
from maillage.kernel.working_time import Delay, WorkingCalendar, add_delay, length_of, time_between
from maillage.referrals.types import DEADLINE_OF_STATE, DEADLINES

Delays = Mapping[str, Mapping[str, Delay]]

A_QUARTER: Final = 0.25
WHOLE_EACH_TIME: Final = frozenset({"attendance", "offer-answered", "visit"})
"""Deadlines that belong to one event or to the whole path: nothing is left over from the time before."""
DEFAULT_PRIORITY: Final = "routine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """The instants of a Task from which deadlines are counted; `left` is the share left of deadlines that were interrupted."""

    first_sent_at: datetime | None = None
    sent_at: datetime | None = None
    slot_end: datetime | None = None
    hold_expires_at: datetime | None = None
    removed: timedelta = timedelta()
    left: Mapping[str, float] = field(default_factory=dict)


def delay_of(deadline: str, priority: str, delays: Delays = DEADLINES) -> Delay:
    """The delay of a deadline; a service's own table beats the default one."""
    table = delays.get(deadline) or DEADLINES[deadline]
    return table.get(priority) or table[DEFAULT_PRIORITY]


def clock_for(state: str, priority: str, now: datetime, dates: Dates, calendar: WorkingCalendar, delays: Delays = DEADLINES) -> Clock:
    """The deadline that starts to run when a Task enters an open state."""
    deadline = DEADLINE_OF_STATE[state]
    whole = delay_of(deadline, priority, delays)
    if deadline == "attendance" and dates.slot_end:
        return Clock(deadline, dates.slot_end, add_delay(dates.slot_end, whole, calendar), whole.unit)
    if deadline == "offer-answered" and dates.hold_expires_at:
        return Clock(deadline, now, dates.hold_expires_at, "h")
    if deadline == "visit":
        return _visit_clock(now, whole, dates, calendar)
    if deadline == "decided" and state == "opened" and dates.sent_at:
        return _at_least_a_quarter(
            Clock(deadline, dates.sent_at, add_delay(dates.sent_at, whole, calendar), whole.unit), now, whole, calendar
        )
    return _clock_from_now(deadline, now, whole, dates.left, calendar)


def rescaled(clock: Clock, priority: str, now: datetime, calendar: WorkingCalendar, delays: Delays = DEADLINES) -> Clock:
    """The running deadline under another priority: counted from the same instant, at least a quarter of the whole from now."""
    if clock.deadline in ("attendance", "offer-answered"):
        return clock
    whole = delay_of(clock.deadline, priority, delays)
    due = add_delay(clock.since, whole, calendar)
    return _at_least_a_quarter(Clock(clock.deadline, clock.since, due, whole.unit), now, whole, calendar)


def _visit_clock(now: datetime, whole: Delay, dates: Dates, calendar: WorkingCalendar) -> Clock:
    """Counted from the first sending, whatever happened since, without the time that the patient asked for."""
    since = dates.first_sent_at or now
    return _at_least_a_quarter(Clock("visit", since, add_delay(since, whole, calendar) + dates.removed, whole.unit), now, whole, calendar)


def _at_least_a_quarter(clock: Clock, now: datetime, whole: Delay, calendar: WorkingCalendar) -> Clock:
    floor = add_delay(now, share(whole, A_QUARTER, calendar), calendar)
    return clock if clock.due >= floor else Clock(clock.deadline, now, floor, clock.unit)


def _clock_from_now(deadline: str, now: datetime, whole: Delay, left: Mapping[str, float], calendar: WorkingCalendar) -> Clock:
    fraction = 1.0 if deadline in WHOLE_EACH_TIME else max(A_QUARTER, left.get(deadline, 1.0))
    return Clock(deadline, now, add_delay(now, share(whole, fraction, calendar), calendar), whole.unit)


def share(whole: Delay, fraction: float, calendar: WorkingCalendar) -> Delay:
    """A part of a delay, rounded up to the hour: working days become service hours."""
    if fraction >= 1:
        return whole
    hours = math.ceil(length_of(whole, calendar) / timedelta(hours=1) * fraction)
    return Delay(max(1, hours), "bh" if whole.unit in ("bh", "wd") else "h")


def left_of(clock: Clock, now: datetime, calendar: WorkingCalendar, priority: str, delays: Delays = DEADLINES) -> float:
    """The share of the whole deadline that is not spent yet, between 0 and 1."""
    whole = length_of(delay_of(clock.deadline, priority, delays), calendar)
    return min(1.0, time_between(now, clock.due, clock.unit, calendar) / whole)
