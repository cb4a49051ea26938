"""Half-open periods in UTC, and wall-clock time of Paris."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from maillage.kernel.errors import Invalid

PARIS = ZoneInfo("Europe/Paris")
EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2200, 1, 1)
"""The days that mean something here; the database holds the same two (`is_sane`)."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From `start` included to `end` excluded, both aware, kept in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end < self.start:
            raise Invalid.one("period-ends-before-start")

    @property
    def length(self) -> timedelta:
        """Elapsed time between the two bounds."""
        return self.end - self.start

    def overlaps(self, other: Period) -> bool:
        """Whether an instant belongs to both."""
        return self.start < other.end and other.start < self.end

    def intersection(self, other: Period) -> Period | None:
        """The common part, or None."""
        if not self.overlaps(other):
            return None
        return Period(max(self.start, other.start), min(self.end, other.end))


def union(periods: Iterable[Period]) -> tuple[Period, ...]:
    """The same instants as disjoint periods in order: what lies in two periods counts once."""
    merged: list[Period] = []
    for period in sorted(periods):
        if merged and period.start <= merged[-1].end:
            merged[-1] = Period(merged[-1].start, max(merged[-1].end, period.end))
        else:
            merged.append(period)
    return tuple(merged)


def net_length(whole: Period, removed: Iterable[Period]) -> timedelta:
    """Length of `whole` without the union of `removed` (workflows.md 0.9)."""
    parts = (whole.intersection(part) for part in union(removed))
    return whole.length - sum((part.length for part in parts if part), timedelta())


def wall_to_utc(day: date, at: time, fold: int | None = None) -> datetime:
    """The instant of a wall-clock time in Paris.

    Raises `Invalid` with `date-out-of-range` for a day of another era, `local-time-gap` for an hour that does not exist that night, and
    `local-time-doubled` for an hour that exists twice unless `fold` says which (0 the first, 1 the second).
    """
    if not EARLIEST <= day < LATEST:
        raise Invalid.one("date-out-of-range", details=f"{day}")
    first = datetime.combine(day, at, tzinfo=PARIS).replace(fold=0)
    second = first.replace(fold=1)
    instants = first.astimezone(UTC), second.astimezone(UTC)
    if instants[0] != instants[1]:
        if instants[0].astimezone(PARIS).replace(tzinfo=None) != first.replace(tzinfo=None):
            raise Invalid.one("local-time-gap", details=f"{day} {at} does not exist in Paris")
        if fold is None:
            raise Invalid.one("local-time-doubled", details=f"{day} {at} exists twice in Paris: say which")
    return instants[fold or 0]


def day_in_paris(instant: datetime) -> date:
    """The civil date in Paris of an instant."""
    return instant.astimezone(PARIS).date()
