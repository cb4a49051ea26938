"""Distributions of what comes: eligible flow, arrivals, bed demand, and how good they were. Never about a person: probabilities of a coarse table are
combined in memory and never kept by person."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

Distribution = NDArray[np.float64]
"""P(0), P(1), ..."""
CELL: Final = 50
"""A rate is taken from at least so many stays; smaller cells fall back on the whole."""
TAIL: Final = 1e-12
LEVELS: Final = (0.1, 0.5, 0.9)
WEEKS, PRIOR_WEEKS = 8, 2.0


def poisson_binomial(probabilities: Sequence[float] | NDArray[np.float64]) -> Distribution:
    """The number of successes of independent trials, exactly: d ← (1-p)·d + p·shift(d) for each."""
    found = np.zeros(len(probabilities) + 1)
    found[0] = 1.0
    for n, p in enumerate(probabilities, start=1):
        found[1 : n + 1] = (1.0 - p) * found[1 : n + 1] + p * found[:n]
        found[0] *= 1.0 - p
    return found


def poisson(mean: float) -> Distribution:
    """P(n) up to where the tail no longer counts."""
    most = int(mean + 10.0 * math.sqrt(mean) + 20)
    n = np.arange(most + 1)
    return np.asarray(np.exp(n * math.log(mean) - mean - gammaln(n + 1))) if mean > 0 else np.array([1.0])


def negative_binomial(shape: float, mean: float) -> Distribution:
    """A Poisson count whose rate is gamma of this shape and mean."""
    if mean <= 0:
        return np.array([1.0])
    most = int(mean + 12.0 * math.sqrt(mean + mean**2 / shape) + 30)
    n = np.arange(most + 1)
    p = shape / (shape + mean)
    return np.asarray(np.exp(gammaln(n + shape) - gammaln(shape) - gammaln(n + 1) + shape * math.log(p) + n * math.log1p(-p)))


def beta_binomial_thinned(count: Distribution, a: float, b: float) -> Distribution:
    """How many of `count` are eligible when the share is Beta(a, b)."""
    n, k = np.arange(len(count))[:, None], np.arange(len(count))[None, :]
    inside = k <= n
    left = np.where(inside, n - k, 0)
    log = (
        gammaln(n + 1)
        - gammaln(np.where(inside, k, 0) + 1)
        - gammaln(left + 1)
        + betaln(np.where(inside, k, 0) + a, left + b)
        - betaln(a, b)
    )
    return np.asarray((count[:, None] * np.where(inside, np.exp(log), 0.0)).sum(axis=0))


def total(parts: Sequence[Distribution]) -> Distribution:
    """The sum of independent counts."""
    found = np.array([1.0])
    for part in parts:
        found = np.convolve(found, part)
    return found


def difference(more: Distribution, less: Distribution) -> tuple[Distribution, int]:
    """`more` minus `less`, and the value of its first entry (a negative number)."""
    return np.convolve(more, less[::-1]), 1 - len(less)


def quantile(found: Distribution, share: float, first: int = 0) -> int:
    """The smallest value whose cumulated probability reaches the share."""
    return first + int(np.searchsorted(np.cumsum(found), share - 1e-12))


@dataclass(frozen=True, slots=True)
class Band:
    """Median and the band in which eight of ten lie."""

    low: int
    median: int
    high: int


def band(found: Distribution, first: int = 0) -> Band:
    """The band of a distribution."""
    low, median, high = (quantile(found, share, first) for share in LEVELS)
    return Band(low, median, high)


def hourly_rates(same: NDArray[np.float64], whole: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gamma posterior (shape, mean) of each hour: what these weeks showed (week, hour), and the whole profile as a prior worth two weeks."""
    shape = whole * PRIOR_WEEKS + same.sum(axis=0)
    return shape, shape / (PRIOR_WEEKS + len(same))


