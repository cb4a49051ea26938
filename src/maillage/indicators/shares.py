"""Counts and shares as they may be told: floors, an interval around each rate, and nothing under eleven outside the care team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from maillage.indicators.waits import CELL_FLOOR

RATE_FLOOR: Final = 30
"""Under this many cases a rate is not told: only its two counts."""
_Z: Final = 1.959963984540054
"""The 97.5th centile of the normal distribution: an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`. A count is None when it may not be told; the rate and its interval are None under their floor."""

    part: int | None
    whole: int | None
    rate: float | None = None
    low: float | None = None
    high: float | None = None


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The interval of Wilson, 95 %, without correction for continuity (E. B. Wilson, JASA 22, 1927). `whole` is not zero."""
    rate, squared = part / whole, _Z * _Z
    centre = rate + squared / (2 * whole)
    spread = _Z * sqrt(rate * (1 - rate) / whole + squared / (4 * whole * whole))
    scale = 1 + squared / whole
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def count_told(number: int, *, inside: bool) -> int | None:
    """A count, or None when it may not be told outside the care team."""
    return number if inside or number >= CELL_FLOOR else None


def share_told(part: int, whole: int, *, inside: bool) -> Share:
    """A share: the rate from 30 cases on. Outside the care team neither side of the cut may be under eleven: one would give the other."""
    if not inside and (whole < CELL_FLOOR or part < CELL_FLOOR or whole - part < CELL_FLOOR):
        return Share(None, count_told(whole, inside=inside))
    if whole < RATE_FLOOR:
        return Share(part, whole)
    low, high = wilson(part, whole)
    return Share(part, whole, part / whole, low, high)


def total_told(cells: Sequence[tuple[int, bool]]) -> int | None:
    """The sum of counts, each with whether its reader is inside; None when it would give a hidden cell away by subtraction."""
    hidden = [number for number, inside in cells if count_told(number, inside=inside) is None]
    total = sum(number for number, _ in cells)
    return None if hidden and (len(hidden) == 1 or sum(hidden) < CELL_FLOOR) else total
