"""What the engine works on: who comes, where, what happened. What changes during a run is one piece of memory, in words of 64 bits.

Whatever has a state (a person, a resource, a list, a zone, a step of the table) is known by its address in that memory, the place of its first word; what
it holds stands so many words further. Address 0 is nobody's: it ends a list, and whoever writes there disturbs nothing. So compiled code needs one
base, no multiplication, and few branches.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from maillage.simulation.compiled import inlined

Array = Any
"""An array as compiled code sees it: the types are those of the call."""

FINISH, HAND_OVER, WIND_DOWN = range(3)
EVENTS, SEGMENTS, FULL, HURRY = range(4)
"""What `info` counts: events, lines of the log; FULL and HURRY are set when the log overflowed, or a row never stopped."""
FLUSH, WATCH = 1, 2
"""What a change is beside a new capacity: a list that is emptied, the watch of a zone."""
INFINITE: Final = float("inf")

NOBODY: Final = np.uint64(0)
AGAIN, WAITS = np.uint64(1), np.uint64(2)
"""Steps lie 16 words apart: the last bits of PC tell who must ask again, and who waits in a list."""

PC, AFTER, BEFORE, LATER, SOONER, ORDER, WHEN, REST, ZONE_AFTER, ZONE_BEFORE, ZONE, SINCE, LAST_ZONE, COLUMNS, RANK, CLS, PLAN, LEFT_BY = (
    np.uint64(word) for word in range(18)
)
MARKS: Final = 18
"""A person: the step, neighbours in a list, in a bucket of the wheel (SOONER: the word that leads here, 0 without a timer) and in a zone, when the timer
ends, what a hand-over left to do, since when in the zone, where the columns begin, ...; stamps from MARKS on."""
BUSY, CAPACITY, WAITING, LINES, LINES_END, POLICY, LIMIT, GRACE = (np.uint64(word) for word in (0, 3, 4, 5, 6, 7, 8, 9))
"""A resource. AFTER and BEFORE: those whose service a hand-over may stop."""
RESERVE, SLOPE, LINE = (np.uint64(word) for word in (0, 3, 4))
"""A list, and how far the next one is. AFTER and BEFORE: its head and its tail; an empty list leads to itself."""
PLACES, INSIDE, WATCHED, WALKED, NUMBER = (np.uint64(word) for word in range(5))
"""A zone, with ZONE_AFTER and ZONE_BEFORE."""
ORDERS, ALIVE, READY, READY_LAST, FALLBACK, UNWATCHED, RESOURCES, RESOURCES_END, ROWS, WIDTH = (np.uint64(word) for word in range(20, 30))
"""The run itself: next number of a timer, timers alive, who goes on now, zones for whom no place is left, where resources and people begin."""
WHEEL: Final = 2048
"""Where the wheel begins, and as many buckets: few enough to stay in the first cache beside the rest. The address of a bucket, shifted by six, is that of the
word that holds its bit."""
TABLE, STEP = np.uint64(2 * WHEEL), np.uint64(16)


class Rows(NamedTuple):
    """Who comes: one line for each person, in order of arrival."""

    start: Array
    at: Array
    rank: Array
    cls: Array
    plan: Array
    columns: Array
    streams: Array
    stream_at: Array


class Place(NamedTuple):
    """What there is: the table of steps, the lists, the resources, when their capacity changes, the zones."""

    table: Array
    keys: Array
    first: Array
    count: Array
    policy: Array
    grace: Array
    limit: Array
    reserve: Array
    slope: Array
    change_at: Array
    change_of: Array
    change_to: Array
    change_flag: Array
    zone_places: Array
    zone_plans: Array
    zone_walk: Array


class Comers(NamedTuple):
    """`Rows` as the engine reads them, where each plan begins, columns one behind the other; `stream_at` moves on."""

    start: Array
    at: Array
    rank: Array
    cls: Array
    plan: Array
    plans: Array
    columns: Array
    streams: Array
    stream_at: Array


class Changes(NamedTuple):
    """What changes when: addresses, new capacities, flags."""

    at: Array
    of: Array
    to: Array
    flag: Array


class Trace(NamedTuple):
    """What happened: a stamp for each row and mark, the exit of each row, and a log of what happens several times."""

    marks: Array
    exits: Array
    log: Array
    log_times: Array
    info: Array


class Log(NamedTuple):
    """The part of a trace that is not in the memory of the run."""

    log: Array
    log_times: Array
    info: Array


class State(NamedTuple):
    """The memory of a run, read as addresses, as whole numbers and as real ones."""

    word: Array
    whole: Array
    real: Array


@inlined
def fetched(values: Any, at: Any) -> None:
    """What lies there will soon be wanted; compiled, the processor is told (`building`)."""
