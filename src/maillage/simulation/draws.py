"""Randomness first: every draw is a pure function of (seed, row, purpose), so that engines and scenarios see the same people.

A counter is mixed twice into 64 bits (the finaliser of splitmix64, Steele, Lea and Flood 2014). No generator is advanced anywhere: adding a row or a
purpose moves no other draw.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.compiled import compiled, inlined

WORD: Final = (1 << 64) - 1
GOLDEN: Final = 0x9E3779B97F4A7C15
SILVER: Final = 0xD1B54A32D192ED03
FIRST: Final = 0xBF58476D1CE4E5B9
SECOND: Final = 0x94D049BB133111EB
_GOLDEN, _SILVER, _FIRST, _SECOND = np.uint64(GOLDEN), np.uint64(SILVER), np.uint64(FIRST), np.uint64(SECOND)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
UNIT: Final = 2.0**-53


class Purpose(IntEnum):
    """The named streams. Append only: a number that was given keeps its meaning, or old seeds tell other stories."""

    ARRIVAL = 0
    THIN = 1
    LEVEL = 2
    DAY = 3
    DIRECT = 4
    OG_COVER = 5
    TRIAGE = 6
    CARE = 7
    CONTACT1 = 8
    CONTACT2 = 9
    IMAGE = 10
    LAB = 11
    OBSERVE = 12
    TRANSFER = 13
    OG_CARE = 14
    UHCD_STAY = 15
    LOS = 16
    DISCHARGE_HOUR = 17
    PATIENCE = 18
    HAS_IMAGING = 19
    HAS_LAB = 20
    DISPOSITION = 21
    UHCD_WARD = 22
    OG_FIT = 23
    OG_DECLINED = 24
    OG_RETURNED = 25
    LYING = 26
    REMAINING = 27
    RESIDUE = 28
    PRIOR = 29
    ALTERNATIVE = 30


OWN: Final = 64
"""Columns of a model that the list above does not name take the numbers from here, in the order of the model."""


def mix(x: int) -> int:
    """The finaliser, on plain integers."""
    x ^= x >> 30
    x = x * FIRST & WORD
    x ^= x >> 27
    x = x * SECOND & WORD
    return x ^ x >> 31


def key_of(seed: int) -> int:
    """The word that a seed stands for."""
    return mix((seed * GOLDEN + 12345) & WORD)


def uniform(seed: int, row: int, purpose: int) -> float:
    """One draw in (0, 1), in plain Python: the definition that the compiled one is compared with."""
    z = mix((mix((key_of(seed) + row * GOLDEN + purpose * SILVER) & WORD) + GOLDEN) & WORD)
    return ((z >> 11) + 0.5) * UNIT


@inlined
def _mixed(x: np.uint64) -> np.uint64:
    x ^= x >> _30
    x *= _FIRST
    x ^= x >> _27
    x *= _SECOND
    return x ^ (x >> _31)


@inlined
def unit(key: np.uint64, row: np.uint64, purpose: np.uint64) -> float:
    """`uniform` by the word that the seed stands for."""
    z = _mixed(_mixed(key + row * _GOLDEN + purpose * _SILVER) + _GOLDEN)
    return (float(np.int64(z >> _11)) + 0.5) * UNIT


@compiled
def uniforms(key: Any, rows: Any, purpose: Any, out: Any) -> None:
    """The draws of one purpose for many rows."""
    for i in range(rows.size):
        out[i] = unit(key, rows[i], purpose)


def drawn(seed: int, rows: NDArray[np.uint64], purpose: int) -> NDArray[np.float64]:
    """`uniform(seed, row, purpose)` for each row."""
    out = np.empty(len(rows))
    uniforms(np.uint64(key_of(seed)), rows, np.uint64(purpose), out)
    return out
