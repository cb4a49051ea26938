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
_ONE = np.uint64(1)
ASK, GET, END, BUSY, QUEUE = range(5)
"""Columns of `uses`: the stamps of a use of a resource, the curves that it adds to."""


class Drawn(NamedTuple):
    """The curves to read, one line each: which one is drawn, settles, is a zone or is measured against what is on duty (-1: no)."""

    crowd: Array
    daily: Array
    tenths: Array
    duty: Array


class Walked(NamedTuple):
    """What curves amount to: by time of day (in `PERSON`), days by number present, by day, zones in tenths, sums; room for one day."""

    mean_day: Array
    crowd: Array
    daily: Array
    tenths: Array
    facts: Array
    day: Array


@inlined
def ticks(when: float) -> Any:
    """A time as 2⁻³²ths of a quarter of an hour."""
    return np.int64(when * (PERSON / QUARTER))


@inlined
def step(curves: Any, curve: Any, x: Any, sign: Any) -> None:
    """One person more from a time on, or one less."""
    j, part = np.uint64(x >> BITS), x & (PERSON - 1)
    curves[np.uint64(curve), j] += sign * (PERSON - part)
    curves[np.uint64(curve), j + _ONE] += sign * part


@inlined
def between(curves: Any, curve: Any, x: Any, y: Any) -> None:
    """Add one person from x to y; nothing when y comes before."""
    step(curves, curve, x, 1)
    step(curves, curve, max(x, y), -1)


@inlined
def add(curves: Any, curve: Any, begin: float, end: float, horizon: float) -> None:
    """Add [begin, end) to a curve of differences; an end not reached is the horizon."""
    if begin < horizon and not (end <= begin):
        between(curves, curve, ticks(begin), ticks(min(horizon, end)))


@compiled
def segments(t: Any, first_zone: int, of_mark: Any, horizon: float, curves: Any) -> None:
    """Stays in zones, and services that a hand-over interrupted: what the log holds."""
    for n in range(t.info[SEGMENTS]):
        kind = t.log[n, 0]
        curve = kind + first_zone if kind >= 0 else np.int64(of_mark[-1 - kind])
        if curve >= 0:
            add(curves, curve, t.log_times[n, 0], t.log_times[n, 1], horizon)


@inlined
def crowded(crowd: Any, day: Any) -> None:
    """How many were there at each time of a day, rounded."""
    for at in range(QUARTERS):
        crowd[at, np.uint64(min((day[at] + _HALF) >> BITS, CROWD - 1))] += 1


@inlined
def in_zone(tenths: Any, facts: Any, day: Any) -> None:
    """How full a zone was, in tenths of a person, and the most."""
    for at in range(QUARTERS):
        tenths[np.uint64(min((day[at] * 10) >> BITS, TENTHS - 1))] += 1
        facts[MOST] = max(facts[MOST], day[at])


@inlined
def on_duty(duty: Any, facts: Any, day: Any, begin: Any) -> None:
    """What was used of what was on duty, what was idle, what was over it."""
    busy, idle, over = np.int64(0), np.int64(0), np.int64(0)
    for at in range(QUARTERS):
        here, run = duty[begin + at], day[at]
        busy += min(run, here)
        idle += max(0, here - run)
        over += max(0, run - here)
    facts[USED] += busy
    facts[IDLE] += idle
    facts[OVER] += over


@inlined
def read(drawn: Any, duty: Any, w: Any, j: Any, begin: Any) -> None:
    """One day of a curve; one thing at a time, so that several quarters go together."""
    mean, day, facts = w.mean_day[j], w.day, w.facts[j]
    for at in range(QUARTERS):
        mean[at] += day[at]
    if drawn.crowd[j] >= 0:
        crowded(w.crowd[drawn.crowd[j]], day)
    if drawn.tenths[j] >= 0:
        in_zone(w.tenths[drawn.tenths[j]], facts, day)
    if drawn.duty[j] >= 0:
        on_duty(duty[drawn.duty[j]], facts, day, begin)


@compiled
def walk(curves: Any, begin: int, days: int, drawn: Drawn, duty: Any, w: Walked) -> None:
    """Read each curve once: by day from the start, by time of day and against what is on duty from the day `begin`. Leaves the curves empty."""
    for j in range(curves.shape[0]):
        run, curve = np.int64(0), curves[j]
        for day in range(days):
            first = day * QUARTERS
            for at in range(QUARTERS):
                run += curve[first + at]
                w.day[at] = run
            for at in range(QUARTERS):
                curve[first + at] = 0
            if day >= begin:
                read(drawn, duty, w, j, first)
            if drawn.daily[j] >= 0:
                whole = np.int64(0)
                for at in range(QUARTERS):
                    whole += w.day[at]
                w.daily[drawn.daily[j], day] += whole / (PERSON * QUARTERS)
        for q in range(days * QUARTERS, curves.shape[1]):
            curve[q] = 0
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
