"""The breach ladder: what becomes of a turn that nobody plays, the same in every room (workflows.md 0.4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from maillage.kernel.working_time import Delay, WorkingCalendar, add_delay, add_time, time_between

REMINDER, BREACH, SENIOR, GROUP = 75, 100, 150, 300
"""The steps: percent of the time that was granted."""
GROUP_AT_MOST: Final = Delay(10, "wd")
HOLDER, REQUESTER, PERFORMER, OFFICE, LEAD = "holder", "requester", "performer", "office", "LD"
TOLD: Final[Mapping[int, tuple[str, ...]]] = {
    REMINDER: (HOLDER,),
    BREACH: (HOLDER, REQUESTER, PERFORMER, OFFICE),
    SENIOR: (LEAD, REQUESTER),
    GROUP: (LEAD,),
}
"""Who is told at each step: the holder; both sides and the backup; the senior, and the requester who may go elsewhere; the working group."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One running deadline: its name, from when it is counted, when it is due, in which unit it runs."""

    deadline: str
    since: datetime
    due: datetime
    unit: str


def ladder(clock: Clock, calendar: WorkingCalendar) -> dict[int, datetime]:
    """When each step is reached: 75 reminder, 100 breach, 150 senior, 300 (or ten working days) working group."""
    granted = time_between(clock.since, clock.due, clock.unit, calendar)
    again = granted or timedelta(hours=1)
    group = add_time(clock.due, 2 * again, clock.unit, calendar)
    return {
        REMINDER: min(clock.due, add_time(clock.since, granted * 0.75, clock.unit, calendar)),
        BREACH: clock.due,
        SENIOR: add_time(clock.due, again / 2, clock.unit, calendar),
        GROUP: min(group, add_delay(clock.due, GROUP_AT_MOST, calendar)),
    }


def levels_reached(clock: Clock, now: datetime, calendar: WorkingCalendar) -> tuple[int, ...]:
    """The steps that are reached at an instant."""
    return tuple(level for level, at in ladder(clock, calendar).items() if now >= at)


def steps_to_write(clock: Clock, now: datetime, calendar: WorkingCalendar, known: Collection[int]) -> tuple[int, ...]:
    """The steps that are reached and not written yet, in their order."""
    return tuple(level for level in levels_reached(clock, now, calendar) if level not in known)


def next_step(clock: Clock, now: datetime, calendar: WorkingCalendar) -> datetime | None:
    """When the scheduler must look again; None after the last step."""
    return min((at for at in ladder(clock, calendar).values() if at > now), default=None)
