"""A scenario run until its answer is known well enough, and two scenarios compared on the same people."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scipy.special import stdtrit

from maillage.simulation import sweep
from maillage.simulation.parameters import Scenario
from maillage.simulation.sweep import Mapper
from maillage.simulation.tally import Tally
from maillage.simulation.world import WARM_UP, YEAR_DAYS

FEWEST, MOST = 20, 1000
RELATIVE, MINUTE = 0.02, 1.0
"""Precise enough: a half-width of 2 % of the mean, or of one minute (one point of a share)."""
WATCHED: Final = ("door_mean", "stay_mean", "unseen")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over replications with its interval."""

    mean: float
    half: float
    deviation: float
    count: int

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.mean + self.half


@dataclass(frozen=True, slots=True)
class Study:
    """What is known of a scenario."""

    scenario: Scenario
    seed: int
    days: int
    warm_up: int
    figures: tuple[dict[str, float], ...]
    """One for each replication, in order."""
    total: Tally
    stopped: str
    """Why no more were run: `precise`, `asked`, `most`, `time`."""

    def estimate(self, name: str, level: float = 0.95) -> Estimate:
        """The mean of a figure with its Student interval."""
        return estimate([figures[name] for figures in self.figures], level)

    def estimates(self) -> dict[str, Estimate]:
        """Every figure."""
        return {name: self.estimate(name) for name in self.figures[0]}


def estimate(values: Sequence[float], level: float = 0.95) -> Estimate:
    """Mean and Student interval; runs where the figure does not exist (nobody of that class) are left out."""
    kept = [value for value in values if not math.isnan(value)]
    n = len(kept)
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0)
    mean = math.fsum(kept) / n
    if n < 2:
        return Estimate(mean, math.inf, math.nan, n)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in kept) / (n - 1))
    return Estimate(mean, float(stdtrit(n - 1, 0.5 + level / 2)) * deviation / math.sqrt(n), deviation, n)


def precise(figures: Sequence[Mapping[str, float]]) -> bool:
    """Every watched figure is known to 2 %, or to one minute."""
    found = [estimate([one[name] for one in figures]) for name in WATCHED]
    return all(e.half <= max(RELATIVE * abs(e.mean), MINUTE) for e in found)


def study(
    scenario: Scenario,
    *,
    seed: int = 2026,
    replications: int | None = None,
    most: int = MOST,
    days: int = YEAR_DAYS,
    warm_up: int = WARM_UP,
    mapper: Mapper = sweep.threads,
    told: Callable[[int, int], None] | None = None,
    late: Callable[[], bool] = lambda: False,
    curves: bool = True,
) -> Study:
    """Run a scenario: as many replications as asked, or until precise. `told(done, expected)`; `late()` says that time is up."""
    figures: list[dict[str, float]] = []
    total: Tally | None = None
    asked, stopped = replications or FEWEST, "asked"
    while True:
        seeds = [sweep.seed_of(seed, n) for n in range(len(figures), asked)]
        for done in mapper(sweep.work, sweep.units_of(scenario, seeds, days + warm_up, warm_up, curves=curves)):
            figures += done.figures
            total = done.total if total is None else total.added(done.total)
            if told:
                told(len(figures), asked)
            if late():
                break
        reason = _enough(figures, replications, most, late=late())
        if reason:
            stopped = reason
            break
        asked = min(most, 2 * asked)
    if total is None:
        raise ValueError("no replication was asked for")
    return Study(scenario, seed, days, warm_up, tuple(figures), total, stopped)


def _enough(figures: Sequence[Mapping[str, float]], replications: int | None, most: int, *, late: bool) -> str:
    """Why to stop, or nothing."""
    if replications is not None and len(figures) >= replications:
        return "asked"
    if late:
        return "time"
    if replications is None and precise(figures):
        return "precise"
    return "most" if len(figures) >= most else ""


@dataclass(frozen=True, slots=True)
class Difference:
    """B minus A on the same seeds."""

    estimate: Estimate
    shown: bool
    """The interval, widened for the number of comparisons (Bonferroni), leaves zero out."""
    gain: float
    """By how much pairing divides the variance of the difference."""


def compare(a: Study, b: Study, names: Sequence[str] | None = None, *, comparisons: int = 1) -> dict[str, Difference]:
    """Paired differences of two studies that ran the same seeds."""
    if (a.seed, a.days, a.warm_up) != (b.seed, b.days, b.warm_up):
        raise ValueError("a comparison needs the same seeds, the same days")
    count, made = min(len(a.figures), len(b.figures)), {}
    for name in names or [name for name in a.figures[0] if name in b.figures[0]]:
        first, second = ([figures[name] for figures in study.figures[:count]] for study in (a, b))
        gaps = [y - x for x, y in zip(first, second, strict=True)]
        found = estimate(gaps, 1.0 - 0.05 / comparisons)
        apart = estimate(first).deviation ** 2 + estimate(second).deviation ** 2
        gain = apart / found.deviation**2 if found.deviation else math.inf
        made[name] = Difference(found, found.count > 1 and abs(found.mean) > found.half, gain)
    return made
