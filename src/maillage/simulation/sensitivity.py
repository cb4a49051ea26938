"""Which assumption weighs most: each moved by a fifth down and up, on the same people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from maillage.simulation import sweep
from maillage.simulation.parameters import Scenario, Value, Wrong, load
from maillage.simulation.study import Estimate, estimate
from maillage.simulation.sweep import Mapper
from maillage.simulation.world import WARM_UP, YEAR_DAYS

FIFTH: Final = 0.2


@dataclass(frozen=True, slots=True)
class Bar:
    """The paired change of a figure when one assumption moves."""

    key: str
    low: Estimate
    high: Estimate

    @property
    def weight(self) -> float:
        """The larger of the two changes."""
        return max(abs(self.low.mean), abs(self.high.mean))


def assumed(scenario: Scenario) -> list[str]:
    """The parameters without a source that are facts, not choices."""
    return [key for key, parameter in load(scenario.model).parameters.items() if parameter.assumed and not parameter.decision]


def moved(scenario: Scenario, key: str, factor: float) -> Scenario | None:
    """The scenario with one parameter multiplied, held in its range; nothing when it cannot move."""
    parameter = load(scenario.model).parameters[key]
    value = _scaled(scenario.values[key], factor, parameter.low, parameter.high, keep_sum=key in {"arrivals.share", "arrivals.hour"})
    if value == scenario.values[key]:
        return None
    try:
        return scenario.changing({key: value})
    except Wrong:
        return None


def _scaled(value: Value, factor: float, low: float, high: float, *, keep_sum: bool) -> Value:
    """A list that must add up is turned around its middle instead of scaled."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        middle = len(value) // 2
        factors = [(factor if n < middle else 1.0) if keep_sum else factor for n in range(len(value))]
        scaled = [min(high, max(low, item * f)) for item, f in zip(value, factors, strict=True)]
        return [item * sum(value) / sum(scaled) for item in scaled] if keep_sum else scaled
    return min(high, max(low, value * factor))


def tornado(
    scenario: Scenario,
    figure: str = "door_mean",
    *,
    keys: Sequence[str] | None = None,
    seed: int = 2026,
    replications: int = 8,
    days: int = YEAR_DAYS,
    warm_up: int = WARM_UP,
    mapper: Mapper = sweep.threads,
    told: Callable[[int, int], None] | None = None,
) -> list[Bar]:
    """Every assumption, the heaviest first."""
    seeds = [sweep.seed_of(seed, n) for n in range(replications)]
    pairs = [(key, moved(scenario, key, 1 - FIFTH), moved(scenario, key, 1 + FIFTH)) for key in keys or assumed(scenario)]
    scenarios = [scenario, *(each for _, low, high in pairs for each in (low, high) if each)]
    units = [unit for each in scenarios for unit in sweep.units_of(each, seeds, days + warm_up, warm_up, curves=False)]
    found: list[list[float]] = [[] for _ in scenarios]
    each_takes = len(units) // len(scenarios)
    for n, done in enumerate(mapper(sweep.work, units)):
        found[n // each_takes] += [figures[figure] for figures in done.figures]
        if told:
            told(n + 1, len(units))
    results = iter(found[1:])

    def change(there: Scenario | None) -> Estimate:
        return estimate([b - a for a, b in zip(found[0], next(results), strict=True)]) if there else Estimate(0.0, 0.0, 0.0, replications)

    return sorted((Bar(key, change(low), change(high)) for key, low, high in pairs), key=lambda bar: -bar.weight)
