"""The wheel of timers: buckets of rows, linked through the rows themselves.

A row has one live timer at most, so that a patience limit is taken out when it no longer matters, not skipped when it comes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maillage.simulation.compiled import inlined
from maillage.simulation.memory import BUCKET, INFINITE, LATER, SOONER, WHEEL


@inlined
def arm(s: Any, row: Any, when: float, scale: float) -> None:
    """Set the timer of a row."""
    if when == INFINITE:
        return
    s.when[row] = when
    s.order[row] = s.number[2]
    s.number[2] += 1
    s.number[3] += 1
    bucket = np.int64(when * scale) & (WHEEL - 1)
    head = s.wheel[bucket]
    s.row[row, BUCKET] = bucket
    s.row[row, LATER] = head
    s.row[row, SOONER] = -1
    if head >= 0:
        s.row[head, SOONER] = row
    s.wheel[bucket] = row


@inlined
def disarm(s: Any, row: Any) -> None:
    """Take the timer of a row out of the wheel, if it has one."""
    bucket = s.row[row, BUCKET]
    if bucket < 0:
        return
    later, sooner = s.row[row, LATER], s.row[row, SOONER]
    if sooner >= 0:
        s.row[sooner, LATER] = later
    else:
        s.wheel[bucket] = later
    if later >= 0:
        s.row[later, SOONER] = sooner
    s.row[row, BUCKET] = -1
    s.number[3] -= 1


@inlined
def soonest(s: Any, now: float, limit: float, scale: float) -> Any:
    """The row whose timer comes first, not after `limit`; -1 when there is none."""
    if s.number[3] == 0:
        return -1
    for bucket in range(np.int64(now * scale), np.int64(limit * scale) + 1):
        row = s.wheel[bucket & (WHEEL - 1)]
        best = -1
        while row >= 0:
            if np.int64(s.when[row] * scale) == bucket and (
                best < 0 or s.when[row] < s.when[best] or (s.when[row] == s.when[best] and s.order[row] < s.order[best])
            ):
                best = row
            row = s.row[row, LATER]
        if best >= 0:
            return best if s.when[best] <= limit else -1
    return -1
