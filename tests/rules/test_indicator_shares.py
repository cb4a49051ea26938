"""Shares: floors, Wilson's interval against published values, and nothing that can be found again by subtraction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.indicators import RATE_FLOOR, Share, references, share_told, total_told, wilson


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
    ids=["81 of 263", "15 of 148", "0 of 20", "1 of 29"],
)
def test_wilsons_interval_is_the_published_one(part: int, whole: int, low: float, high: float) -> None:
    """The four examples of Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    assert wilson(part, whole) == pytest.approx((low, high), abs=5e-5)


def test_a_rate_needs_thirty_cases() -> None:
    assert share_told(12, RATE_FLOOR - 1, inside=True) == Share(12, 29)
    told = share_told(15, RATE_FLOOR, inside=True)
    assert told.rate == 0.5
    assert told.low is not None
    assert told.high is not None
    assert told.low < 0.5 < told.high


@given(st.integers(0, 60), st.integers(0, 60))
def test_outside_the_care_team_neither_side_of_a_cut_is_told_under_eleven(part: int, rest: int) -> None:
    told = share_told(part, part + rest, inside=False)
    if told.part is not None:
        assert part >= 11
        assert rest >= 11
    assert told.whole is None or told.whole >= 11


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=8))
def test_a_total_never_gives_a_hidden_count_away(cells: list[tuple[int, bool]]) -> None:
    told = total_told(cells)
    hidden = [number for number, inside in cells if not inside and number < 11]
    if told is None:
        assert hidden
    elif hidden:
        left = told - sum(number for number, inside in cells if inside or number >= 11)
        assert len(hidden) > 1, "one hidden count is what is left of the total"
        assert left >= 11


def test_each_published_value_says_where_it_comes_from() -> None:
    found = [one for several in references().values() for one in several]
    assert found
    assert all(one.value and one.source and one.meaning["fr"] and one.meaning["en"] for one in found)
