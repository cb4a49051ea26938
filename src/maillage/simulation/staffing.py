"""Offered load by hour, a first guess of the team, and the cheapest teams that hold every limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation import arrivals, sweep
from maillage.simulation.parameters import Scenario, load
from maillage.simulation.study import Study, study
from maillage.simulation.sweep import Mapper
from maillage.simulation.tally import Tally
from maillage.simulation.words import HOLD


def normal_density(x: float) -> float:
    """φ."""
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def normal_share(x: float) -> float:
    """Φ."""
    return math.erfc(-x / math.sqrt(2)) / 2


def wait_probability(beta: float) -> float:
    """The probability to wait when a team is R + β√R (Halfin and Whitt 1981)."""
    return 1 / (1 + beta * normal_share(beta) / normal_density(beta))


def offered_load(rate: Callable[[float], float], survival: Callable[[float], float], at: float, *, back: float, step: float = 1.0) -> float:
    """R(t) = ∫λ(t-u)·P(S > u)du: who would be in service if nobody ever waited."""
    times = np.arange(step / 2, back, step)
    return float(sum(rate(at - u) * survival(u) for u in times) * step)


def team(load_now: float, beta: float) -> int:
    """⌈R + β√R⌉."""
    return math.ceil(load_now + beta * math.sqrt(load_now) - 1e-9)


def guess(total: Tally, resource: str, beta: float = 0.8) -> NDArray[np.int64]:
    """By hour, the team that the mean load of an uncrowded run asks for."""
    by_hour = (total.mean_day[f"busy:{resource}"] / total.days).reshape(24, -1).mean(axis=1)
    return np.array([team(value, beta) if value > 0 else 0 for value in by_hour])


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure that must stay below a value, with 95 % confidence."""

    figure: str
    most: float


LIMITS: Final = tuple(Limit(figure, most) for figure, most in HOLD.items())
COSTS: Final[Mapping[str, float]] = {
    "doctor.base": 24.0 * 3,
    "doctor.extra": 16.0 * 3,
    "nurse.base": 24.0,
    "nurse.extra": 16.0,
    "box.base": 2.0,
    "bed.base": 6.0,
}
"""What one more costs a day, in hours of a nurse (a choice, shown: a doctor counts three, a box two, a bed six)."""


@dataclass(frozen=True, slots=True)
class Team:
    """A set of resources that was tried."""

    values: dict[str, int]
    cost: float
    holds: bool
    figures: dict[str, tuple[float, float]]
    """Mean and upper end of the interval of each limited figure."""


def frontier(
    scenario: Scenario,
    grid: Mapping[str, Sequence[int]],
    *,
    limits: Sequence[Limit] = LIMITS,
    costs: Mapping[str, float] = COSTS,
    seed: int = 2026,
    replications: int = 20,
    mapper: Mapper = sweep.threads,
    told: Callable[[int, int], None] | None = None,
    days: int = 364,
    warm_up: int = 28,
) -> list[Team]:
    """The teams of the grid from the cheapest on, up to the first that holds every limit; those with nothing cheaper that does are the answer.

    A team that has no more of anything than one that failed is not tried: more staff never lengthens a wait in expectation.
    """
    tried: list[Team] = []
    order = sorted(_teams(grid), key=lambda values: _cost(values, costs))
    for n, values in enumerate(order):
        if any(not team.holds and all(values[key] <= team.values[key] for key in values) for team in tried):
            continue
        found = study(
            scenario.changing(values), seed=seed, replications=replications, mapper=mapper, days=days, warm_up=warm_up, curves=False
        )
        tried.append(_judged(found, values, limits, _cost(values, costs)))
        if told:
            told(n + 1, len(order))
        if tried[-1].holds:
            break
    return tried


def _teams(grid: Mapping[str, Sequence[int]]) -> Iterator[dict[str, int]]:
    for numbers in product(*grid.values()):
        yield dict(zip(grid, numbers, strict=True))


def _cost(values: Mapping[str, int], costs: Mapping[str, float]) -> float:
    return sum(costs.get(key, 1.0) * number for key, number in values.items())


def _judged(found: Study, values: dict[str, int], limits: Sequence[Limit], cost: float) -> Team:
    estimates = {limit.figure: found.estimate(limit.figure, 0.90) for limit in limits}
    figures = {name: (each.mean, each.high) for name, each in estimates.items()}
    return Team(values, cost, all(estimates[limit.figure].high <= limit.most for limit in limits), figures)


PLENTY: Final = {"doctor.base": 100, "nurse.base": 100, "box.base": 400, "imaging.base": 20, "bed.base": 3000}
"""Nobody waits for any of these: what is busy then is the offered load."""


def grid_around(scenario: Scenario, *, seed: int = 2026, days: int = 182, mapper: Mapper = sweep.threads) -> dict[str, list[int]]:
    """The teams to try: one less to one more of what the offered load asks for by night and by day, and boxes by twos."""
    free = study(scenario.changing({**PLENTY, "bed.filled": 1}), seed=seed, replications=2, days=days, mapper=mapper)
    made: dict[str, list[int]] = {}
    for name in ("doctor", "nurse"):
        parameters = load(scenario.model).parameters
        asked, begin = guess(free.total, name), int(scenario.numbers(f"{name}.hours")[0])
        night = max(1, int(asked[:begin].max(initial=1)))
        made[f"{name}.base"] = _near(night, parameters[f"{name}.base"].low)
        made[f"{name}.extra"] = _near(max(0, int(asked.max()) - night), parameters[f"{name}.extra"].low)
    boxes = team(float(free.total.mean_day["busy:box"].max() / free.total.days), 0.8)
    made["box.base"] = [max(1, boxes + more) for more in (0, 4, 8)]
    return made


def _near(number: int, low: float) -> list[int]:
    return [each for each in (number - 1, number, number + 1) if each >= max(low, 0)]


def breaking_volume(
    scenario: Scenario,
    *,
    limits: Sequence[Limit] = LIMITS,
    seed: int = 2026,
    replications: int = 20,
    tolerance: float = 500.0,
    mapper: Mapper = sweep.threads,
    days: int = 364,
    warm_up: int = 28,
) -> float:
    """By bisection, the smallest volume that exceeds a limit with 95 % confidence; infinite when the largest that these runs can hold does not."""
    seeds = [sweep.seed_of(seed, n) for n in range(replications)]
    low, high = load(scenario.model).parameters["arrivals.volume"].low, arrivals.largest_volume(scenario, seeds, days + warm_up)

    def breaks(volume: float) -> bool:
        found = study(
            scenario.changing({"arrivals.volume": volume}),
            seed=seed,
            replications=replications,
            mapper=mapper,
            days=days,
            warm_up=warm_up,
            curves=False,
        )
        return any(found.estimate(limit.figure, 0.90).low > limit.most for limit in limits)

    if not breaks(high):
        return math.inf
    while high - low > tolerance:
        middle = (low + high) / 2
        low, high = (low, middle) if breaks(middle) else (middle, high)
    return high
