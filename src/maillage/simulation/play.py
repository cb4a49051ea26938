"""One run of the engine: the arrays made, the loop called, what went wrong said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maillage.simulation import engine, memory
from maillage.simulation.assembly import Program
from maillage.simulation.desk import Desk
from maillage.simulation.layout import layout
from maillage.simulation.memory import MARKS, Comers, Log, Place, Rows, Trace
from maillage.simulation.place import DAY

LOG_LINES = 4
TIMERS_APART = 40.0
"""Buckets of the wheel for each row: so many that two timers seldom meet in one."""


class Broken(RuntimeError):
    """A run that cannot be believed: `log-full`, `endless-loop`."""


@dataclass(frozen=True, slots=True)
class Played:
    """What happened, with the words to read it."""

    program: Program
    rows: Rows
    trace: Trace
    horizon: float
    words: NDArray[np.uint64]
    """The memory of the people."""
    width: int
    """Words of each."""

    def mark(self, name: str) -> NDArray[np.float64]:
        """A stamp of every row; NaN where it was not reached."""
        return np.asarray(self.trace.marks[:, self.program.marks.index(name)])

    def left_by(self, name: str) -> NDArray[np.bool_]:
        """The rows that left by this exit."""
        return np.asarray(self.trace.exits == self.program.exits.index(name))

    @property
    def log(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """What happened several times: (kind, row) and (begin, end)."""
        count = int(self.trace.info[memory.SEGMENTS])
        return self.trace.log[:count], self.trace.log_times[:count]


def rows(
    program: Program,
    start: NDArray[np.float64],
    path: str | Sequence[str],
    columns: Mapping[str, Any],
    *,
    cls: NDArray[Any] | None = None,
    rank: NDArray[np.float64] | None = None,
    streams: Mapping[str, NDArray[np.float64]] | None = None,
) -> Rows:
    """Rows supplied from outside, in order of arrival: real days, a teaching model, a test."""
    count = len(start)
    at = [program.starts[path]] * count if isinstance(path, str) else [program.starts[name] for name in path]
    table = np.zeros((count, max(1, len(program.names.columns))))
    for number, name in enumerate(program.names.columns):
        table[:, number] = columns[name]
    values = [np.asarray((streams or {})[name], np.float64) for name in program.names.streams]
    ends = np.cumsum([0, *(len(value) for value in values)])
    return Rows(
        start=np.ascontiguousarray(start, np.float64),
        at=np.array(at, np.int32),
        rank=np.ascontiguousarray(start if rank is None else rank, np.float64),
        cls=np.zeros(count, np.int32) if cls is None else np.ascontiguousarray(cls, np.int32),
        plan=np.zeros(count, np.int32),
        columns=table,
        streams=np.concatenate(values) if values else np.zeros(1),
        stream_at=ends.astype(np.int64),
    )


def _logged(count: int, desk: Desk) -> Log:
    """An empty log."""
    lines = LOG_LINES * count + 1024
    return Log(desk.take("log", (lines, 2), np.int32), desk.take("log_times", (lines, 2)), np.zeros(4, np.int64))


def _comers(who: Rows, plans: NDArray[np.uint64]) -> Comers:
    """The rows as the engine reads them."""
    columns = np.ascontiguousarray(who.columns).reshape(-1)
    return Comers(who.start, who.at, who.rank, who.cls, who.plan, plans, columns, who.streams, who.stream_at.astype(np.uint64))


def play(
    program: Program,
    place: Place,
    who: Rows,
    horizon: float,
    *,
    day: float = DAY,
    onto: NDArray[np.float64] | None = None,
    desk: Desk | None = None,
) -> Played:
    """Run until the horizon. `onto`: stamps of those who were here before (a run may start from the live board).

    With a `desk`, what is returned lasts until its next run.
    """
    desk = desk or Desk()
    laid, count = layout(place, len(program.marks)), len(who.start)
    begin = len(laid.words)
    words = desk.words("words", begin + count * laid.width)
    words[:begin] = laid.words
    records = words[begin:].reshape(count, laid.width)
    marks = records.view(np.float64)[:, MARKS : MARKS + len(program.marks)]
    if onto is not None:
        marks[:] = onto
    log = _logged(count, desk)
    span = horizon if math.isfinite(horizon) else 1.0
    scale = 2.0 ** round(math.log2(max(1.0, TIMERS_APART * count) / max(span, 1e-9)))
    engine.run(words, _comers(who, laid.plans), laid.changes, log, int(onto is None), float(horizon), scale, float(day))
    if log.info[memory.FULL]:
        raise Broken("log-full")
    if log.info[memory.HURRY]:
        raise Broken("endless-loop")
    exits = records.view(np.int64)[:, int(memory.LEFT_BY)]
    return Played(program, who, Trace(marks, exits, *log), horizon, words[begin:], laid.width)
