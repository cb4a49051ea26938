"""Rungs 3 to 10: what queueing theory knows exactly. Fixed seeds, at least 200 replications or equality, |z| < 4."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.simulation.networks import QUEUE, replicate, run, z_score

from maillage.simulation.place import Station


def poisson(rng: np.random.Generator, rate: float, until: float) -> np.ndarray:
    return np.sort(rng.uniform(0, until, rng.poisson(rate * until)))


def erlang_c(a: float, c: int) -> float:
    b = 1.0
    for k in range(1, c + 1):
        b = a * b / (k + a * b)
    return b / (1 - (a / c) * (1 - b))


@pytest.mark.parametrize("c", [1, 3, 10])
def test_kiefer_wolfowitz(c: int) -> None:
    rng = np.random.default_rng(c)
    start, minutes = np.cumsum(rng.gamma(2.0, 0.5, 200_000)), rng.lognormal(0.0, 0.8, 200_000) * c * 0.68
    played = run(QUEUE, [Station("s", ((0.0, c),))], start, {"d": minutes})
    ends, expected = [0.0] * c, np.empty(len(start))
    for n, (t, s) in enumerate(zip(start.tolist(), minutes.tolist(), strict=True)):
        first = min(range(c), key=ends.__getitem__)
        expected[n] = max(t, ends[first])
        ends[first] = expected[n] + s
    assert np.array_equal(played.mark("got:d"), expected)


def wait(rng: np.random.Generator, rate: float, c: int, draw: object, until: float = 4000.0) -> float:
    start = poisson(rng, rate, until)
    played = run(QUEUE, [Station("s", ((0.0, c),))], start, {"d": draw(rng, len(start))})  # type: ignore[operator]  # a callable
    return float((played.mark("got:d") - start)[start > until / 10].mean())


def test_erlang_c() -> None:
    assert erlang_c(8, 10) == pytest.approx(0.40918, abs=5e-6)
    expected = erlang_c(8, 10) / (10 - 8)
    assert expected == pytest.approx(0.20459, abs=5e-6)
    found = replicate(lambda rng: wait(rng, 8.0, 10, lambda r, n: r.exponential(1.0, n), 1500.0))
    assert abs(z_score(found, expected)) < 4


def test_pollaczek_khinchine() -> None:
    variance = math.log1p(1.2**2)
    expected = 0.6 * (1 + 1.2**2) / (2 * (1 - 0.6))
    found = replicate(lambda rng: wait(rng, 0.6, 1, lambda r, n: r.lognormal(-variance / 2, math.sqrt(variance), n)))
    assert abs(z_score(found, expected)) < 4
