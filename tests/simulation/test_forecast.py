"""Forecasts: exact where theory is exact, honest on simulated weeks."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.simulation import forecast
from maillage.simulation.backtest import COVERAGE, memory, pinball, rolling, uniformity
from maillage.simulation.forecast import band, bed_demand, eligible_flow, features_of, fit_arrivals, poisson_binomial


def test_the_poisson_binomial_of_the_books() -> None:
    assert poisson_binomial([0.1, 0.5, 0.9]) == pytest.approx([0.045, 0.455, 0.455, 0.045], abs=1e-16)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_the_poisson_binomial_is_that_of_every_outcome(p: list[float]) -> None:
    expected = np.zeros(len(p) + 1)
    for outcome in product((0, 1), repeat=len(p)):
        expected[sum(outcome)] += math.prod(q if hit else 1 - q for q, hit in zip(p, outcome, strict=True))
    assert poisson_binomial(p) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [30, 60, 250])
def test_equal_probabilities_give_the_binomial(n: int) -> None:
    expected = [math.comb(n, k) * 0.3**k * 0.7 ** (n - k) for k in range(n + 1)]
    assert poisson_binomial([0.3] * n) == pytest.approx(expected, abs=1e-15)


def test_bed_demand_is_a_difference() -> None:
    found, first = bed_demand([0.5, 0.5], 0.0, 0.0, [1.0])
    assert first == -1
    assert found.tolist() == pytest.approx([0.25, 0.5, 0.25] + [0.0] * (len(found) - 3))
    demand, first = bed_demand([0.2] * 40, 5.0, 2.0, [0.6] * 10)
    mean = float((np.arange(len(demand)) + first) @ demand)
    assert mean == pytest.approx(8 + 5 + 2 - 6, abs=1e-9)
    assert demand.sum() == pytest.approx(1.0, abs=1e-9)


def test_the_eligible_flow_has_the_mean_and_the_spread_of_its_parts() -> None:
    shapes, means = np.array([40.0, 50.0]), np.array([4.0, 5.0])
    found = eligible_flow(shapes, means, eligible=150, seen=500, day_cv=0.05)
    k = np.arange(len(found))
    mean = float(k @ found)
    share = 151 / 502
    assert mean == pytest.approx(9 * share, rel=1e-6)
    variance = float(k**2 @ found) - mean**2
    assert variance > 9 * share  # more than Poisson
    assert band(found).low <= band(found).median <= band(found).high


def test_a_rate_comes_from_fifty_or_from_all() -> None:
    found = forecast.group_rates(np.array([10, 30]), np.array([20, 100]))
    assert found.tolist() == [40 / 120, 0.3]


def test_who_has_waited_long_is_likelier_to_be_gone() -> None:
    def cumulated(t: float) -> float:
        return 1 - math.exp(-t / 200)

    assert forecast.still_to_come(0.3, 0.0, 120.0, cumulated) == pytest.approx(forecast.still_to_come(0.3, 500.0, 120.0, cumulated))
    assert forecast.expected_to_come(lambda u: 0.1, 0.2, lambda t: 1.0, 600.0) == pytest.approx(0.1 * 0.2 * 600)


def weeks(count: int, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Simulated hours: a daily shape, a day effect, Poisson around."""
    rng, hours = np.random.default_rng(seed), np.arange(count * 168)
    rate = 4.0 * (1 + 0.6 * np.sin(2 * np.pi * (hours % 24 - 8) / 24)) * np.where(hours // 24 % 7 == 0, 1.15, 1.0)
    return hours, rng.poisson(rate * rng.gamma(400, 1 / 400, count * 7)[hours // 24]).astype(float)


HOURS = np.arange(24 * 168)
FEATURES = features_of(HOURS, np.zeros(len(HOURS), bool), np.zeros(len(HOURS), bool))[:, :-1]
FITTED: dict[int, forecast.Regression] = {}


def by_regression(past: np.ndarray, at: int) -> np.ndarray:
    """Refitted once a week, on what was known at the beginning of that week."""
    origin = len(past) // 168 * 168
    if origin not in FITTED:
        FITTED[origin] = fit_arrivals(FEATURES[:origin], past[:origin])
    return FITTED[origin].predict(FEATURES[at : at + 1])[0]


def test_the_regression_beats_memory_and_its_band_holds() -> None:
    _, counts = weeks(24)
    score = rolling(counts, by_regression, first=12 * 168, horizon=24)
    assert score.count > 300
    assert score.skill > 0.03
    assert COVERAGE[0] <= score.coverage <= 0.93  # a discrete band holds a little more than eight in ten
    assert uniformity(score.pits) < 1.63 / math.sqrt(score.count)


def test_the_future_changes_nothing() -> None:
    """Only what was known then: scrambling everything after the origin leaves every forecast as it was."""
    _, counts = weeks(14)
    said: list[list[float]] = []
    for scramble in (False, True):
        made: list[float] = []

        def recorded(past: np.ndarray, at: int, made: list[float] = made) -> np.ndarray:
            found = memory(past, at)
            made.append(float(found @ np.arange(len(found))))
            return found

        series = counts.copy()
        if scramble:
            series[12 * 168 + 30 :] = np.random.default_rng(1).permutation(series[12 * 168 + 30 :])
        rolling(series, recorded, first=12 * 168, horizon=24)
        said.append(made[:5])
    assert said[0] == said[1]


def test_pinball() -> None:
    assert [pinball(0.9, 10, y) for y in (8, 10, 15)] == pytest.approx([0.2, 0.0, 4.5])


def test_a_regression_finds_what_was_put_in() -> None:
    rng, hours = np.random.default_rng(8), np.arange(60 * 168)
    holiday = rng.uniform(size=len(hours)) < 0.05
    counts = rng.poisson(3.0 * np.where(holiday, 1.4, 1.0)).astype(float)
    found = fit_arrivals(features_of(hours, holiday, np.zeros(len(hours), bool)), counts)
    assert math.exp(found.weights[30]) == pytest.approx(1.4, rel=0.08)
    assert math.isinf(found.shape) or found.shape > 50
