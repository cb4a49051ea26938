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
    KEY,
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
    EVENTS,
    HAND_OVER,
    HURRY,
    INFINITE,
    LAST_ZONE,
    LIST,
    PC,
    WHEN,
)  # fmt: skip
from maillage.simulation.queues import grant, join, push, take, unlink
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


@inlined
def length(p: Any, s: Any, r: Any, row: Any, code: Any) -> Any:
    """The duration that a step names: of the row, of the walk from its zone, or the next value of a stream."""
    if code >= 0:
        return r.columns[row, code]
    if code == WALK:
        return p.zone_walk[s.row[row, LAST_ZONE]] if s.row[row, LAST_ZONE] >= 0 else 0.0
    stream = STREAM - code
    n = s.taken[stream]
    s.taken[stream] = n + 1
    return r.streams[r.stream_at[stream] + n]


@inlined
def until(r: Any, t: Any, row: Any, step: Any, now: float, day: float) -> Any:
    """When a wait or a stay ends."""
    if step[OP] == WAIT:
        return max(now, t.marks[row, step[A]])
    end = now + r.columns[row, step[DURATION]]
    if step[WITHIN] >= 0 and r.columns[row, step[WITHIN]] >= 0.0:
        end = np.floor(end / day) * day + r.columns[row, step[WITHIN]]
        if end < now:
            end += day
    return end


@compiled
def run(p: Any, r: Any, t: Any, s: Any, horizon: float, scale: float, day: float) -> None:  # noqa: C901  # the dispatch loop
    """Play the rows until the horizon."""
    now, arrival, changed, events = 0.0, 0, 0, 0
    rows, changes = r.start.shape[0], p.change_at.shape[0]
    fallback = p.zone_places.shape[0]
    while True:
        granted = False
        if s.number[0] != s.number[1]:
            row = np.int64(s.ready[s.number[0]])
            s.number[0] = s.number[0] + 1 if s.number[0] + 1 < s.ready.shape[0] else 0
            pc = np.int64(s.row[row, PC])
            granted = bool(pc >= 0)
            if pc < 0:
                pc = -2 - pc
        else:
            ta = r.start[arrival] if arrival < rows else INFINITE
            tc = p.change_at[changed] if changed < changes else INFINITE
            limit = min(horizon, ta, tc)
            row = np.int64(soonest(s, now, limit, scale))
            events += 1
            if row >= 0 and not (tc <= s.real[row, WHEN]):
                now = s.real[row, WHEN]
                disarm(s, row)
                pc = np.int64(s.row[row, PC])
                step = p.table[pc]
                if s.row[row, LIST] >= 0 and s.row[row, LIST] < p.reserve.shape[0]:
                    unlink(s, row)
                    s.waiting[step[A]] -= 1
                    t.marks[row, step[ENDED]] = now
                    pc = np.int64(step[TARGET])
                else:
                    if step[OP] == SERVE:
                        if p.policy[step[A]] == HAND_OVER:
                            unlink(s, row)
                            s.rest[row] = -1.0
                        t.marks[row, step[ENDED]] = now
                        s.busy[step[A]] -= 1
                        grant(p, s, t, step[A], now)
                    pc = np.int64(step[NEXT])
            elif limit >= horizon:
                break
            elif tc <= ta:
                now = tc
                change(p, s, r, t, changed, now)
                changed += 1
                continue
            else:
                now = ta
                row = np.int64(arrival)
                arrival += 1
                pc = np.int64(r.at[row])
                held = p.table[pc, HELD]
                for k in range(p.first.shape[0]):
                    s.busy[k] += (held >> k) & 1
        hops = 0
        while True:
            step = p.table[pc]
            op = step[OP]
            hops += 1
            if hops > 100000:
                t.info[HURRY] = 1
                return
            if op in (SERVE, SEIZE):
                resource = step[A]
                if not granted:
                    t.marks[row, step[ASKED]] = now
                    if s.capacity[resource] - s.busy[resource] <= p.reserve[p.keys[step[KEY], r.cls[row]]]:
                        join(p, s, r, row, pc)
                        if step[WITHIN] != -1:
                            arm(s, row, now + length(p, s, r, row, step[WITHIN]), scale)
                        break
                    take(p, s, t, row, pc, now)
                    if s.number[0] != s.number[1]:
                        s.row[row, PC] = pc
                        push(s, row)
                        break
                granted = False
                if op == SERVE:
                    s.row[row, PC] = pc
                    interrupted = p.policy[resource] == HAND_OVER and s.rest[row] >= 0.0
                    arm(s, row, now + (s.rest[row] if interrupted else length(p, s, r, row, step[DURATION])), scale)
                    break
            elif op == DELAY:
                pause = length(p, s, r, row, step[DURATION])
                if pause > 0.0:
                    s.row[row, PC] = pc
                    arm(s, row, now + pause, scale)
                    break
            elif op in (STAY, WAIT):
                end = until(r, t, row, step, now, day)
                if end > now:
                    s.row[row, PC] = pc
                    arm(s, row, end, scale)
                    break
            elif op in (IF, UNLESS):
                if (length(p, s, r, row, step[DURATION]) != 0.0) == (op == IF):
                    pc = np.int64(step[TARGET])
                    continue
            elif op == MARK:
                t.marks[row, step[A]] = now
            elif op == RELEASE:
                t.marks[row, step[ENDED]] = now
                s.busy[step[A]] -= 1
                grant(p, s, t, step[A], now)
            elif op == EXIT:
                t.marks[row, step[ENDED]] = now
                t.exits[row] = step[A]
                leave_zone(s, t, row, now)
                break
            elif op == ON:
                if r.cls[row] == step[A]:
                    pc = np.int64(step[TARGET])
                    continue
            elif op == CLOCK:
                t.marks[row, step[A]] = now + length(p, s, r, row, step[DURATION])
            elif op == ENTER:
                if fallback > 0:
                    leave_zone(s, t, row, now)
                    enter_zone(p, s, row, r.plan[row], now, fallback)
            elif op == FIRST:
                if np.isnan(t.marks[row, step[A]]):
                    t.marks[row, step[A]] = now
            elif op == OPEN:
                if s.capacity[step[A]] <= 0 or s.waiting[step[A]] >= p.limit[step[A]]:
                    pc = np.int64(step[TARGET])
                    continue
            elif op == TRY:
                t.marks[row, step[ASKED]] = now
                if s.capacity[step[A]] - s.busy[step[A]] <= p.reserve[p.keys[step[KEY], r.cls[row]]]:
                    pc = np.int64(step[TARGET])
                    continue
                take(p, s, t, row, pc, now)
            pc = np.int64(step[NEXT])
    t.info[EVENTS] = events
