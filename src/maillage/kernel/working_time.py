"""Deadlines: elapsed hours, service hours, working days, calendar days (workflows.md 0.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from maillage.kernel.errors import Invalid
from maillage.kernel.period import PARIS, day_in_paris, wall_to_utc

UNITS = ("min", "h", "bh", "wd", "d")


@dataclass(frozen=True, slots=True)
class Delay:
    """An amount of `min` minutes, `h` hours, `bh` service hours, `wd` working days or `d` calendar days."""

    amount: int
    unit: str

    def __post_init__(self) -> None:
        """Raise `Invalid("unknown-delay")` for a unit that nobody knows."""
        if self.unit not in UNITS:
            raise Invalid.one("unknown-delay", details=self.unit)

    @classmethod
    def parse(cls, text: str) -> Delay:
        """Read `"4 bh"`, `"2 wd"`, `"21 d"`."""
        amount, _, unit = text.strip().partition(" ")
        if not amount.isdigit():
            raise Invalid.one("unknown-delay", details=text)
        return cls(int(amount), unit)


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Opening hours of working days in Paris; Saturdays, Sundays and `holidays` are closed."""

    holidays: frozenset[date] = frozenset()
    opening: time = time(8)
    closing: time = time(18)

    def is_open(self, day: date) -> bool:
        """Whether `day` is a working day."""
        return day.weekday() < 5 and day not in self.holidays

    def next_open(self, day: date) -> date:
        """The first working day after `day`."""
        day += timedelta(days=1)
        while not self.is_open(day):
            day += timedelta(days=1)
        return day


def add_delay(start: datetime, delay: Delay, calendar: WorkingCalendar) -> datetime:
    """The instant at which `delay` is spent, counted from `start`, in UTC.

    Calendar and working days keep the wall-clock hour of Paris; service hours run only while the service is open. A delay in working days
    that begins on a closed day begins when the service next opens: nobody is late before a door has opened.
    """
    if delay.unit == "min":
        return start.astimezone(UTC) + timedelta(minutes=delay.amount)
    if delay.unit == "h":
        return start.astimezone(UTC) + timedelta(hours=delay.amount)
    if delay.unit == "bh":
        return _add_service_hours(start, timedelta(hours=delay.amount), calendar)
    local = (_first_open(start, calendar) if delay.unit == "wd" else start).astimezone(PARIS)
    day = local.date() + timedelta(days=delay.amount) if delay.unit == "d" else _add_working_days(local.date(), delay.amount, calendar)
    return _same_wall_time(day, local)


def _first_open(start: datetime, calendar: WorkingCalendar) -> datetime:
    """The start itself on a working day, the opening of the next one otherwise."""
    day = day_in_paris(start)
    return start if calendar.is_open(day) else wall_to_utc(calendar.next_open(day), calendar.opening)


def _same_wall_time(day: date, local: datetime) -> datetime:
    try:
        return wall_to_utc(day, local.time().replace(tzinfo=None), fold=local.fold)
    except Invalid:  # the hour that does not exist that night: one hour later is the same wall-clock promise
        return wall_to_utc(day, (local + timedelta(hours=1)).time().replace(tzinfo=None), fold=0)


def _add_working_days(day: date, amount: int, calendar: WorkingCalendar) -> date:
    for _ in range(amount):
        day = calendar.next_open(day)
    return day


def _add_service_hours(start: datetime, left: timedelta, calendar: WorkingCalendar) -> datetime:
    now = start.astimezone(UTC)
    while True:
        day = now.astimezone(PARIS).date()
        opens, closes = wall_to_utc(day, calendar.opening), wall_to_utc(day, calendar.closing)
        if calendar.is_open(day) and now < closes:
            now = max(now, opens)
            if now + left <= closes:
                return now + left
            left -= closes - now
        now = wall_to_utc(calendar.next_open(day), calendar.opening)


def time_between(start: datetime, end: datetime, unit: str, calendar: WorkingCalendar) -> timedelta:
    """How much of a delay in this unit runs from `start` to `end`: service hours for `bh` and `wd`, elapsed time otherwise."""
    if end <= start:
        return timedelta()
    if unit not in ("bh", "wd"):
        return end.astimezone(UTC) - start.astimezone(UTC)
    total, day, last = timedelta(), start.astimezone(PARIS).date(), end.astimezone(PARIS).date()
    while day <= last:
        if calendar.is_open(day):
            opens, closes = wall_to_utc(day, calendar.opening), wall_to_utc(day, calendar.closing)
            total += max(timedelta(), min(closes, end.astimezone(UTC)) - max(opens, start.astimezone(UTC)))
        day += timedelta(days=1)
    return total


def add_time(start: datetime, length: timedelta, unit: str, calendar: WorkingCalendar) -> datetime:
    """The instant at which `length` of a delay in this unit has run since `start`: the inverse of `time_between`."""
    if unit in ("bh", "wd"):
        return _add_service_hours(start, length, calendar)
    return start.astimezone(UTC) + length


def length_of(delay: Delay, calendar: WorkingCalendar) -> timedelta:
    """A delay as time that runs: a working day is the opening hours of one day."""
    opening = datetime.combine(date.min, calendar.closing) - datetime.combine(date.min, calendar.opening)
    unit = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "bh": timedelta(hours=1), "wd": opening, "d": timedelta(days=1)}
    return unit[delay.unit] * delay.amount
