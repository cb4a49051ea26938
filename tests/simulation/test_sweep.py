"""Many runs: the same bits on one core, on all of them, on a cluster."""

from __future__ import annotations

import numpy as np
import pytest

from maillage.simulation import parameters, sweep
from maillage.simulation.study import Study, estimate, study
from maillage.simulation.sweep import Mapper


def made(mapper: Mapper) -> Study:
    return study(parameters.shipped("percy-20000"), seed=5, replications=12, days=20, warm_up=5, mapper=mapper)


def same(a: Study, b: Study) -> bool:
    figures = all(np.array_equal(list(x.values()), list(y.values()), equal_nan=True) for x, y in zip(a.figures, b.figures, strict=True))
    curves = all(np.array_equal(value, b.total.mean_day[name]) for name, value in a.total.mean_day.items())
    return figures and curves and all(np.array_equal(value, b.total.minutes[name]) for name, value in a.total.minutes.items())


def test_threads_give_what_one_core_gives() -> None:
    assert same(made(sweep.serial), made(sweep.threads))


def test_a_unit_is_the_sum_of_its_years_and_leaves_each_its_figures() -> None:
    one, other, both = (sweep.work(sweep.Unit(parameters.shipped("percy-20000"), seeds, 20, 5)) for seeds in ((3,), (4,), (3, 4)))
    whole = one.total.added(other.total)
    for name in ("minutes", "mean_day", "crowd", "daily"):
        found = getattr(both.total, name)
        assert found.keys() == getattr(whole, name).keys()
        assert all(np.array_equal(value, found[key]) for key, value in getattr(whole, name).items())
    assert (both.total.days, both.total.figures) == (30, {})
    for found, alone in zip(both.figures, (one.figures[0], other.figures[0]), strict=True):
        assert np.array_equal(list(found.values()), list(alone.values()), equal_nan=True)


def test_a_student_interval() -> None:
    found = estimate([1.0, 2.0, 3.0, 4.0, float("nan")])
    assert (found.mean, found.count) == (2.5, 4)
    assert found.half == pytest.approx(3.182446305284263 * found.deviation / 2)


def test_time_that_is_up_stops_and_says_so() -> None:
    found = study(parameters.shipped("percy-20000"), days=10, warm_up=2, late=lambda: True, mapper=sweep.serial)
    assert (found.stopped, len(found.figures)) == ("time", 8)


def test_replications_go_on_until_precise() -> None:
    found = study(parameters.shipped("percy-20000"), days=10, warm_up=2, most=200)
    assert len(found.figures) > 20
    assert found.stopped in {"precise", "most"}


def test_pairing_pays() -> None:
    from maillage.simulation.study import compare

    a, b = (study(parameters.shipped(f"percy-35000-{name}"), replications=20) for name in ("rebuilt", "overflow"))
    found = compare(a, b, ["stay_mean", "door_mean"])
    assert found["stay_mean"].gain > 10
    assert found["door_mean"].gain > 5


def test_a_cluster_gives_what_one_core_gives() -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0", host="127.0.0.1", protocol="tcp://"
        ) as cluster,
        Client(cluster) as client,
    ):
        assert same(made(sweep.serial), made(sweep.on_cluster(client)))
