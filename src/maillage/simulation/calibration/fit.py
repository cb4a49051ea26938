"""Approximate Bayesian computation by sequential Monte Carlo (Lenormand, Jabot and Deffuant 2013): factors on the durations that no extract shows.

The distance is taken between regressions of the factors on the summaries (Fearnhead and Prangle 2012), learnt on runs from the prior; what is left of the
tolerance is taken out by a local linear regression (Beaumont, Zhang and Balding 2002). The real arrivals are replayed: they add no noise.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation import draws, quantiles
from maillage.simulation.calibration.extract import EXITS, Extract, summaries
from maillage.simulation.calibration.replay import replayed
from maillage.simulation.draws import Purpose
from maillage.simulation.fitted import Factor
from maillage.simulation.parameters import Scenario, load

FACTORS: Final[Mapping[str, tuple[str, ...]]] = {
    "contact": ("contact1.mean", "contact2.mean"),
    "care": ("care.mean", "triage.mean"),
    "tests": ("image.mean", "lab.mean", "observe.mean"),
    "transfer": ("transfer.mean",),
    "patience": ("patience.mean",),
    "ward_stay": ("los.mean",),
}
"""At most eight: each multiplies some durations."""
SPREAD: Final = 0.25
"""Standard deviation of the logarithm of each factor before anything is seen (a choice, shown)."""
SETTLING: Final = 14
"""Days of each run that are not compared."""
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """A scenario fitted, and how well."""

    scenario: Scenario
    factors: tuple[Factor, ...]
    particles: Vector
    """Logarithms of factors drawn from what is known of them (draw, factor)."""
    inside: float
    """Share of the summaries that lie in the 90 % predictive band."""
    distances: Mapping[str, float]
    """Kolmogorov distance of the stays, by way out."""
    days: int


def applied(scenario: Scenario, logs: Sequence[float] | Vector) -> Scenario:
    """The scenario with its durations multiplied, held in their ranges."""
    parameters, values = load(scenario.model).parameters, dict[str, Any]()
    for keys, log in zip(FACTORS.values(), logs, strict=True):
        for key in keys:
            low, high = parameters[key].low, parameters[key].high
            scaled = [min(high, max(low, item * math.exp(log))) for item in scenario.numbers(key)]
            values[key] = scaled if isinstance(scenario.values[key], list) else scaled[0]
    return scenario.changing(values)


def normals(seed: int, first: int, count: int) -> Vector:
    """Normal draws for so many particles, one stream a factor."""
    rows = np.arange(first, first + count, dtype=np.uint64)
    drawn = [draws.drawn(seed, rows * np.uint64(16) + np.uint64(n), Purpose.PRIOR) for n in range(len(FACTORS))]
    return np.array([[quantiles.quantile(u) for u in column] for column in drawn]).T


class _Search:
    """The particles of one fit."""

    def __init__(
        self, scenario: Scenario, extract: Extract, days: int, seed: int, told: Callable[[int, int], None] | None, expected: int
    ) -> None:
        self.scenario, self.extract, self.days, self.seed = scenario, extract, days, seed
        self.told, self.expected, self.done = told, expected, 0
        self.target = summaries(extract, SETTLING, days)

    def play(self, logs: Vector) -> Vector:
        """The summaries of each particle, each with a seed of its own."""
        first = self.done

        def one(n: int) -> Vector:
            made = replayed(applied(self.scenario, logs[n]), self.extract.arrive, self.days, self.seed + 1 + first + n)
            return summaries(made, SETTLING, self.days)

        found = []
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for summary in pool.map(one, range(len(logs))):
                found.append(summary)
                self.done += 1
                if self.told:
                    self.told(self.done, self.expected)
        return np.array(found)


def learnt(logs: Vector, seen: Vector, ridge: float = 1.0) -> tuple[Vector, Vector, Vector]:
    """A ridge regression of the factors on the summaries: centre and scale of the summaries, weights."""
    centre, scale = seen.mean(axis=0), seen.std(axis=0)
    scale = np.where(scale > 1e-9, scale, np.inf)
    z = (seen - centre) / scale
    weights = np.linalg.solve(z.T @ z + ridge * np.eye(z.shape[1]), z.T @ (logs - logs.mean(axis=0)))
    return centre, scale, weights


def fit(
    scenario: Scenario,
    extract: Extract,
    *,
    days: int = 0,
    seed: int = 2026,
    pilot: int = 200,
    particles: int = 100,
    generations: int = 3,
    told: Callable[[int, int], None] | None = None,
) -> Fit:
    """Fit the factors to the first `days` days of an extract (all whole weeks of it when 0)."""
    days = days or extract.days // 7 * 7
    part = extract.between(0, days)
    search = _Search(scenario, part, days, seed, told, pilot + generations * (particles // 2) + 1)
    logs = SPREAD * normals(seed, 0, pilot)
    seen = search.play(logs)
    centre, scale, weights = learnt(logs, seen)

    def short(summary: Vector) -> Vector:
        return np.asarray((summary - centre) / scale @ weights)

    unit = np.maximum(short(seen).std(axis=0), 1e-9)
    target = short(search.target)
    here, mass = logs, np.ones(pilot)
    far = np.abs((short(seen) - target) / unit).max(axis=1)
    for generation in range(generations):
        kept = np.argsort(far, kind="stable")[: particles // 2 if generation else particles - particles // 2]
        here, seen, mass, far = here[kept], seen[kept], mass[kept], far[kept]
        moved, moved_mass = _moved(here, mass, seed, pilot + generation * particles, particles - len(kept))
        played = search.play(moved)
        here, seen, mass = np.vstack([here, moved]), np.vstack([seen, played]), np.concatenate([mass, moved_mass])
        far = np.concatenate([far, np.abs((short(played) - target) / unit).max(axis=1)])
    adjusted, mass = _adjusted(here, short(seen) - target, mass, far)
    return _made(search, scenario, adjusted, seen, mass)


def _moved(here: Vector, mass: Vector, seed: int, first: int, count: int) -> tuple[Vector, Vector]:
    """New particles around those that were kept, each weighted by what it was worth before over the chance to be proposed."""
    share = mass / mass.sum()
    mean = share @ here
    spread = 2.0 * (share[:, None] * (here - mean)).T @ (here - mean) + 1e-6 * np.eye(here.shape[1])
    root = np.linalg.cholesky(spread)
    picks = draws.drawn(seed, np.arange(first, first + count, dtype=np.uint64), Purpose.ALTERNATIVE)
    from_ = np.minimum(np.searchsorted(np.cumsum(share), picks), len(here) - 1)
    moved = here[from_] + normals(seed, first, count) @ root.T
    gaps = np.linalg.solve(root, (moved[:, None, :] - here[None, :, :]).reshape(-1, here.shape[1]).T).T
    kernel = np.exp(-0.5 * (gaps**2).sum(axis=1)).reshape(count, len(here)) / np.prod(np.diag(root))
    before = np.exp(-0.5 * ((moved / SPREAD) ** 2).sum(axis=1)) / SPREAD ** here.shape[1]
    chance = kernel @ share
    return moved, before / np.maximum(chance, 1e-300) * mass.mean()


def _adjusted(here: Vector, gap: Vector, mass: Vector, far: Vector) -> tuple[Vector, Vector]:
    """The particles moved to where their summaries would be those that were recorded."""
    weight = mass * np.clip(1.0 - (far / (far.max() * 1.0001)) ** 2, 0.0, None)
    design = np.column_stack([np.ones(len(gap)), gap])
    root = np.sqrt(weight)[:, None]
    slopes, *_ = np.linalg.lstsq(design * root, here * root, rcond=None)
    return here - gap @ slopes[1:], weight


def weighted_quantile(values: Vector, weight: Vector, share: float) -> float:
    """The value below which this share of the weight lies."""
    order = np.argsort(values)
    passed = np.cumsum(weight[order]) - 0.5 * weight[order]
    return float(np.interp(share * weight.sum(), passed, values[order]))


def _made(search: _Search, scenario: Scenario, logs: Vector, seen: Vector, mass: Vector) -> Fit:
    factors = []
    for n, name in enumerate(FACTORS):
        low, median, high = (weighted_quantile(logs[:, n], mass, share) for share in (0.05, 0.5, 0.95))
        share = mass / mass.sum()
        deviation = math.sqrt(float(share @ (logs[:, n] - share @ logs[:, n]) ** 2))
        factors.append(Factor(name, math.exp(median), math.exp(low), math.exp(high), deviation / SPREAD))
    best = applied(scenario, [math.log(factor.median) for factor in factors])
    band = np.array([[weighted_quantile(column, mass, share) for share in (0.05, 0.95)] for column in seen.T])
    inside = float(((band[:, 0] - 1e-9 <= search.target) & (search.target <= band[:, 1] + 1e-9)).mean())
    again = replayed(best, search.extract.arrive, search.days, search.seed)
    distances = {name: kolmogorov(_stays(search.extract, code), _stays(again, code)) for code, name in enumerate(EXITS[:3])}
    picks = draws.drawn(search.seed, np.arange(40, dtype=np.uint64), Purpose.ALTERNATIVE)
    chosen = logs[np.minimum(np.searchsorted(np.cumsum(mass / mass.sum()), picks), len(logs) - 1)]
    return Fit(best, tuple(factors), chosen, inside, distances, search.days)


def _stays(extract: Extract, code: int) -> Vector:
    return np.sort(extract.stay[(extract.exit == code) & ~np.isnan(extract.stay)])


def kolmogorov(a: Vector, b: Vector) -> float:
    """The largest gap between two empirical distributions."""
    if not len(a) or not len(b):
        return 1.0
    at = np.concatenate([a, b])
    return float(np.abs(np.searchsorted(a, at, side="right") / len(a) - np.searchsorted(b, at, side="right") / len(b)).max())
