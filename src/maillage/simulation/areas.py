"""How many at each quarter of an hour: exact areas under step functions, from stamps."""

from __future__ import annotations

import threading
from dataclasses import dataclass
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


QUARTERS: Final = 96
CROWD: Final = 160
"""Bins of a curve's histogram by time of day."""
TENTHS: Final = 4096
"""Bins of the histogram of a zone, in tenths of a person."""
USED, IDLE, OVER, TOTAL, MOST = range(5)


@compiled
def walk(
    parts: Any, whole: Any, begin: int, duty: Any, crowd_of: Any, mean_day: Any, crowd: Any, daily: Any, tenths: Any, facts: Any
) -> None:
    """Read each curve once: by day from the start, by time of day and against what is on duty from `begin`. Leaves the curves empty."""
    curves, quarters = parts.shape[0], parts.shape[1] - 1
    for j in range(curves):
        run = 0.0
        for q in range(quarters):
            run += whole[j, q]
            value = run + parts[j, q]
            parts[j, q] = 0.0
            whole[j, q] = 0.0
            daily[j, q // QUARTERS] += value
            if q < begin:
                continue
            at = q % QUARTERS
            mean_day[j, at] += value
            if crowd_of[j] >= 0:
                crowd[crowd_of[j], at, min(max(np.int64(np.rint(value)), 0), CROWD - 1)] += 1
            tenths[j, min(max(np.int64(value * 10.0), 0), TENTHS - 1)] += 1
            facts[j, TOTAL] += value
            facts[j, MOST] = max(facts[j, MOST], value)
            if j < duty.shape[0]:
                facts[j, USED] += min(value, duty[j, q])
                facts[j, IDLE] += max(0.0, duty[j, q] - value)
                facts[j, OVER] += max(0.0, value - duty[j, q])
        parts[j, quarters] = 0.0
        whole[j, quarters] = 0.0
        whole[j, quarters + 1] = 0.0


@dataclass(frozen=True, slots=True)
class Walked:
    """What curves amount to; lines in the order of their names (`crowd`: of those that are drawn)."""

    mean_day: NDArray[np.float64]
    crowd: NDArray[np.int64]
    daily: NDArray[np.float64]
    tenths: NDArray[np.int64]
    facts: NDArray[np.float64]


class Curves:
    """Several step functions by quarter of an hour. The arrays of a thread are used again by its next run: `walk` leaves them empty."""

    def __init__(self, names: list[str], horizon: float) -> None:
        self.names, self.horizon = names, horizon
        self.quarters = int(np.ceil(horizon / QUARTER))
        shape = (len(names), self.quarters)
        kept = getattr(_LOCAL, "kept", None)
        if kept is None or kept[0] != shape:
            kept = (shape, np.zeros((len(names), self.quarters + 1)), np.zeros((len(names), self.quarters + 2)))
        _LOCAL.kept = None  # given back by `walked`: what an error leaves half filled is not used again
        self._kept = kept

    def add(self, name: str, begin: NDArray[np.float64], end: NDArray[np.float64]) -> None:
        """Add the intervals to one curve."""
        self.spread(np.full(len(begin), self.names.index(name), np.int64), begin, end)

    def spread(self, into: NDArray[np.int64], begin: NDArray[np.float64], end: NDArray[np.float64]) -> None:
        """Add each interval to the curve of its row."""
        add_intervals(begin, end, into, self.horizon, self._kept[1], self._kept[2])

    def walked(self, begin: int, duty: NDArray[np.float64], drawn: list[str]) -> Walked:
        """What the curves amount to from this quarter on; the first of them against what is on duty, with histograms of those that are drawn."""
        count = len(self.names)
        crowd_of = np.array([drawn.index(name) if name in drawn else -1 for name in self.names])
        made = Walked(
            np.zeros((count, QUARTERS)),
            np.zeros((len(drawn), QUARTERS, CROWD), np.int64),
            np.zeros((count, self.quarters // QUARTERS + 1)),
            np.zeros((count, TENTHS), np.int64),
            np.zeros((count, 5)),
        )
        walk(self._kept[1], self._kept[2], begin, duty, crowd_of, made.mean_day, made.crowd, made.daily, made.tenths, made.facts)
        _LOCAL.kept = self._kept
        return made


_LOCAL = threading.local()


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
