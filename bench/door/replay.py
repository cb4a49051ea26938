"""A recorded request as something that can be repeated: every changing word in its place, every id made anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.door.recording import Recording, Statement
from bench.door.rows import Template, Words

Maker = Callable[[Words, datetime], Any]
"""From the words of a request and its instant to a value."""

NEAR = timedelta(minutes=5)


class Step:
    """One statement with what makes its text and its values."""

    __slots__ = ("_sql", "_values", "changing", "connection", "method")

    def __init__(self, statement: Statement, recording: Recording) -> None:
        sample = (*recording.words, *recording.made)
        self.connection, self.method = statement.connection, statement.method
        self._sql = Template(statement.sql, sample)
        makers = [maker(value, sample, recording.at) for value in statement.values]
        self._values = [
            (lambda _w, _n, value=value: value) if made is None else made for made, value in zip(makers, statement.values, strict=True)
        ]

    def make(self, words: Words, now: datetime) -> tuple[str, list[Any]]:
        """The text and the values of one request."""
        return self._sql.fill(words), [make(words, now) for make in self._values]


def maker(value: Any, sample: Words, at: datetime) -> Maker | None:
    """What makes a value anew; None when it is always the same."""
    if isinstance(value, str):
        template = Template(value, sample)
        return (lambda words, _now: template.fill(words)) if template.places else None
    if isinstance(value, list | tuple):
        return _of_list(value, sample, at)
    if isinstance(value, datetime) and abs(value - at) < NEAR:
        return lambda _words, now: now
    if isinstance(value, int) and not isinstance(value, bool) and str(value) in sample:
        place = sample.index(str(value))
        return lambda words, _now: int(words[place])
    return None


def _of_list(value: list[Any] | tuple[Any, ...], sample: Words, at: datetime) -> Maker | None:
    made = [maker(item, sample, at) for item in value]
    if not any(made):
        return None
    pairs = list(zip(made, value, strict=True))
    return lambda words, now: [item if make is None else make(words, now) for make, item in pairs]


class Ids:
    """Ids of the length and order of the real ones, at almost no cost."""

    def __init__(self) -> None:
        self._next = time.time_ns()

    def take(self, count: int) -> Words:
        """Some that were never given before."""
        self._next += count
        return tuple(_written(self._next - n) for n in range(count))


def _written(number: int) -> str:
    text = f"{number:016x}"
    return f"{text[:8]}-{text[8:12]}-7{text[12:15]}-8{text[15]}00-000000000000"


def now() -> datetime:
    """The instant of a request."""
    return datetime.now(UTC)
