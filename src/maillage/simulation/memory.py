"""What the engine works on: who comes, where, what happened, what changes. Arrays of one type each, so that compiled code can hold them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

Array = Any
"""An array as compiled code sees it: the types are those of the call."""

FINISH, HAND_OVER, WIND_DOWN = range(3)
PC, LIST, AFTER, BEFORE, BUCKET, LATER, SOONER, ZONE, ZONE_AFTER, ZONE_BEFORE, LAST_ZONE, ORDER = range(12)
WHEN, SINCE = 6, 7
"""A row of the state is one line of the processor's cache: twelve whole numbers of 32 bits, then when its timer ends and since when it is in its zone."""
WHEEL: Final = 2048
"""Buckets: few enough to stay in the first cache beside the rest."""
EVENTS, SEGMENTS, FULL, HURRY = range(4)
"""What `info` counts: events, lines of the log; FULL and HURRY are set when the log overflowed, or a row never stopped."""
FLUSH: Final = 1
INFINITE: Final = float("inf")


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


class Trace(NamedTuple):
    """What happened: a stamp for each row and mark, the exit of each row, and a log of what happens several times."""

    marks: Array
    exits: Array
    log: Array
    log_times: Array
    info: Array


class State(NamedTuple):
    """What changes during a run."""

    row: Array
    real: Array
    """The same memory as `row`, read as numbers of 64 bits: WHEN and SINCE."""
    rest: Array
    wheel: Array
    held: Array
    head: Array
    tail: Array
    busy: Array
    capacity: Array
    waiting: Array
    ready: Array
    zone_head: Array
    zone_count: Array
    zone_open: Array
    taken: Array
    number: Array
    """Ready begin, ready end, next timer, timers alive."""
