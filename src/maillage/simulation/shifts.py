"""What changes with the hour: the capacity of a resource, the watch of a zone."""

from __future__ import annotations

from typing import Any

import numpy as np

from maillage.simulation.assembly import ASKED, ENDED, GOT, TARGET
from maillage.simulation.compiled import inlined
from maillage.simulation.memory import (
    AFTER,
    AGAIN,
    BEFORE,
    BUSY,
    CAPACITY,
    FLUSH,
    GRACE,
    HAND_OVER,
    LINE,
    LINES,
    LINES_END,
    MARKS,
    NOBODY,
    PC,
    POLICY,
    REST,
    SOONER,
    UNWATCHED,
    WAITING,
    WAITS,
    WATCH,
    WATCHED,
    WHEN,
    ZONE_AFTER,
)  # fmt: skip
from maillage.simulation.queues import free, grant, line_of, link, push, unlink
from maillage.simulation.timers import disarm
from maillage.simulation.zones import enter_zone, leave_zone, note, number_of


@inlined
def unwatched(s: Any, t: Any, zone: Any, now: float) -> None:
    """Those inside move on."""
    row = s.word[zone + ZONE_AFTER]
    while row != zone:
        after = s.word[row + ZONE_AFTER]
        leave_zone(s, t, row, now)
        enter_zone(s, row, now, s.word[UNWATCHED])
        row = after


@inlined
def stop_last(s: Any, t: Any, resource: Any, now: float) -> None:
    """Hand-over: the service begun last stops, goes to the head of its list, and will need the rest and the hand-over."""
    row = s.word[resource + BEFORE]
    pc = s.word[row + PC]
    got = s.word[pc + GOT]
    unlink(s, row)
    note(t, np.int64(MARKS) - 1 - np.int64(got), number_of(s, row), s.real[row + got], now)
    if s.word[row + SOONER] != NOBODY:
        s.real[row + REST] = s.real[row + WHEN] - now + s.real[resource + GRACE]
        disarm(s, row)
    s.real[row + s.word[pc + ASKED]] = now
    s.whole[resource + BUSY] -= 1
    s.word[row + PC] = pc | WAITS
    link(s, row, line_of(s, row, pc))
    s.whole[resource + WAITING] += 1


@inlined
def flush(s: Any, resource: Any, now: float) -> None:
    """Empty the lists of a resource: everyone goes where the step says."""
    line, end = s.word[resource + LINES], s.word[resource + LINES_END]
    while line != end:
        row = s.word[line + AFTER]
        while row != line:
            after, pc = s.word[row + AFTER], s.word[row + PC] ^ WAITS
            disarm(s, row)
            s.real[row + s.word[pc + ENDED]] = now
            s.word[row + PC] = s.word[pc + TARGET] | AGAIN
            push(s, row)
            row = after
        s.word[line + AFTER] = line
        s.word[line + BEFORE] = line
        line += LINE
    s.whole[resource + WAITING] = 0


@inlined
def change(s: Any, t: Any, c: Any, n: Any, now: float) -> None:
    """A shift changes, or the watch of a zone."""
    resource = c.of[n]
    if c.flag[n] == WATCH:
        s.whole[resource + WATCHED] = c.to[n]
        if c.to[n] == 0:
            unwatched(s, t, resource, now)
        return
    s.whole[resource + CAPACITY] = c.to[n]
    while s.whole[resource + POLICY] == HAND_OVER and free(s, resource) < 0:
        stop_last(s, t, resource, now)
    if c.flag[n] == FLUSH:
        flush(s, resource, now)
    grant(s, t, resource, now)
