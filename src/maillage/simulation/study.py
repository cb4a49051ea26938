"""A scenario run until its answer is known well enough, and two scenarios compared on the same people."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

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
    """Why no more were run: `precise`, `asked`, `most`, `time`; empty while more are to come."""

    def estimate(self, name: str, level: float = 0.95) -> Estimate:
        """The mean of a figure with its Student interval."""
        return estimate([figures[name] for figures in self.figures], level)

    def estimates(self) -> dict[str, Estimate]:
        """Every figure."""
        return {name: self.estimate(name) for name in self.figures[0]}


@cache
def student(freedom: int, level: float) -> float:
    """The t within which a Student variable lies with this probability: the finite series for whole degrees of freedom, inverted by halving.

    Abramowitz and Stegun 26.7.3 and 26.7.4. A library would take half a second to load for this one number.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(freedom, middle) < level else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _within(freedom: int, angle: float) -> float:
    """P(|T| < √ν·tan angle)."""
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2
    term, total = math.cos(angle) if odd else 1.0, 0.0
    for n in range(1 + odd, freedom, 2):
        total += term
        term *= square * n / (n + 1)
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


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
    return Estimate(mean, student(n - 1, level) * deviation / math.sqrt(n), deviation, n)


def precise(figures: Sequence[Mapping[str, float]]) -> bool:
    """Every watched figure is known to 2 %, or to one minute."""
    found = [estimate([one[name] for one in figures]) for name in WATCHED]
    return all(e.half <= max(RELATIVE * abs(e.mean), MINUTE) for e in found)


@dataclass(slots=True)
class _Growing:
    """What is known so far of one scenario."""

    scenario: Scenario
    seed: int
    days: int
    warm_up: int
    curves: bool
    figures: list[dict[str, float]] = field(default_factory=list)
    total: Tally | None = None

    def grow(self, count: int, mapper: Mapper, told: Callable[[], None], late: Callable[[], bool]) -> None:
        """Run up to `count` replications in all, fewer when time is up."""
        seeds = [sweep.seed_of(self.seed, n) for n in range(len(self.figures), count)]
        for done in mapper(sweep.work, sweep.units_of(self.scenario, seeds, self.days + self.warm_up, self.warm_up, curves=self.curves)):
            self.figures += done.figures
            self.total = done.total if self.total is None else self.total.added(done.total)
            told()
            if late():
                return

    def known(self, stopped: str) -> Study:
        if self.total is None:
            raise ValueError("no replication was asked for")
        return Study(self.scenario, self.seed, self.days, self.warm_up, tuple(self.figures), self.total, stopped)


def stages(
    scenarios: Sequence[Scenario],
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
) -> Iterator[tuple[Study, ...]]:
    """What is known of each scenario after twenty replications, then after twice as many, until all are known well enough.

    Each has as many as the others, on the same seeds. `told(done, expected)`; `late()` says that time is up.
    """
    growing = [_Growing(scenario, seed, days, warm_up, curves) for scenario in scenarios]
    asked = replications or min(FEWEST, most)

    def tell() -> None:
        if told:
            told(sum(len(each.figures) for each in growing), asked * len(growing))

    while True:
        for each in growing:
            each.grow(asked, mapper, tell, late)
        reasons = [_enough(each.figures, replications, most, late=late()) for each in growing]
        stopped = "" if "" in reasons else next((reason for reason in ("time", "most", "precise") if reason in reasons), "asked")
        yield tuple(each.known(stopped) for each in growing)
        if stopped:
            return
        asked = min(most, 2 * asked)


def study(scenario: Scenario, **asked: Any) -> Study:
    """Run a scenario: as many replications as asked, or until precise; takes what `stages` takes."""
    return [found for (found,) in stages([scenario], **asked)][-1]


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
