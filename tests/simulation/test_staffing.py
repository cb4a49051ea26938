"""Staffing guesses, the frontier, the volume that breaks, the warm-up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from maillage.simulation import parameters
from maillage.simulation.arrivals import largest_volume, patients
from maillage.simulation.staffing import LIMITS, Limit, breaking_volume, frontier, guess, offered_load, team, wait_probability
from maillage.simulation.study import study
from maillage.simulation.sweep import seed_of
from maillage.simulation.warmup import TooLong, batch_means, long_run, mser5, welch


@pytest.mark.parametrize(("beta", "expected"), [(0.5, 0.5045), (0.8, 0.3148), (1.0, 0.2234)])
def test_the_probability_to_wait(beta: float, expected: float) -> None:
    assert wait_probability(beta) == pytest.approx(expected, abs=5e-5)


def test_the_offered_load_of_a_steady_hour_is_rate_times_mean() -> None:
    assert offered_load(lambda t: 0.1, lambda u: math.exp(-u / 30), 600.0, back=600.0) == pytest.approx(3.0, rel=1e-3)
    assert team(9.0, 1.0) == 12


def test_the_guess_follows_the_day() -> None:
    found = guess(study(parameters.shipped("percy-35000-overflow"), replications=2, days=60, warm_up=10).total, "doctor")
    assert found.shape == (24,)
    assert found[11] > found[4]


def test_the_frontier_stops_at_the_cheapest_team_that_holds() -> None:
    limits = (Limit("door_p90", 200.0), Limit("unseen", 5.0))
    tried = frontier(
        parameters.shipped("percy-35000-overflow"),
        {"doctor.base": [1, 2, 3], "nurse.base": [3]},
        limits=limits,
        replications=6,
        days=60,
        warm_up=14,
    )
    assert [each.holds for each in tried] == [False] * (len(tried) - 1) + [True]
    assert [each.cost for each in tried] == sorted(each.cost for each in tried)
    assert tried[-1].values["doctor.base"] == 2


def test_the_question_asked_when_none_is_given_is_that_of_the_town() -> None:
    """p90 door-to-doctor under 60 minutes and left unseen under 3 %."""
    assert (Limit("door_p90", 60.0), Limit("unseen", 3.0)) == LIMITS


def test_the_volume_that_breaks_lies_between_one_that_holds_and_one_that_does_not() -> None:
    found = breaking_volume(
        parameters.shipped("percy-35000-overflow"), limits=(Limit("unseen", 5.0),), replications=4, days=60, warm_up=14, tolerance=4000
    )
    assert 30_000 < found < 50_000


@pytest.mark.parametrize("name", parameters.shipped_names())
def test_the_largest_volume_is_the_last_that_the_runs_hold(name: str) -> None:
    seeds, said = [seed_of(7, n) for n in range(3)], parameters.shipped(name)
    most = largest_volume(said, seeds, 100)
    assert most > said.number("arrivals.volume")
    for seed in seeds:
        patients(said.changing({"arrivals.volume": most}), seed, 100)
    with pytest.raises(parameters.Wrong, match="ceiling"):
        [patients(said.changing({"arrivals.volume": most * 1.001}), seed, 100) for seed in seeds]


def test_a_volume_that_breaks_is_sought_up_to_the_last_that_can_be_played() -> None:
    """With every replication and day of the question that is asked: a rare day of many people passed the ceiling and ended the search."""
    never = breaking_volume(parameters.shipped("percy-20000"), limits=(Limit("unseen", 100.0),))
    assert never == math.inf


def test_the_warm_up_is_found() -> None:
    rng = np.random.default_rng(2)
    settled = 50 + rng.normal(0, 2, 400)
    rising = settled - 40 * np.exp(-np.arange(400) / 15)
    assert mser5(settled) <= 20
    assert 25 <= mser5(rising) <= 100
    with pytest.raises(TooLong):
        mser5(np.arange(400.0) ** 2)


def test_welchs_plot_smooths_the_mean_over_runs() -> None:
    runs = np.tile(np.arange(30.0), (4, 1))
    assert welch(runs, 2)[10] == pytest.approx(10.0)
    assert len(welch(runs)) == 30


def test_one_long_run_is_lengthened_until_its_batches_are_apart() -> None:
    rng = np.random.default_rng(5)
    values = np.zeros(60_000)
    for n in range(1, len(values)):
        values[n] = 0.98 * values[n - 1] + rng.normal()
    found, days, apart = long_run(lambda days: 10 + values[:days], 600, 60_000)
    assert apart
    assert days > 600
    assert abs(found.mean - 10) < 3 * found.half
    assert not batch_means(np.arange(3000.0))[1]