def eligible_flow(
    shapes: NDArray[np.float64], means: NDArray[np.float64], eligible: int, seen: int, *, day_cv: float = 0.05
) -> Distribution:
    """Eligible patients over several hours: negative binomial hours under one shared day effect, each eligible with a beta share of the rule."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    days = np.maximum(0.05, 1.0 + day_cv * nodes)
    mixed = [
        weight * total([negative_binomial(s, m * day) for s, m in zip(shapes, means, strict=True)])
        for day, weight in zip(days, weights, strict=True)
    ]
    length = max(len(part) for part in mixed)
    arrivals = sum(np.pad(part, (0, length - len(part))) for part in mixed) / weights.sum()
    kept = int(np.searchsorted(np.cumsum(arrivals), 1.0 - TAIL)) + 1
    return beta_binomial_thinned(np.asarray(arrivals)[: kept + 1], eligible + 1.0, seen - eligible + 1.0)


def group_rates(admitted: NDArray[np.int64], seen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Admission rate of each cell of a coarse table; a cell of fewer than fifty takes the rate of all."""
    whole = admitted.sum() / max(1, seen.sum())
    return np.where(seen >= CELL, admitted / np.maximum(1, seen), whole)


def still_to_come(rate: float, elapsed: float, horizon: float, cumulated: Callable[[float], float]) -> float:
    """The probability that someone here since `elapsed` needs a bed within `horizon`: p = rate × (F(a+h) - F(a)) / (1 - F(a))."""
    gone = cumulated(elapsed)
    return rate * (cumulated(elapsed + horizon) - gone) / max(1e-12, 1.0 - gone)


def bed_demand(present: Sequence[float], to_come: float, direct: float, freed: Sequence[float]) -> tuple[Distribution, int]:
    """Beds asked for minus beds freed: present (exact), to come and direct (Poisson), freed by expected discharge date (exact)."""
    return difference(total([poisson_binomial(present), poisson(to_come), poisson(direct)]), poisson_binomial(freed))


def expected_to_come(
    rate: Callable[[float], float], share: float, cumulated: Callable[[float], float], horizon: float, step: float = 5.0
) -> float:
    """∫λ(u)·p·F(h-u)du: the mean demand of those who have not arrived yet."""
    middles = np.arange(step / 2, horizon, step)
    return float(sum(rate(u) * share * cumulated(horizon - u) for u in middles) * step)


@dataclass(frozen=True, slots=True)
class Regression:
    """Arrivals by hour: a log-linear rate, and the shape of a gamma around it (infinite: Poisson)."""

    weights: NDArray[np.float64]
    shape: float

    def predict(self, features: NDArray[np.float64]) -> list[Distribution]:
        """A distribution for each row of features."""
        means = np.exp(features @ self.weights)
        return [poisson(float(m)) if math.isinf(self.shape) else negative_binomial(self.shape, float(m)) for m in means]


def features_of(hours: NDArray[np.int64], holiday: NDArray[np.bool_], school: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Hour of the week (hours of the day, days), holiday, school holiday, trend; `hours` since a Monday at 0 h."""
    day, of_day = hours // 24 % 7, hours % 24
    columns = [np.ones(len(hours)), *((of_day == h).astype(float) for h in range(1, 24)), *((day == d).astype(float) for d in range(1, 7))]
    return np.stack([*columns, holiday.astype(float), school.astype(float), hours / 8766.0], axis=1)


def fit_arrivals(features: NDArray[np.float64], counts: NDArray[np.float64], ridge: float = 1e-3) -> Regression:
    """Poisson regression by weighted least squares; negative binomial around it when counts spread more than Poisson ones would."""
    weights = np.zeros(features.shape[1])
    weights[0] = math.log(max(counts.mean(), 1e-6))
    for _ in range(50):
        mean = np.exp(features @ weights)
        right = features.T @ (counts - mean) - ridge * np.r_[0.0, weights[1:]]
        left = (features * mean[:, None]).T @ features + ridge * np.eye(len(weights))
        move = np.linalg.solve(left, right)
        weights = weights + move
        if np.abs(move).max() < 1e-10:
            break
    mean = np.exp(features @ weights)
    excess = float((((counts - mean) ** 2 - mean).sum()) / (mean**2).sum())
    return Regression(weights, 1.0 / excess if excess > 1e-4 else math.inf)
