"""What people may enter: dates of their lifetime, counts and texts of a human size. One place; the database holds the outermost bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from maillage.kernel.errors import Invalid, Issue
from maillage.kernel.operations import Param
from maillage.kernel.period import EARLIEST, PARIS, day_in_paris

AHEAD: Final = timedelta(days=5 * 366)
"""How far ahead people plan."""


def date_problem(value: date | datetime, now: datetime, *, past: bool = True, future: bool = True) -> str | None:
    """Why a date that somebody entered cannot be meant; None when it can.

    `past=False`: today at the earliest. `future=False`: it has happened already.
    """
    today = day_in_paris(now)
    if _is_outside(value, EARLIEST, today + AHEAD):
        return "date-out-of-range"
    day = day_in_paris(value) if isinstance(value, datetime) else value
    if not past and day < today:
        return "date-in-the-past"
    late = value > now if isinstance(value, datetime) else day > today
    return "date-in-the-future" if late and not future else None


def _is_outside(value: date | datetime, first: date, last: date) -> bool:
    """Compared without a change of zone, which the first and the last days of the calendar do not bear."""
    if not isinstance(value, datetime):
        return not first <= value <= last
    if value.tzinfo is None:
        return True
    return not datetime.combine(first, time(), PARIS) <= value <= datetime.combine(last, time(), PARIS)


def check_entered(parameters: tuple[Param, ...], given: Mapping[str, Any], now: datetime) -> None:
    """Every value given to a verb within its bounds. Raises `Invalid` with one issue for each that is not, at its parameter."""
    issues = tuple(_issues(parameters, given, now, "Parameters.parameter"))
    if issues:
        raise Invalid(*issues)


def _issues(parameters: tuple[Param, ...], given: Mapping[str, Any], now: datetime, path: str) -> Iterator[Issue]:
    for param in parameters:
        value, where = given.get(param.name.replace("-", "_")), f"{path}.where(name='{param.name}')"
        if value is None:
            value = given.get(param.name)
        if not isinstance(value, list | tuple):
            yield from _of_one(param, value, now, where)
            continue
        if len(value) > param.most:
            yield Issue("error", "business-rule", "too-many", where, f"{param.most} at most")
        for place, one in enumerate(value[: param.most]):
            yield from _of_one(param, one, now, f"{where}[{place}]")


def _of_one(param: Param, value: Any, now: datetime, where: str) -> Iterator[Issue]:
    if isinstance(value, Mapping):
        yield from _issues(param.parts, value, now, f"{where}.part")
        return
    problem = _problem(param, value, now)
    if problem:
        yield Issue("error", "business-rule", problem[0], where, problem[1])


def _problem(param: Param, value: Any, now: datetime) -> tuple[str, str] | None:
    if isinstance(value, date):
        reason = date_problem(value, now, past=param.past, future=param.future)
        return (reason, value.isoformat()) if reason else None
    if isinstance(value, int) and not isinstance(value, bool) and not param.low <= value <= param.high:
        return "number-out-of-range", f"{param.low} to {param.high}"
    if isinstance(value, str) and param.type in ("string", "markdown") and len(value) > param.longest:
        return "text-too-long", f"{param.longest} characters at most"
    return None
