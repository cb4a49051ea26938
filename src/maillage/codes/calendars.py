"""Days off: public holidays of metropolitan France, school holidays of zone C (Créteil, Paris, Versailles)."""

from __future__ import annotations

from datetime import date
from functools import cache

from maillage.codes.facts import rows


@cache
def public_holiday_names() -> dict[date, str]:
    """Each public holiday with its French name."""
    return {date.fromisoformat(row["date"]): row["name"] for row in rows("public_holidays")}


@cache
def public_holidays() -> frozenset[date]:
    """The days on which working time does not run."""
    return frozenset(public_holiday_names())


@cache
def school_holidays_zone_c() -> tuple[tuple[date, date], ...]:
    """First and last day, both included, in order."""
    return tuple((first, last) for first, last, _ in _school())


def school_holiday_name(day: date) -> str | None:
    """The name of the school holiday that covers this day, if one does."""
    return next((name for first, last, name in _school() if first <= day <= last), None)


def covered_years() -> tuple[int, int]:
    """First and last year of the public holidays: outside of them the calendar knows nothing."""
    years = sorted(day.year for day in public_holidays())
    return years[0], years[-1]


@cache
def _school() -> tuple[tuple[date, date, str], ...]:
    found = [(date.fromisoformat(r["first_day"]), date.fromisoformat(r["last_day"]), r["name"]) for r in rows("school_holidays_zone_c")]
    return tuple(sorted(found))
