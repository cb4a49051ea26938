"""Token buckets: so many a minute, of whatever key, in a bounded memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic


class Buckets:
    """One bucket for each key. A full one is the same as none: the key unused for longest is forgotten first.

    `per_minute` tokens flow in each minute and as many may be saved up; 0 counts nothing.
    """

    __slots__ = ("_at", "_buckets", "_most", "_rate", "_size")

    def __init__(self, per_minute: float, most: int, at: Callable[[], float] = monotonic) -> None:
        self._rate, self._size, self._most, self._at = per_minute / 60, max(per_minute, 1.0), most, at
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str) -> int:
        """Take a token; 0 when there was one, else the whole seconds until the next (RFC 9110, Retry-After)."""
        if not self._rate or not key:
            return 0
        now = self._at()
        left, since = self._buckets.get(key, (self._size, now))
        left = min(self._size, left + (now - since) * self._rate)
        taken = left >= 1
        self._buckets[key] = (left - 1 if taken else left, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return 0 if taken else math.ceil((1 - left) / self._rate)
