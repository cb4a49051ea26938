"""How long a run takes to forget its start: MSER-5 (White 1997), and batch means for one long run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.study import Estimate, Study, estimate

BATCH: Final = 5


class TooLong(ValueError):
    """The run never settles in its first half: `warm-up-refused`."""


def mser5(series: NDArray[np.float64]) -> int:
    """The number of observations to leave out: d* minimises Σ_{i>d}(z_i - z̄_d)²/(n-d)² over means z of five; refused beyond half of the run."""
    n = len(series) // BATCH
    z = series[: n * BATCH].reshape(n, BATCH).mean(axis=1)
    left = n - np.arange(n - 1)
    sums, squares = np.cumsum(z[::-1])[::-1][: n - 1], np.cumsum(z[::-1] ** 2)[::-1][: n - 1]
    score = (squares - sums**2 / left) / left**2
    best = int(np.argmin(score[: max(1, n - BATCH)]))
    if best > n / 2:
        raise TooLong("warm-up-refused")
    return best * BATCH


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What was found, against what is left out."""

    days: float
    """Infinite when the run never settles."""
    used: int

    @property
    def warns(self) -> bool:
        """More should be left out than is."""
        return self.days > self.used


def settled(study: Study) -> WarmUp:
    """When the daily census and the occupied beds of a study have forgotten how the runs began: the later of the two, by the mean over runs."""
    try:
        found = max((mser5(series / len(study.figures)) for series in study.total.daily.values()), default=0)
    except TooLong:
        return WarmUp(math.inf, study.warm_up)
    return WarmUp(found, study.warm_up)


def welch(runs: NDArray[np.float64], window: int = 7) -> NDArray[np.float64]:
    """Welch's plot: the mean over runs of each day, smoothed over a window."""
    mean = runs.mean(axis=0)
    kernel = np.ones(2 * window + 1)
    return np.asarray(np.convolve(mean, kernel, "same") / np.convolve(np.ones_like(mean), kernel, "same"))


def batch_means(series: NDArray[np.float64], batches: int = 30) -> tuple[Estimate, bool]:
    """Mean and interval of one long run by batches of equal size, and whether they are far enough apart: |r₁| <= 2/√30."""
    size = len(series) // batches
    means = series[len(series) - batches * size :].reshape(batches, size).mean(axis=1)
    centred = means - means.mean()
    correlation = float((centred[1:] * centred[:-1]).sum() / max(1e-300, (centred**2).sum()))
    return estimate(means.tolist()), abs(correlation) <= 2 / math.sqrt(batches)


def long_run(series: Callable[[int], NDArray[np.float64]], days: int, most: int) -> tuple[Estimate, int, bool]:
    """Batches doubled in size, by a run twice as long, until they are far enough apart. `series(days)` gives one value a day."""
    while True:
        found, apart = batch_means(series(days))
        if apart or 2 * days > most:
            return found, days, apart
        days *= 2
