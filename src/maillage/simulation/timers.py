"""The wheel of timers: buckets of rows, linked through the rows themselves; a bit for each bucket that holds one, so that empty ones cost nothing.

A row has one live timer at most, so that a patience limit is taken out when it no longer matters, not skipped when it comes.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from maillage.simulation.compiled import inlined
from maillage.simulation.memory import ALIVE, INFINITE, LATER, NOBODY, ORDER, ORDERS, SOONER, WHEEL, WHEN

_ONE, _SIX, _BITS = np.uint64(1), np.uint64(6), np.uint64(63)
_WHEEL, _LAP = np.uint64(WHEEL), np.uint64(WHEEL - 1)
FAR: Final = 2.0**60
"""More buckets than any run has."""


@inlined
def lowest(word: np.uint64) -> int:
    """The place of the lowest bit of a word that is not zero; compiled, one instruction (`building`)."""
    return (int(word) & -int(word)).bit_length() - 1


@inlined
def bucket(tick: Any) -> Any:
    """The address of a bucket; shifted by six, the address of the word that holds its bit."""
    return _WHEEL | (np.uint64(tick) & _LAP)


@inlined
def arm(s: Any, row: Any, when: float, scale: float) -> None:
    """Set the timer of a row."""
    if when == INFINITE:
        return
    at = bucket(np.int64(when * scale))
    head = s.word[at]
    s.real[row + WHEN] = when
    s.word[row + ORDER] = s.word[ORDERS]
    s.word[row + LATER] = head
    s.word[row + SOONER] = at
    s.word[head + SOONER] = row + LATER
    s.word[at] = row
    s.word[at >> _SIX] |= _ONE << (at & _BITS)
    s.word[ORDERS] += _ONE
    s.word[ALIVE] += _ONE


@inlined
def disarm(s: Any, row: Any) -> None:
    """Take the timer of a row out of the wheel, if it has one."""
    sooner = s.word[row + SOONER]
    if sooner == NOBODY:
        return
    later = s.word[row + LATER]
    s.word[sooner] = later
    s.word[later + SOONER] = sooner
    s.word[row + SOONER] = NOBODY
    s.word[ALIVE] -= _ONE
    if later == NOBODY and sooner < _WHEEL + _WHEEL:
        s.word[sooner >> _SIX] &= ~(_ONE << (sooner & _BITS))


@inlined
def soonest(s: Any, now: float, limit: float, scale: float) -> Any:
    """The row whose timer comes first, not after `limit`; NOBODY when there is none."""
    best = NOBODY
    if s.word[ALIVE] == NOBODY:
        return best
    tick, last, wide = np.int64(now * scale), np.int64(min(FAR, limit * scale)), 1.0 / scale
    while tick <= last:
        at = bucket(tick)
        held = s.word[at >> _SIX] >> (at & _BITS)
        if held == NOBODY:
            tick = (tick | 63) + 1
            continue
        tick += np.int64(lowest(held))
        row, edge = s.word[bucket(tick)], np.float64(tick + 1) * wide
        while row != NOBODY:
            when = s.real[row + WHEN]
            if when < edge and (
                best == NOBODY or when < s.real[best + WHEN] or (when == s.real[best + WHEN] and s.word[row + ORDER] < s.word[best + ORDER])
            ):
                best = row
            row = s.word[row + LATER]
        if best != NOBODY:
            return best if s.real[best + WHEN] <= limit else NOBODY
        tick += 1
    return best
