"""Events for agenda programmes (iCalendar, RFC 5545): instants in UTC, lines of 75 bytes at most, nothing that names anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `version` grows with each change, so that the programme takes the newest."""

    uid: str
    version: int
    starts_at: datetime
    ends_at: datetime
    title: str
    place: str
    text: str
    cancelled: bool = False


def calendar(name: str, events: Iterable[Event], now: datetime) -> bytes:
    """The whole feed."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//maillage//vacations//FR", "METHOD:PUBLISH", f"X-WR-CALNAME:{escaped(name)}"]
    lines += ["REFRESH-INTERVAL;VALUE=DURATION:PT1H"]  # RFC 7986, 5.7
    for event in events:
        lines += _event(event, now)
    return "".join(folded(line) for line in [*lines, "END:VCALENDAR"]).encode()


def _event(event: Event, now: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{event.uid}@maillage"
    yield f"DTSTAMP:{stamp(now)}"
    yield f"SEQUENCE:{event.version}"
    yield f"DTSTART:{stamp(event.starts_at)}"
    yield f"DTEND:{stamp(event.ends_at)}"
    yield f"SUMMARY:{escaped(event.title)}"
    yield f"LOCATION:{escaped(event.place)}"
    yield f"DESCRIPTION:{escaped(event.text)}"
    yield f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}"
    yield "END:VEVENT"


def stamp(at: datetime) -> str:
    """`20261116T080000Z`: an instant that no change of clock moves."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def escaped(text: str) -> str:
    """The text of a property (RFC 5545, 3.3.11); what would begin a line of its own does not."""
    plain = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return plain.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def folded(line: str) -> str:
    """The line cut every 75 bytes, never inside a character (RFC 5545, 3.1)."""
    parts, current, size = [], "", 0
    for char in line:
        wide = len(char.encode())
        if size + wide > 75:
            parts.append(current)
            current, size = " ", 1
        current, size = current + char, size + wide
    return "\r\n".join([*parts, current]) + "\r\n"
