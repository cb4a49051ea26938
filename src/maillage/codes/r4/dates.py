"""FHIR dates as intervals: a date of any precision is the span of instants that it may mean, in UTC. No zone is read as UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

_FORM: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII)
FIRST: Final = datetime.min.replace(tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_USUAL: Final[dict[int, tuple[timedelta, str, int, str]]] = {
    20: (_SECOND, "Z", 19, "Z"),
    25: (_SECOND, "+-", 19, "+-"),
    24: (_MILLISECOND, ".", 23, "Z"),
    29: (_MILLISECOND, ".", 23, "+-"),
}
"""Length -> width of the interval, what stands at 19, and where the zone starts and with what."""
LAST: Final = datetime.max.replace(tzinfo=UTC)


def interval(text: str) -> tuple[datetime, datetime] | None:
    """First instant included, last one excluded; None when the text is no FHIR date."""
    if (len(text) == 10 or len(text) in _USUAL) and (quick := _usual(text)) is not None:
        return quick
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        if hour is None:
            return _days(int(year), int(month or 0), int(day or 0))
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second or 0), 59), tzinfo=_zone(zone))
    except ValueError:
        return None
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    width = timedelta(minutes=1) if second is None else timedelta(microseconds=10 ** max(0, 6 - len(fraction or "")))
    return _span(moment.replace(microsecond=micro), width)


def _usual(text: str) -> tuple[datetime, datetime] | None:
    """A day, or a time to the second or millisecond with its zone: nearly every date there is, read by the library in C."""
    if text[4] != "-" or text[7] != "-" or not text.isascii():
        return None
    try:
        if len(text) == 10:
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return day, day + _DAY
        width, sign, place, zone = _USUAL[len(text)]
        if text[10] + text[13] + text[16] != "T::" or text[19] not in sign or text[place] not in zone:
            return None
        first = datetime.fromisoformat(text).astimezone(UTC)
        return first, first + width
    except (ValueError, OverflowError):
        return None  # second 60, years 1 and 9999, or no date at all: the long way tells


def is_date(text: str) -> bool:
    """True when the day exists (the form is checked elsewhere)."""
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def after(start: str, end: str) -> bool:
    """True when `start` certainly lies after `end`; false also when their precision leaves it open."""
    if len(start) == len(end) and (len(start) == 10 or start[-6:] == end[-6:]):
        return start > end
    first, second = interval(start), interval(end)
    return first is not None and second is not None and first[0] >= second[1]


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _days(year: int, month: int, day: int) -> tuple[datetime, datetime]:
    first = datetime(year, month or 1, day or 1, tzinfo=UTC)
    if day:
        return _span(first, timedelta(days=1))
    following = (year, month + 1) if 0 < month < 12 else (year + 1, 1)
    return first, LAST if following[0] > 9999 else datetime(*following, 1, tzinfo=UTC)


def _span(moment: datetime, width: timedelta) -> tuple[datetime, datetime]:
    """In UTC, kept inside what a datetime can hold."""
    try:
        first = moment.astimezone(UTC)
    except OverflowError:
        first = FIRST if moment.year < 5000 else LAST
    return first, LAST if first > LAST - width else first + width
