"""The wheel of timers: buckets of rows, linked through the rows themselves; a bit for each bucket that holds one, so that empty ones cost nothing.

A row has one live timer at most, so that a patience limit is taken out when it no longer matters, not skipped when it comes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maillage.simulation.compiled import inlined
from maillage.simulation.memory import BUCKET, INFINITE, LATER, ORDER, SOONER, WHEEL, WHEN

_ONE, _SHIFT = np.uint64(1), np.uint64(58)
_SPREAD = np.uint64(0x03F79D71B4CB0A89)
_PLACE = np.zeros(64, np.int64)
_PLACE[[((0x03F79D71B4CB0A89 << n) & (2**64 - 1)) >> 58 for n in range(64)]] = np.arange(64)
"""Of the lowest bit that is set: a de Bruijn sequence, shifted by it, begins with a number that no other shift gives."""


@inlined
def lowest(word: np.uint64) -> Any:
    """The place of the lowest bit of a word that is not zero."""
    return _PLACE[((word & (~word + _ONE)) * _SPREAD) >> _SHIFT]


@inlined
def arm(s: Any, row: Any, when: float, scale: float) -> None:
    """Set the timer of a row."""
    if when == INFINITE:
        return
    s.real[row, WHEN] = when
    s.row[row, ORDER] = s.number[2]
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
    s.held[bucket >> 6] |= _ONE << np.uint64(bucket & 63)


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
        if later < 0:
            s.held[bucket >> 6] &= ~(_ONE << np.uint64(bucket & 63))
    if later >= 0:
        s.row[later, SOONER] = sooner
    s.row[row, BUCKET] = -1
    s.number[3] -= 1


@inlined
def soonest(s: Any, now: float, limit: float, scale: float) -> Any:
    """The row whose timer comes first, not after `limit`; -1 when there is none."""
    if s.number[3] == 0:
        return -1
    bucket, last = np.int64(now * scale), np.int64(limit * scale)
    while bucket <= last:
        word = s.held[(bucket & (WHEEL - 1)) >> 6] >> np.uint64(bucket & 63)
        if word == 0:
            bucket = (bucket | 63) + 1
            continue
        bucket += lowest(word)
        row, best = np.int64(s.wheel[bucket & (WHEEL - 1)]), np.int64(-1)
        while row >= 0:
            if np.int64(s.real[row, WHEN] * scale) == bucket and (
                best < 0
                or s.real[row, WHEN] < s.real[best, WHEN]
                or (s.real[row, WHEN] == s.real[best, WHEN] and s.row[row, ORDER] < s.row[best, ORDER])
            ):
                best = row
            row = np.int64(s.row[row, LATER])
        if best >= 0:
            return best if s.real[best, WHEN] <= limit else -1
        bucket += 1
    return -1
