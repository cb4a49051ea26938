"""From a vacation to its dated occurrences: recurrence, then holidays, then dated exceptions, which beat both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time

from dateutil.rrule import rrulestr

from maillage.booking.types import Calendar, DatedException, ExceptionKind, Occurrence, Template
from maillage.kernel.errors import Invalid

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("WEEKLY", "MONTHLY")
MAX_INTERVAL = 53


def read_rrule(text: str) -> dict[str, str]:
    """The parts of a recurrence rule. Weekly or monthly, an interval and days only: bounds belong to the vacation's validity."""
    parts = dict(part.split("=", 1) for part in text.upper().removeprefix("RRULE:").split(";") if "=" in part)
    days = parts.get("BYDAY", "").split(",")
    legal = parts.keys() <= {"FREQ", "INTERVAL", "BYDAY"} and parts.get("FREQ") in FREQUENCIES
    interval = parts.get("INTERVAL", "1")
    legal = legal and interval.isdigit() and 1 <= int(interval) <= MAX_INTERVAL
    if not legal or not all(_is_day(day, parts["FREQ"]) for day in days):
        raise Invalid.one("bad-recurrence", "Schedule.extension", details=text)
    return {"FREQ": parts["FREQ"], "INTERVAL": interval, "BYDAY": ",".join(days)}


def _is_day(text: str, frequency: str) -> bool:
    ordinal, day = text[:-2], text[-2:]
    weeks = ("",) if frequency == "WEEKLY" else ("1", "2", "3", "4", "-1")
    return day in WEEKDAYS and ordinal in weeks


def write_rrule(parts: Mapping[str, str]) -> str:
    """The rule in RFC 2445 words, always in the same order."""
    return ";".join(f"{name}={parts[name]}" for name in ("FREQ", "INTERVAL", "BYDAY"))


def recurrence_days(template: Template, first: date, last: date) -> tuple[date, ...]:
    """The days of the bare recurrence from `first` to `last` included, inside the validity of the vacation."""
    begin = datetime.combine(template.valid_from, time(), tzinfo=UTC)
    last = min(last, template.valid_to) if template.valid_to else last
    rule = rrulestr(write_rrule(read_rrule(template.rrule)), dtstart=begin)
    low = datetime.combine(max(first, template.valid_from), time(), tzinfo=UTC)
    return tuple(at.date() for at in rule.between(low, datetime.combine(last, time(), tzinfo=UTC), inc=True))


def occurrences(
    template: Template, exceptions: Iterable[DatedException], calendar: Calendar, first: date, last: date
) -> tuple[Occurrence, ...]:
    """The occurrences whose day of recurrence lies between `first` and `last`, both included, in order."""
    dated = {exception.day: exception for exception in exceptions if first <= exception.day <= last}
    usual = set(recurrence_days(template, first, last))
    stray = [day for day, exception in dated.items() if exception.kind == ExceptionKind.MOVED and day not in usual]
    if stray:
        raise Invalid.one("not-an-occurrence", "Schedule.extension", details=", ".join(map(str, sorted(stray))))
    kept = {day for day in usual if not (template.closed_on_holidays and day in calendar.public)}
    kept = (kept | dated.keys()) - {day for day, exception in dated.items() if exception.kind == ExceptionKind.CLOSED}
    return tuple(_occurrence(template, day, dated.get(day), calendar) for day in sorted(kept))


def _occurrence(template: Template, day: date, exception: DatedException | None, calendar: Calendar) -> Occurrence:
    if exception is None:
        return Occurrence(day, day, template.starts, template.ends, None, "rule", calendar.in_school_holidays(day))
    on = exception.to_day or day
    starts = template.starts if exception.starts is None else exception.starts
    ends = template.ends if exception.ends is None else exception.ends
    return Occurrence(day, on, starts, ends, exception.room, exception.kind, calendar.in_school_holidays(on))
