"""Where people wait: who enters which zone, who leaves it, and the log of both."""

from __future__ import annotations

from typing import Any

import numpy as np

from maillage.simulation.compiled import inlined
from maillage.simulation.memory import (
    FULL,
    INSIDE,
    LAST_ZONE,
    NOBODY,
    NUMBER,
    PLACES,
    PLAN,
    ROWS,
    SEGMENTS,
    SINCE,
    WATCHED,
    WIDTH,
    ZONE,
    ZONE_AFTER,
    ZONE_BEFORE,
)  # fmt: skip

_ONE = np.uint64(1)


@inlined
def number_of(s: Any, row: Any) -> Any:
    """How many came before a row."""
    return (row - s.word[ROWS]) // s.word[WIDTH]


@inlined
def note(t: Any, kind: Any, number: Any, begin: float, end: float) -> None:
    """A line of the log."""
    n = t.info[SEGMENTS]
    if n >= t.log.shape[0]:
        t.info[FULL] = 1
        return
    t.log[n, 0] = kind
    t.log[n, 1] = number
    t.log_times[n, 0] = begin
    t.log_times[n, 1] = end
    t.info[SEGMENTS] = n + 1


@inlined
def leave_zone(s: Any, t: Any, row: Any, now: float) -> None:
    """Free the place of a row in its zone."""
    zone = s.word[row + ZONE]
    if zone == NOBODY:
        return
    note(t, s.whole[zone + NUMBER], number_of(s, row), s.real[row + SINCE], now)
    after, before = s.word[row + ZONE_AFTER], s.word[row + ZONE_BEFORE]
    s.word[before + ZONE_AFTER] = after
    s.word[after + ZONE_BEFORE] = before
    s.whole[zone + INSIDE] -= 1
    s.word[row + ZONE] = NOBODY


@inlined
def enter_zone(s: Any, row: Any, now: float, fallback: Any) -> None:
    """The first zone of the plan that has a place and a watch; else the fallback, which is counted, not limited."""
    plan = s.word[row + PLAN]
    zone = s.word[plan]
    while zone != NOBODY and not (s.whole[zone + WATCHED] > 0 and s.whole[zone + INSIDE] < s.whole[zone + PLACES]):
        plan += _ONE
        zone = s.word[plan]
    if zone == NOBODY:
        zone = fallback
    head = s.word[zone + ZONE_AFTER]
    s.word[row + ZONE] = zone
    s.word[row + LAST_ZONE] = zone
    s.word[row + ZONE_AFTER] = head
    s.word[row + ZONE_BEFORE] = zone
    s.word[head + ZONE_BEFORE] = row
    s.word[zone + ZONE_AFTER] = row
    s.whole[zone + INSIDE] += 1
    s.real[row + SINCE] = now
