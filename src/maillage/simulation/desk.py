"""What runs of one thread use one after the other: memory that is not given back, and what was worked out once for the same object."""

from __future__ import annotations

import math
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
LINE: Final = 64
"""Bytes of a line of the processor's cache."""


class Same(Generic[T]):
    """An object as a key of a cache: the same object, the same answer."""

    def __init__(self, value: T) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class Desk:
    """Memory: what a run wrote is gone when the next one begins. Memory that is asked for anew costs more than to write it."""

    def __init__(self) -> None:
        self._kept: dict[str, NDArray[Any]] = {}

    def take(self, name: str, shape: tuple[int, ...], kind: type[Any] = np.float64) -> NDArray[Any]:
        """An array whose contents are anything."""
        size = math.prod(shape)
        kept = self._kept.get(name)
        if kept is None or len(kept) < size:
            kept = self._kept[name] = np.empty(size + size // 16, kind)
        return kept[:size].reshape(shape)

    def words(self, name: str, count: int) -> NDArray[np.uint64]:
        """So many words of 64 bits, from the beginning of a line of the processor's cache."""
        raw = self.take(name, (count + LINE // 8,), np.uint64)
        begin = (-raw.ctypes.data % LINE) // 8
        return raw[begin : begin + count]
