"""Periods are half-open in UTC; what two periods share counts once; wall-clock hours of Paris are exact on clock-change nights."""

import itertools
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.kernel.errors import Invalid
from maillage.kernel.period import Period, net_length, union, wall_to_utc

START = datetime(2026, 1, 1, tzinfo=UTC)


def _period(a: int, b: int) -> Period:
    return Period(START + timedelta(hours=min(a, b)), START + timedelta(hours=max(a, b)))


periods = st.lists(st.builds(_period, st.integers(0, 100), st.integers(0, 100)), max_size=8)


def test_bounds_touch_without_overlap() -> None:
    assert not _period(0, 1).overlaps(_period(1, 2))
    assert _period(0, 2).intersection(_period(1, 3)) == _period(1, 2)


def test_a_period_cannot_end_before_it_starts() -> None:
    with pytest.raises(Invalid) as caught:
        Period(START, START - timedelta(seconds=1))
    assert caught.value.reason == "period-ends-before-start"


@given(periods)
def test_union_is_disjoint_and_in_order(parts: list[Period]) -> None:
    merged = union(parts)
    assert all(a.end < b.start for a, b in itertools.pairwise(merged))


@given(periods)
def test_net_is_the_hours_outside_of_every_removed_period(parts: list[Period]) -> None:
    whole = _period(0, 100)
    outside = sum(not any(part.start <= START + timedelta(hours=h) < part.end for part in parts) for h in range(100))
    assert net_length(whole, parts) == timedelta(hours=outside)


def test_the_hour_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        wall_to_utc(date(2026, 3, 29), time(2, 30))
    assert caught.value.reason == "local-time-gap"


def test_the_hour_that_exists_twice_must_be_told_apart() -> None:
    with pytest.raises(Invalid) as caught:
        wall_to_utc(date(2026, 10, 25), time(2, 30))
    assert caught.value.reason == "local-time-doubled"
    first, second = (wall_to_utc(date(2026, 10, 25), time(2, 30), fold=fold) for fold in (0, 1))
    assert second - first == timedelta(hours=1)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 10, 25), 25), (date(2026, 3, 29), 23), (date(2026, 6, 1), 24)])
def test_a_day_lasts_what_it_lasts(day: date, hours: int) -> None:
    assert wall_to_utc(day + timedelta(days=1), time(0)) - wall_to_utc(day, time(0)) == timedelta(hours=hours)
