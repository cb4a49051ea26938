"""How good forecasts were: rolling origin, only what was known then, against what a simple memory would have said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.draws import Purpose, uniform
from maillage.simulation.forecast import LEVELS, Distribution, quantile

COVERAGE: Final = (0.75, 0.87)
"""The band of eight in ten must hold between these shares of what came."""


def pinball(level: float, said: float, came: float) -> float:
    """max(τ(y-q), (τ-1)(y-q))."""
    return max(level * (came - said), (level - 1.0) * (came - said))


def pit(found: Distribution, came: int, seed: int, row: int) -> float:
    """The randomised probability integral transform F(y-1) + v·f(y): uniform when the distribution is right."""
    below = float(found[: min(came, len(found))].sum())
    at = float(found[came]) if came < len(found) else 0.0
    return below + uniform(seed, row, Purpose.ALTERNATIVE) * at


def memory(history: NDArray[np.float64], at: int, period: int = 168, weeks: int = 8) -> Distribution:
    """ "Same hour, last 8 weeks": what came at this hour of the week, each equally likely."""
    past = [int(history[at - period * k]) for k in range(1, weeks + 1) if at - period * k >= 0 and at - period * k < len(history)]
    found = np.zeros(max(past, default=0) + 1)
    for value in past:
        found[value] += 1.0 / len(past)
    if not past:
        found[0] = 1.0
    return found


@dataclass(frozen=True, slots=True)
class Score:
    """A forecast against what came, beside the memory."""

    loss: float
    loss_of_memory: float
    coverage: float
    """How often what came lay between the first and the ninth decile, by its randomised transform: whole numbers at the ends of a band count in part."""
    pits: tuple[float, ...]
    count: int

    @property
    def skill(self) -> float:
        """Share of the memory's loss that the forecast spares."""
        return 1.0 - self.loss / self.loss_of_memory if self.loss_of_memory else 0.0

    @property
    def believed(self) -> bool:
        """Better than memory, and its band holds what it should; else the memory is shown."""
        return self.skill > 0 and COVERAGE[0] <= self.coverage <= COVERAGE[1]


Forecast = Callable[[NDArray[np.float64], int], Distribution]
"""From the past (nothing after the origin) and the hour asked for, to a distribution."""


def rolling(counts: NDArray[np.float64], forecast: Forecast, *, first: int, every: int = 6, horizon: int = 24, seed: int = 1) -> Score:
    """Every `every` hours from `first`, forecast `horizon` hours ahead from `counts[:origin]` alone."""
    losses: list[float] = []
    memories: list[float] = []
    inside, pits = 0, []
    for row, origin in enumerate(range(first, len(counts) - horizon, every)):
        past, at = counts[:origin].copy(), origin + horizon - 1
        came = int(counts[at])
        found, simple = forecast(past, at), memory(past, at)
        losses.append(_loss(found, came))
        memories.append(_loss(simple, came))
        pits.append(pit(found, came, seed, row))
        inside += LEVELS[0] <= pits[-1] <= LEVELS[2]
    count = len(losses)
    return Score(sum(losses) / max(1, count), sum(memories) / max(1, count), inside / max(1, count), tuple(pits), count)


def _loss(found: Distribution, came: int) -> float:
    return sum(pinball(level, quantile(found, level), came) for level in LEVELS) / len(LEVELS)


def uniformity(pits: Sequence[float], bins: int = 10) -> float:
    """Kolmogorov distance of the transforms from the uniform."""
    ordered = np.sort(np.asarray(pits))
    steps = np.arange(1, len(ordered) + 1) / len(ordered)
    return float(np.maximum(np.abs(steps - ordered), np.abs(steps - 1 / len(ordered) - ordered)).max()) if bins else 0.0
