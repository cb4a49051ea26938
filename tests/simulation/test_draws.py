"""Rung 1: the draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.simulation.draws import Purpose, drawn, key_of, uniform
from maillage.simulation.filling import bench, fill
from maillage.simulation.parameters import shipped
from maillage.simulation.quantiles import exponential, gamma_quantiles, logarithm, quantile
from maillage.simulation.study import student
from maillage.simulation.world import logarithmic, prepare

VECTORS = [
    (1, 0, 0, 0.04937044354550707),
    (1, 0, 1, 0.8974431198769761),
    (1, 1, 0, 0.6639942340488507),
    (2026, 34999, 26, 0.8480745762897868),
]


@pytest.mark.parametrize(("seed", "row", "purpose", "expected"), VECTORS)
def test_the_vectors(seed: int, row: int, purpose: int, expected: float) -> None:
    assert uniform(seed, row, purpose) == expected


@given(st.integers(0, 2**63), st.integers(0, 2**42), st.sampled_from(Purpose))
def test_compiled_and_plain_draws_are_the_same_bits(seed: int, row: int, purpose: Purpose) -> None:
    assert drawn(seed, np.array([row], np.uint64), purpose)[0] == uniform(seed, row, purpose)


@pytest.mark.parametrize(
    ("p", "expected"),
    [(0.25, -0.6744897501960817), (0.001, -3.090232306167813), (1e-20, -9.262340089798408), (0.5, 0.0), (0.975, 1.959963984540054)],
)
def test_the_quantile_of_the_normal(p: float, expected: float) -> None:
    assert quantile(p) == pytest.approx(expected, rel=4e-15, abs=1e-16)


@pytest.mark.parametrize("seed", [1, 2, 2026])
def test_draws_are_uniform(seed: int) -> None:
    u = drawn(seed, np.arange(200_000, dtype=np.uint64), Purpose.CARE)
    counts = np.bincount((u * 100).astype(int), minlength=100)
    chi_squared = ((counts - 2000) ** 2 / 2000).sum()
    assert abs(chi_squared - 99) < 5 * math.sqrt(2 * 99)


def test_rows_purposes_and_seeds_do_not_know_each_other() -> None:
    rows = np.arange(100_000, dtype=np.uint64)
    series = [drawn(seed, rows, purpose) for seed in (1, 2) for purpose in (Purpose.CARE, Purpose.CONTACT1)]
    series.append(drawn(1, rows + np.uint64(1), Purpose.CARE))
    correlations = np.corrcoef(series) - np.eye(len(series))
    assert np.abs(correlations).max() < 5 / math.sqrt(len(rows))


@given(st.floats(2.0**-53, 1.0, exclude_max=True))
def test_the_logarithm_is_that_of_the_library(x: float) -> None:
    assert logarithm(x) == pytest.approx(math.log(x), rel=3e-16, abs=0.0)


@given(st.floats(-700.0, 700.0))
def test_the_exponential_is_that_of_the_library(x: float) -> None:
    assert exponential(x) == pytest.approx(math.exp(x), rel=3e-16, abs=0.0)


def test_an_exponential_out_of_reach_stays_a_number() -> None:
    assert exponential(0.0) == 1.0
    assert 0.0 < exponential(-700.0) < 1e-300
    assert exponential(700.0) < math.inf


def test_columns_drawn_by_blocks_are_those_drawn_one_by_one() -> None:
    """Every row of a lognormal and of an exponential against the definition in plain Python: middle, tails, last block."""
    ready = prepare(shipped("percy-35000-overflow"))
    rows = np.arange(1000, dtype=np.uint64)
    cls = np.full(len(rows), 4, np.int32)
    found = np.empty((len(rows), len(ready.columns.form)))
    fill(np.uint64(key_of(7)), rows, cls, ready.columns, bench(), found.reshape(-1))
    names = ready.program.names.columns
    for name, purpose in (("contact1", Purpose.CONTACT1), ("patience", Purpose.PATIENCE)):
        j = names.index(name)
        first, second = ready.columns.value[j, 4, :2]
        for row in range(len(rows)):
            u = uniform(7, row, purpose)
            expected = math.exp(first + second * quantile(u)) if name == "contact1" else -first * math.log(u)
            assert found[row, j] == pytest.approx(expected, rel=1e-14)
    tested, lab = (found[:, names.index(name)] for name in ("has_lab", "lab"))
    location, scale = ready.columns.value[names.index("lab"), 4, :2]
    expected = [math.exp(location + scale * quantile(uniform(7, row, Purpose.LAB))) for row in range(len(rows))]
    assert 0 < tested.sum() < len(rows)
    assert lab == pytest.approx(np.where(tested > 0.0, expected, 0.0), rel=1e-14)  # what is not asked for is not drawn


def test_purposes_keep_their_numbers() -> None:
    assert [purpose.value for purpose in Purpose] == list(range(len(Purpose)))
    assert (Purpose.THIN, Purpose.CARE, Purpose.LYING) == (1, 7, 26)


def test_a_lognormal_has_the_mean_and_the_spread_asked_for() -> None:
    location, scale = logarithmic(30.0, 0.6)
    u = drawn(5, np.arange(200_000, dtype=np.uint64), Purpose.CONTACT1)
    values = np.exp(location + scale * np.array([quantile(p) for p in u]))
    assert values.mean() == pytest.approx(30.0, rel=0.01)
    assert values.std() / values.mean() == pytest.approx(0.6, rel=0.02)


@pytest.mark.parametrize("shape", [4.0, 11.1, 400.0, 2500.0])
def test_the_quantile_of_the_gamma(shape: float) -> None:
    from scipy.special import gammaincinv

    shares = np.array([1e-6, 0.01, 0.3, 0.5, 0.9, 0.9999])
    found = np.empty(len(shares))
    gamma_quantiles(shares, shape, found)
    assert found == pytest.approx(gammaincinv(shape, shares), rel=1e-9)


@pytest.mark.parametrize("freedom", [1, 2, 3, 19, 20, 99, 999])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99, 1 - 0.05 / 7])
def test_the_quantile_of_student(freedom: int, level: float) -> None:
    from scipy.special import stdtrit

    assert student(freedom, level) == pytest.approx(float(stdtrit(freedom, 0.5 + level / 2)), rel=1e-9)
