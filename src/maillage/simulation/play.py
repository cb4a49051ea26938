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
from maillage.simulation.memory import Place, Rows, State, Trace
from maillage.simulation.place import DAY

LOG_LINES = 4


class Broken(RuntimeError):
    """A run that cannot be believed: `log-full`, `endless-loop`."""


@dataclass(frozen=True, slots=True)
class Played:
    """What happened, with the words to read it."""

    program: Program
    rows: Rows
    trace: Trace
    horizon: float

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


def traced(program: Program, count: int) -> Trace:
    """An empty trace."""
    lines = LOG_LINES * count + 1024
    return Trace(
        marks=np.full((count, len(program.marks)), np.nan, order="F"),
        exits=np.full(count, -1, np.int32),
        log=np.empty((lines, 2), np.int32),
        log_times=np.empty((lines, 2)),
        info=np.zeros(4, np.int64),
    )


def _state(place: Place, count: int, lists: int) -> State:
    resources, zones = len(place.first), len(place.zone_places)
    watched = np.ones(zones + 2, np.int32)
    return State(
        row=np.full((count, 16), -1, np.int32),
        when=np.empty(count),
        order=np.empty(count, np.int64),
        rest=np.full(count, -1.0),
        wheel=np.full(memory.WHEEL, -1, np.int32),
        head=np.full(lists + resources, -1, np.int32),
        tail=np.full(lists + resources, -1, np.int32),
        busy=np.zeros(resources, np.int64),
        capacity=np.zeros(resources, np.int64),
        waiting=np.zeros(resources, np.int64),
        ready=np.empty(count + 1, np.int32),
        zone_head=np.full(zones + 2, -1, np.int32),
        zone_count=np.zeros(zones + 2, np.int64),
        zone_open=watched,
        zone_since=np.empty(count),
        taken=np.zeros(64, np.int64),
        number=np.zeros(4, np.int64),
    )


def play(program: Program, place: Place, who: Rows, horizon: float, *, day: float = DAY, onto: NDArray[np.float64] | None = None) -> Played:
    """Run until the horizon. `onto`: stamps of those who were here before (a run may start from the live board)."""
    trace = traced(program, len(who.start))
    if onto is not None:
        trace.marks[:] = onto
    state = _state(place, len(who.start), len(place.reserve))
    span = horizon if math.isfinite(horizon) else 1.0
    scale = 2.0 ** round(math.log2(max(1.0, 3.0 * len(who.start)) / max(span, 1e-9)))
    engine.run(place, who, trace, state, float(horizon), scale, float(day))
    if trace.info[memory.FULL]:
        raise Broken("log-full")
    if trace.info[memory.HURRY]:
        raise Broken("endless-loop")
    return Played(program, who, trace, horizon)
