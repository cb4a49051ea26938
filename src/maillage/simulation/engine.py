"""The interpreter: one compiled loop that walks any table of steps. It is compiled at installation, never for a model.

Arrivals and changes of capacity come from sorted arrays, timers from a wheel. At equal times: changes, then timers in the order in which they were set,
then arrivals in the order of the rows. A release serves the list first, then the releasing patient goes on, then those granted, in order: `ready` is
that order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maillage.simulation.assembly import (
    ASKED,
    DURATION,
    ENDED,
    HELD,
    NEXT,
    OP,
    STREAM,
    TARGET,
    WALK,
    WITHIN,
    A,
)  # fmt: skip
from maillage.simulation.compiled import compiled, inlined
from maillage.simulation.memory import (
    AGAIN,
    BUSY,
    CAPACITY,
    CLS,
    COLUMNS,
    EVENTS,
    FALLBACK,
    HAND_OVER,
    HURRY,
    INFINITE,
    LAST_ZONE,
    LATER,
    LEFT_BY,
    LIMIT,
    MARKS,
    NOBODY,
    PC,
    PLAN,
    POLICY,
    RANK,
    READY,
    READY_LAST,
    RESERVE,
    RESOURCES,
    REST,
    ROWS,
    SOONER,
    STEP,
    TABLE,
    WAITING,
    WAITS,
    WALKED,
    WHEN,
    WIDTH,
    ZONE,
    State,
    fetched,
)  # fmt: skip
from maillage.simulation.queues import free, grant, join, line_of, push, take, unlink
from maillage.simulation.shifts import change
from maillage.simulation.steps import (
    CLOCK,
    DELAY,
    ENTER,
    EXIT,
    FIRST,
    IF,
    MARK,
    ON,
    OPEN,
    RELEASE,
    SEIZE,
    SERVE,
    STAY,
    TRY,
    UNLESS,
    WAIT,
)  # fmt: skip
from maillage.simulation.timers import arm, disarm, soonest
from maillage.simulation.zones import enter_zone, leave_zone

_ONE, _LINE, _RESOURCE = np.uint64(1), np.uint64(8), np.uint64(16)
_SOON = np.uint64(4)
"""How many arrivals ahead memory is asked for."""


@inlined
def length(s: Any, r: Any, row: Any, code: Any) -> Any:
    """The duration that a step names: of the row, of the walk from its zone, or the next value of a stream."""
    if code >= 0:
        return r.columns[s.word[row + COLUMNS] + np.uint64(code)]
    if code == WALK:
        return s.real[s.word[row + LAST_ZONE] + WALKED] if s.word[row + LAST_ZONE] != NOBODY else 0.0
    stream = np.uint64(STREAM - code)
    n = r.stream_at[stream]
    r.stream_at[stream] = n + _ONE
    return r.streams[n]


@inlined
def until(s: Any, r: Any, row: Any, pc: Any, now: float, day: float) -> Any:
    """When a wait or a stay ends."""
    if s.whole[pc + OP] == WAIT:
        return max(now, s.real[row + s.word[pc + A]])
    end = now + length(s, r, row, s.whole[pc + DURATION])
    hour = length(s, r, row, s.whole[pc + WITHIN]) if s.whole[pc + WITHIN] >= 0 else -1.0
    if hour >= 0.0:
        end = np.floor(end / day) * day + hour
        if end < now:
            end += day
    return end


@inlined
def blank(s: Any, row: Any, fresh: Any) -> None:
    """Nothing has happened to a row; unless `fresh`, its stamps were written before."""
    s.whole[row + LEFT_BY] = -1
    if fresh != 0:
        for mark in range(row + np.uint64(MARKS), row + s.word[WIDTH]):
            s.real[mark] = np.nan


@inlined
def come(s: Any, r: Any, row: Any, number: Any, fresh: Any) -> Any:
    """A row arrives, with what it holds from the start: its first step."""
    ahead, wide = row + _SOON * s.word[WIDTH], np.uint64(r.columns.size // r.start.size)
    for at in range(ahead, ahead + s.word[WIDTH], _LINE):
        fetched(s.word, at)
    for at in range((number + _SOON) * wide, (number + _SOON + _ONE) * wide, _LINE):
        fetched(r.columns, at)
    blank(s, row, fresh)
    s.word[row + SOONER] = NOBODY
    s.word[row + ZONE] = NOBODY
    s.word[row + LAST_ZONE] = NOBODY
    s.word[row + COLUMNS] = number * wide
    s.real[row + RANK] = r.rank[number]
    s.word[row + CLS] = np.uint64(r.cls[number])
    s.word[row + PLAN] = r.plans[np.uint64(r.plan[number])]
    s.real[row + REST] = -1.0
    pc = TABLE + np.uint64(r.at[number]) * STEP
    held, resource = s.word[pc + HELD], s.word[RESOURCES]
    while held != NOBODY:
        s.word[resource + BUSY] += held & _ONE
        held >>= _ONE
        resource += _RESOURCE
    return pc


@inlined
def expire(s: Any, t: Any, row: Any, now: float) -> Any:
    """The timer of a row ends: patience, a service, or a delay. The step that follows."""
    disarm(s, row)
    pc = s.word[row + PC]
    if pc & WAITS != NOBODY:
        pc ^= WAITS
        unlink(s, row)
        s.whole[s.word[pc + A] + WAITING] -= 1
        s.real[row + s.word[pc + ENDED]] = now
        return s.word[pc + TARGET]
    if s.whole[pc + OP] == SERVE:
        if s.whole[s.word[pc + A] + POLICY] == HAND_OVER:
            unlink(s, row)
            s.real[row + REST] = -1.0
        give_back(s, t, row, pc, now)
    return s.word[pc + NEXT]


@inlined
def give_back(s: Any, t: Any, row: Any, pc: Any, now: float) -> None:
    """A resource is released: the list is served first."""
    s.real[row + s.word[pc + ENDED]] = now
    s.whole[s.word[pc + A] + BUSY] -= 1
    grant(s, t, s.word[pc + A], now)


@inlined
def pop(s: Any) -> Any:
    """The first of those who go on at this moment."""
    row = s.word[READY]
    s.word[READY] = s.word[row + LATER]
    if s.word[READY] == NOBODY:
        s.word[READY_LAST] = READY - LATER
    return row


@compiled
def run(words: Any, r: Any, c: Any, t: Any, fresh: int, horizon: float, scale: float, day: float) -> None:  # noqa: C901  # the dispatch loop
    """Play the rows until the horizon."""
    s = State(words, words.view(np.int64), words.view(np.float64))
    now, arrival, changed, events = 0.0, np.uint64(0), 0, 0
    rows, changes, coming = r.start.shape[0], c.at.shape[0], s.word[ROWS]
    ta = r.start[0] if rows > 0 else INFINITE
    tc = c.at[0] if changes > 0 else INFINITE
    while True:
        granted = False
        if s.word[READY] != NOBODY:
            row = pop(s)
            pc = s.word[row + PC]
            granted = pc & AGAIN == NOBODY
            pc &= ~AGAIN
        else:
            limit = min(horizon, ta, tc)
            row = soonest(s, now, limit, scale)
            events += 1
            if row != NOBODY and s.real[row + WHEN] < tc:
                now = s.real[row + WHEN]
                pc = expire(s, t, row, now)
            elif limit >= horizon:
                break
            elif tc <= ta:
                now = tc
                change(s, t, c, changed, now)
                changed += 1
                tc = c.at[changed] if changed < changes else INFINITE
                continue
            else:
                now, row = ta, coming
                pc = come(s, r, row, arrival, fresh)
                coming += s.word[WIDTH]
                arrival += _ONE
                ta = r.start[arrival] if np.int64(arrival) < rows else INFINITE
        hops = 0
        while True:
            op = s.whole[pc + OP]
            hops += 1
            if hops > 100000:
                t.info[HURRY] = 1
                return
            if op in (SERVE, SEIZE):
                resource = s.word[pc + A]
                if not granted:
                    s.real[row + s.word[pc + ASKED]] = now
                    line = line_of(s, row, pc)
                    if free(s, resource) <= s.whole[line + RESERVE]:
                        join(s, row, pc, line)
                        if s.whole[pc + WITHIN] != -1:
                            arm(s, row, now + length(s, r, row, s.whole[pc + WITHIN]), scale)
                        break
                    take(s, t, row, pc, now)
                    if s.word[READY] != NOBODY:
                        s.word[row + PC] = pc
                        push(s, row)
                        break
                granted = False
                if op == SERVE:
                    s.word[row + PC] = pc
                    interrupted = s.whole[resource + POLICY] == HAND_OVER and s.real[row + REST] >= 0.0
                    arm(s, row, now + (s.real[row + REST] if interrupted else length(s, r, row, s.whole[pc + DURATION])), scale)
                    break
            elif op == DELAY:
                pause = length(s, r, row, s.whole[pc + DURATION])
                if pause > 0.0:
                    s.word[row + PC] = pc
                    arm(s, row, now + pause, scale)
                    break
            elif op in (STAY, WAIT):
                end = until(s, r, row, pc, now, day)
                if end > now:
                    s.word[row + PC] = pc
                    arm(s, row, end, scale)
                    break
            elif op in (IF, UNLESS):
                if (length(s, r, row, s.whole[pc + DURATION]) != 0.0) == (op == IF):
                    pc = s.word[pc + TARGET]
                    continue
            elif op == MARK:
                s.real[row + s.word[pc + A]] = now
            elif op == RELEASE:
                give_back(s, t, row, pc, now)
            elif op == EXIT:
                s.real[row + s.word[pc + ENDED]] = now
                s.word[row + LEFT_BY] = s.word[pc + A]
                leave_zone(s, t, row, now)
                break
            elif op == ON:
                if s.word[row + CLS] == s.word[pc + A]:
                    pc = s.word[pc + TARGET]
                    continue
            elif op == CLOCK:
                s.real[row + s.word[pc + A]] = now + length(s, r, row, s.whole[pc + DURATION])
            elif op == ENTER:
                if s.word[FALLBACK] != NOBODY:
                    leave_zone(s, t, row, now)
                    enter_zone(s, row, now, s.word[FALLBACK])
            elif op == FIRST:
                if np.isnan(s.real[row + s.word[pc + A]]):
                    s.real[row + s.word[pc + A]] = now
            elif op == OPEN:
                resource = s.word[pc + A]
                if s.whole[resource + CAPACITY] <= 0 or s.whole[resource + WAITING] >= s.whole[resource + LIMIT]:
                    pc = s.word[pc + TARGET]
                    continue
            elif op == TRY:
                s.real[row + s.word[pc + ASKED]] = now
                if free(s, s.word[pc + A]) <= s.whole[line_of(s, row, pc) + RESERVE]:
                    pc = s.word[pc + TARGET]
                    continue
                take(s, t, row, pc, now)
            pc = s.word[pc + NEXT]
    while np.int64(arrival) < rows:
        blank(s, coming, fresh)
        coming += s.word[WIDTH]
        arrival += _ONE
    t.info[EVENTS] = events
