"""How many at each quarter of an hour: exact areas under step functions, from stamps."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.compiled import compiled

QUARTER: Final = 15.0


@compiled
def add_intervals(begin: Any, end: Any, into: Any, horizon: float, parts: Any, whole: Any) -> None:
    """Add [begin, end) of each row to the curve that `into` names (-1: none). An end not reached is the horizon."""
    last = whole.shape[1] - 1
    for i in range(begin.shape[0]):
        a, curve = begin[i], into[i]
        if curve < 0 or not (a < horizon):
            continue
        b = min(horizon, end[i])
        x, y = a / QUARTER, b / QUARTER
        j, k = int(x), min(int(y), last - 1)
        parts[curve, j] += j + 1 - x
        whole[curve, j + 1] += 1.0
        parts[curve, k] -= k + 1 - y
        whole[curve, k + 1] -= 1.0


@compiled
def add_minutes(minutes: Any, group: Any, counts: Any, sums: Any) -> None:
    """Count each duration in its minute and its group (-1: none; a duration that does not exist is left out)."""
    last = counts.shape[1] - 1
    for i in range(minutes.shape[0]):
        g, value = group[i], minutes[i]
        if g >= 0 and value >= 0.0:
            counts[g, min(int(value), last)] += 1
            sums[g] += value


class Curves:
    """Means by quarter of an hour of several step functions."""

    def __init__(self, names: list[str], horizon: float) -> None:
        quarters = int(np.ceil(horizon / QUARTER))
        self.names, self.horizon = names, horizon
        self._parts = np.zeros((len(names), quarters + 1))
        self._whole = np.zeros((len(names), quarters + 2))

    def add(self, name: str, begin: NDArray[np.float64], end: NDArray[np.float64]) -> None:
        """Add the intervals to one curve."""
        self.spread(np.full(len(begin), self.names.index(name), np.int64), begin, end)

    def spread(self, into: NDArray[np.int64], begin: NDArray[np.float64], end: NDArray[np.float64]) -> None:
        """Add each interval to the curve of its row."""
        add_intervals(begin, end, into, self.horizon, self._parts, self._whole)

    def values(self) -> NDArray[np.float64]:
        """Curve, quarter: the mean number."""
        return np.asarray((np.cumsum(self._whole, axis=1)[:, :-1] + self._parts)[:, :-1])


def steps_area(shifts: Any, horizon: float) -> NDArray[np.float64]:
    """The mean by quarter of a schedule of (from when, how many)."""
    begins = np.array([time for time, _ in shifts])
    numbers = np.array([float(number) for _, number in shifts])
    edges = np.arange(0.0, horizon + QUARTER / 2, QUARTER)
    ends = np.append(begins[1:], np.inf)
    cumulated = (np.clip(edges[:, None], begins, ends) - begins) @ numbers if len(begins) < 64 else _cumulated(edges, begins, numbers)
    return np.asarray(np.diff(cumulated) / QUARTER)


def _cumulated(edges: NDArray[np.float64], begins: NDArray[np.float64], numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral of a long schedule from 0 to each edge."""
    before = np.concatenate([[0.0], np.cumsum(np.diff(begins) * numbers[:-1])])
    at = np.searchsorted(begins, edges, side="right") - 1
    return np.asarray(before[at] + (edges - begins[at]) * numbers[at])
