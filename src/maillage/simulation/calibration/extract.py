"""What a department recorded of each passage, without anybody's identity: when, how long, by which way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

EXITS: Final = ("home", "ward", "uhcd", "unseen")
SHARES: Final = (0.25, 0.5, 0.75, 0.9)
DAY: Final = 1440.0
NIGHT: Final = (20.0, 8.0)
"""Who comes from this hour to that one came at night."""


@dataclass(frozen=True, slots=True)
class Extract:
    """Passages in order of arrival: minutes since a Monday at 0 h, minutes of stay (NaN: not known), way out (index into `EXITS`, -1: not known)."""

    arrive: NDArray[np.float64]
    stay: NDArray[np.float64]
    exit: NDArray[np.int64]

    @property
    def days(self) -> int:
        """Whole days from the Monday to the last arrival."""
        return int(np.ceil((self.arrive[-1] + 1.0) / DAY)) if len(self.arrive) else 0

    def between(self, first: int, last: int) -> Extract:
        """Those who came from a day to another, times as they are."""
        kept = (self.arrive >= first * DAY) & (self.arrive < last * DAY)
        return Extract(self.arrive[kept], self.stay[kept], self.exit[kept])


def at_night(arrive: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each came at night."""
    hour = (arrive % DAY) / 60.0
    return np.asarray((hour >= NIGHT[0]) | (hour < NIGHT[1]))


def census(extract: Extract, first: int, last: int) -> NDArray[np.float64]:
    """The mean number present in each hour of each day (day, hour); a stay that is not known is left out."""
    known = ~np.isnan(extract.stay)
    edges = np.arange(first * DAY, last * DAY + 1.0, 60.0)
    begun, gone = np.sort(extract.arrive[known]), np.sort((extract.arrive + extract.stay)[known])
    present = (_minutes_before(begun, edges) - _minutes_before(gone, edges))[1:] - (
        _minutes_before(begun, edges) - _minutes_before(gone, edges)
    )[:-1]
    return np.asarray(present.reshape(last - first, 24) / 60.0)


def _minutes_before(times: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral up to each edge of how many of these times have passed."""
    sums = np.concatenate([[0.0], np.cumsum(times)])
    count = np.searchsorted(times, edges)
    return np.asarray(count * edges - sums[count])


def summaries(extract: Extract, first: int, last: int) -> NDArray[np.float64]:
    """What is compared: quantiles of stay by way out and by day or night, the share unseen, the census by hour. In logarithms where they multiply."""
    part = extract.between(first, last)
    night = at_night(part.arrive)
    found = []
    for code in range(3):
        for when in (night, ~night):
            stays = part.stay[(part.exit == code) & when & ~np.isnan(part.stay)]
            found += list(np.log(np.quantile(stays, SHARES) + 1.0)) if len(stays) >= 5 else [0.0] * len(SHARES)
    found.append(float((part.exit == 3).mean()) * 10.0 if len(part.exit) else 0.0)
    return np.array([*found, *np.log(census(extract, first, last).mean(axis=0) + 1.0)])


def daily(extract: Extract, first: int, last: int) -> NDArray[np.float64]:
    """Of each day: median stay of those who came, mean number present (day, measure)."""
    medians = np.full(last - first, np.nan)
    part = extract.between(first, last)
    day = (part.arrive // DAY).astype(int) - first
    for n in range(last - first):
        stays = part.stay[(day == n) & ~np.isnan(part.stay)]
        medians[n] = np.median(stays) if len(stays) else np.nan
    return np.stack([medians, census(extract, first, last).mean(axis=1)], axis=1)
