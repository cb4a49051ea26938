"""Until when the work of this request is worth doing, by the monotonic clock (house rule: deadlines never hang on the wall clock)."""

from __future__ import annotations

from contextvars import ContextVar
from time import monotonic

_until: ContextVar[float | None] = ContextVar("deadline", default=None)


def give(seconds: float) -> None:
    """Say that what this task does is of no use after so many seconds."""
    _until.set(monotonic() + seconds)


def left() -> float | None:
    """The seconds that are left, never less than a millisecond; None where nobody set a deadline, as in the worker."""
    until = _until.get()
    return None if until is None else max(0.001, until - monotonic())


def within(seconds: float) -> float:
    """A limit of our own, or what is left when that is less."""
    until = _until.get()
    return seconds if until is None else min(seconds, max(0.001, until - monotonic()))
