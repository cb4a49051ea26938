"""How many at each quarter of an hour: exact areas under step functions, from stamps.

Areas are whole numbers of a 2⁻³²th of a person: sums are the same in any order, and nobody is lost between two curves.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.compiled import compiled, inlined
from maillage.simulation.memory import SEGMENTS, Array

QUARTER: Final = 15.0
QUARTERS: Final = 96
CROWD: Final = 160
"""Bins of a curve's histogram by time of day."""
TENTHS: Final = 4096
"""Bins of the histogram of a zone, in tenths of a person."""
USED, IDLE, OVER, TOTAL, MOST = range(5)
BITS: Final = 32
PERSON: Final = 1 << BITS
"""One person during one quarter of an hour."""
_HALF: Final = PERSON // 2
ASK, GET, END, BUSY, QUEUE = range(5)
"""Columns of `uses`: the stamps of a use of a resource, the curves that it adds to."""


class Drawn(NamedTuple):
    """The curves to read, one line each: which one is drawn, settles, is a zone or is measured against what is on duty (-1: no)."""

    crowd: Array
    daily: Array
    tenths: Array
    duty: Array


class Walked(NamedTuple):
    """What curves amount to: by time of day (in `PERSON`), days by number present, by day, zones in tenths, sums."""

    mean_day: Array
    crowd: Array
    daily: Array
    tenths: Array
    facts: Array


@inlined
def add(curves: Any, curve: Any, begin: float, end: float, horizon: float) -> None:
    """Add [begin, end) to a curve of differences; an end not reached is the horizon."""
    if begin < horizon and not (end <= begin):
        x = np.int64(begin * (PERSON / QUARTER))
        j = x >> BITS
        curves[curve, j] += PERSON - (x & (PERSON - 1))
        curves[curve, j + 1] += x & (PERSON - 1)
        y = np.int64(min(horizon, end) * (PERSON / QUARTER))
        k = y >> BITS
        curves[curve, k] -= PERSON - (y & (PERSON - 1))
        curves[curve, k + 1] -= y & (PERSON - 1)


@compiled
def segments(t: Any, first_zone: int, of_mark: Any, horizon: float, curves: Any) -> None:
    """Stays in zones, and services that a hand-over interrupted: what the log holds."""
    for n in range(t.info[SEGMENTS]):
        kind = t.log[n, 0]
        curve = kind + first_zone if kind >= 0 else np.int64(of_mark[-1 - kind])
        if curve >= 0:
            add(curves, curve, t.log_times[n, 0], t.log_times[n, 1], horizon)


@inlined
def quarter(drawn: Any, duty: Any, w: Any, j: Any, at: Any, q: Any, run: Any) -> None:
    """One quarter of an hour of a curve."""
    w.mean_day[j, at] += run
    if drawn.crowd[j] >= 0:
        w.crowd[drawn.crowd[j], at, min((run + _HALF) >> BITS, CROWD - 1)] += 1
    if drawn.tenths[j] >= 0:
        w.tenths[drawn.tenths[j], min((run * 10) >> BITS, TENTHS - 1)] += 1
        w.facts[j, MOST] = max(w.facts[j, MOST], run)
    if drawn.duty[j] >= 0:
        here = duty[drawn.duty[j], q]
        w.facts[j, USED] += min(run, here)
        w.facts[j, IDLE] += max(0, here - run)
        w.facts[j, OVER] += max(0, run - here)


@compiled
def walk(curves: Any, begin: int, days: int, drawn: Drawn, duty: Any, w: Walked) -> None:
    """Read each curve once: by day from the start, by time of day and against what is on duty from the day `begin`. Leaves the curves empty."""
    for j in range(curves.shape[0]):
        run = np.int64(0)
        for day in range(days):
            whole = np.int64(0)
            for at in range(QUARTERS):
                q = day * QUARTERS + at
                run += curves[j, q]
                curves[j, q] = 0
                whole += run
                if day >= begin:
                    quarter(drawn, duty, w, j, at, q, run)
            if drawn.daily[j] >= 0:
                w.daily[drawn.daily[j], day] += whole / (PERSON * QUARTERS)
        for q in range(days * QUARTERS, curves.shape[1]):
            curves[j, q] = 0
        for at in range(QUARTERS):
            w.facts[j, TOTAL] += w.mean_day[j, at]


def steps_area(shifts: Any, horizon: float) -> NDArray[np.int64]:
    """What a schedule of (from when, how many) has by quarter, in `PERSON`."""
    begins = np.array([time for time, _ in shifts])
    numbers = np.array([float(number) for _, number in shifts])
    edges = np.arange(0.0, horizon + QUARTER / 2, QUARTER)
    cumulated = (np.clip(edges[:, None], begins, np.append(begins[1:], np.inf)) - begins) @ numbers if len(begins) < 64 else (
        _cumulated(edges, begins, numbers)
    )  # fmt: skip
    return np.asarray(np.rint(np.diff(cumulated) * (PERSON / QUARTER)), np.int64)


def _cumulated(edges: NDArray[np.float64], begins: NDArray[np.float64], numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral of a long schedule from 0 to each edge."""
    before = np.concatenate([[0.0], np.cumsum(np.diff(begins) * numbers[:-1])])
    at = np.searchsorted(begins, edges, side="right") - 1
    return np.asarray(before[at] + (edges - begins[at]) * numbers[at])
