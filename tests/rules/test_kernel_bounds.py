"""What people may enter: dates they can mean, counts and texts of a human size."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from maillage.kernel.bounds import AHEAD, check_entered, date_problem
from maillage.kernel.errors import Invalid
from maillage.kernel.operations import Param
from maillage.kernel.period import wall_to_utc

NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # half past midnight in Paris, on Monday the 23rd


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (datetime.min.replace(tzinfo=UTC), "date-out-of-range"),
        (datetime.max.replace(tzinfo=UTC), "date-out-of-range"),
        (datetime(2026, 11, 23), "date-out-of-range"),  # noqa: DTZ001  # a naive value is what is refused
        (date.min, "date-out-of-range"),
        (date.max, "date-out-of-range"),
        (date(1899, 12, 31), "date-out-of-range"),
        (date(1900, 1, 1), None),
        (date(2026, 11, 23) + AHEAD, None),
        (date(2026, 11, 23) + AHEAD + timedelta(days=1), "date-out-of-range"),
        (NOW + AHEAD + timedelta(days=1), "date-out-of-range"),
        (NOW, None),
    ],
)
def test_a_date_that_nobody_can_mean(value: date, problem: str | None) -> None:
    assert date_problem(value, NOW) == problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (date(2026, 11, 22), "date-in-the-past"),
        (date(2026, 11, 23), None),
        (datetime(2026, 11, 22, 22, 59, tzinfo=UTC), "date-in-the-past"),
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), None),  # the day has begun in Paris
    ],
)
def test_what_is_owed_is_owed_today_at_the_earliest(value: date, problem: str | None) -> None:
    assert date_problem(value, NOW, past=False) == problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (NOW, None),
        (NOW + timedelta(microseconds=1), "date-in-the-future"),
        (date(2026, 11, 23), None),
        (date(2026, 11, 24), "date-in-the-future"),
    ],
)
def test_what_took_place_is_not_to_come(value: date, problem: str | None) -> None:
    assert date_problem(value, NOW, future=False) == problem


PARAMETERS = (
    Param("reserved-asap", "integer", high=10),
    Param("boost", "integer", low=-5, high=5),
    Param("items", "string", many=True, most=2, longest=4),
    Param("rows", "string", many=True, parts=(Param("due", "dateTime", past=False),)),
    Param("code", "code"),
    Param("sure", "boolean"),
)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"reserved_asap": 10, "boost": -5, "items": ["abcd", "e"], "rows": [{"due": NOW}], "code": "x" * 9_000, "sure": True},
        {"reserved-asap": 0, "boost": None},
    ],
)
def test_what_is_within_its_bounds_passes(given: dict[str, Any]) -> None:
    check_entered(PARAMETERS, given, NOW)


@pytest.mark.parametrize(
    ("given", "reason", "where"),
    [
        ({"reserved_asap": 11}, "number-out-of-range", "where(name='reserved-asap')"),
        ({"reserved-asap": -1}, "number-out-of-range", "where(name='reserved-asap')"),
        ({"boost": 2_147_483_647}, "number-out-of-range", "where(name='boost')"),
        ({"items": ["a"] * 3}, "too-many", "where(name='items')"),
        ({"items": ["a", "abcde"]}, "text-too-long", "where(name='items')[1]"),
        ({"rows": [{"due": NOW}, {"due": NOW - AHEAD}]}, "date-in-the-past", "where(name='rows')[1].part.where(name='due')"),
    ],
)
def test_what_is_not_is_told_at_its_parameter(given: dict[str, Any], reason: str, where: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_entered(PARAMETERS, given, NOW)
    (issue,) = refusal.value.issues
    assert (issue.reason, issue.expression) == (reason, f"Parameters.parameter.{where}")


@pytest.mark.parametrize("day", [date.min, date(1899, 12, 31), date(2200, 1, 1), date.max])
def test_no_wall_clock_hangs_in_another_era(day: date) -> None:
    with pytest.raises(Invalid) as refusal:
        wall_to_utc(day, time(0))
    assert refusal.value.reason == "date-out-of-range"
