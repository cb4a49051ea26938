"""What this process is ready for: it takes requests until it drains, and writes until a disk is nearly full."""

from __future__ import annotations

from collections.abc import Callable


class Stance:
    """Told by who runs the process, asked by the edge and by the probes."""

    __slots__ = ("draining", "storage_full")

    def __init__(self, storage_full: Callable[[], bool] = lambda: False) -> None:
        self.draining = False
        self.storage_full = storage_full
