"""What time it is, injected: nothing else in maillage asks the machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Says what time it is; the tests, the generator and the demonstration bring their own."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The instant at which the clock stands."""
        return self._at

    def advance(self, delta: timedelta) -> None:
        """Move the clock by `delta`."""
        self._at += delta

    def set(self, at: datetime) -> None:
        """Put the clock at `at`."""
        self._at = at.astimezone(UTC)
