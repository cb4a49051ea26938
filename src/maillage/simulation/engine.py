"""The interpreter: one compiled loop that walks any table of steps. It is compiled at installation, never for a model.

Timers lie in a wheel of buckets, linked through the rows themselves: a row has one live timer at most, so that a patience limit is taken
out when it no longer matters, not skipped when it comes. Arrivals and changes of capacity come from sorted arrays. At equal times: changes,
then timers in the order in which they were set, then arrivals in the order of the rows. A release serves the list first, then the releasing
patient goes on, then those granted, in order: `ready` is that order.

All that the loop calls stands in this file, since a cache of machine code knows of changes in its own file alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maillage.simulation.assembly import (
    ASKED,
    DURATION,
    ENDED,
    FIRST_MARK,
    GOT,
    HELD,
    KEY,
    LEAVES,
    NEXT,
    OP,
    RANKED,
    STREAM,
    TARGET,
    WALK,
    WITHIN,
    A,
)  # fmt: skip
from maillage.simulation.compiled import compiled, inlined
from maillage.simulation.memory import (
    AFTER,
    BEFORE,
    BUCKET,
    EVENTS,
    FLUSH,
    FULL,
    HAND_OVER,
    HURRY,
    INFINITE,
    LAST_ZONE,
    LATER,
    LIST,
    PC,
    SEGMENTS,
    SOONER,
    WHEEL,
    ZONE,
    ZONE_AFTER,
    ZONE_BEFORE,
)  # fmt: skip
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


@inlined
def _arm(s: Any, row: Any, when: float, scale: float) -> None:
    """Set the timer of a row."""
    if when == INFINITE:
        return
    s.when[row] = when
    s.order[row] = s.number[2]
    s.number[2] += 1
    s.number[3] += 1
    bucket = np.int64(when * scale) & (WHEEL - 1)
    head = s.wheel[bucket]
    s.row[row, BUCKET] = bucket
    s.row[row, LATER] = head
    s.row[row, SOONER] = -1
    if head >= 0:
        s.row[head, SOONER] = row
    s.wheel[bucket] = row


@inlined
def _disarm(s: Any, row: Any) -> None:
    """Take the timer of a row out of the wheel, if it has one."""
    bucket = s.row[row, BUCKET]
    if bucket < 0:
        return
    later, sooner = s.row[row, LATER], s.row[row, SOONER]
    if sooner >= 0:
        s.row[sooner, LATER] = later
    else:
        s.wheel[bucket] = later
    if later >= 0:
        s.row[later, SOONER] = sooner
    s.row[row, BUCKET] = -1
    s.number[3] -= 1


@inlined
def _link(s: Any, row: Any, line: Any, behind: Any) -> None:
    """Put a row into a list, behind another row (-1: at its head)."""
    ahead = s.row[behind, AFTER] if behind >= 0 else s.head[line]
    s.row[row, LIST] = line
    s.row[row, BEFORE] = behind
    s.row[row, AFTER] = ahead
    if behind >= 0:
        s.row[behind, AFTER] = row
    else:
        s.head[line] = row
    if ahead >= 0:
        s.row[ahead, BEFORE] = row
    else:
        s.tail[line] = row


@inlined
def _unlink(s: Any, row: Any) -> None:
    """Take a row out of its list."""
    line, after, before = s.row[row, LIST], s.row[row, AFTER], s.row[row, BEFORE]
    if before >= 0:
        s.row[before, AFTER] = after
    else:
        s.head[line] = after
    if after >= 0:
        s.row[after, BEFORE] = before
    else:
        s.tail[line] = before
    s.row[row, LIST] = -1


@inlined
def _note(t: Any, kind: Any, row: Any, begin: float, end: float) -> None:
    """A line of the log."""
    n = t.info[SEGMENTS]
    if n >= t.log.shape[0]:
        t.info[FULL] = 1
        return
    t.log[n, 0] = kind
    t.log[n, 1] = row
    t.log_times[n, 0] = begin
    t.log_times[n, 1] = end
    t.info[SEGMENTS] = n + 1


@inlined
def _leave_zone(s: Any, t: Any, row: Any, now: float) -> None:
    """Free the place of a row in its zone."""
    zone = s.row[row, ZONE]
    if zone < 0:
        return
    _note(t, zone, row, s.zone_since[row], now)
    s.zone_count[zone] -= 1
    after, before = s.row[row, ZONE_AFTER], s.row[row, ZONE_BEFORE]
    if before >= 0:
        s.row[before, ZONE_AFTER] = after
    else:
        s.zone_head[zone] = after
    if after >= 0:
        s.row[after, ZONE_BEFORE] = before
    s.row[row, ZONE] = -1


@inlined
def _enter_zone(p: Any, s: Any, row: Any, plan: Any, now: float, fallback: Any) -> None:
    """The first zone of the plan that has a place and a watch; else the fallback, which is counted, not limited."""
    zone = fallback
    for k in range(p.zone_plans.shape[1]):
        z = p.zone_plans[plan, k]
        if z >= 0 and s.zone_open[z] > 0 and s.zone_count[z] < p.zone_places[z]:
            zone = z
            break
    head = s.zone_head[zone]
    s.row[row, ZONE] = zone
    s.row[row, LAST_ZONE] = zone
    s.row[row, ZONE_AFTER] = head
    s.row[row, ZONE_BEFORE] = -1
    if head >= 0:
        s.row[head, ZONE_BEFORE] = row
    s.zone_head[zone] = row
    s.zone_count[zone] += 1
    s.zone_since[row] = now


@inlined
def _push(s: Any, row: Any) -> None:
    """Behind those who go on at this moment."""
    s.ready[s.number[1]] = row
    s.number[1] = (s.number[1] + 1) % s.ready.shape[0]


@inlined
def _take(p: Any, s: Any, t: Any, row: Any, pc: Any, now: float) -> None:
    """A resource is given to a row at this step."""
    step = p.table[pc]
    resource = step[A]
    s.busy[resource] += 1
    t.marks[row, step[GOT]] = now
    if step[FIRST_MARK] >= 0 and np.isnan(t.marks[row, step[FIRST_MARK]]):
        t.marks[row, step[FIRST_MARK]] = now
    if step[LEAVES] != 0:
        _leave_zone(s, t, row, now)
    if p.policy[resource] == HAND_OVER:
        line = p.reserve.shape[0] + resource
        _link(s, row, line, s.tail[line])


@inlined
def _next_line(p: Any, s: Any, t: Any, resource: Any, free: Any, now: float) -> Any:
    """The list whose head is served now, or -1: the first in order, or with ageing the head with the largest slope times wait."""
    best, most = -1, -1.0
    for line in range(p.first[resource], p.first[resource] + p.count[resource]):
        row = s.head[line]
        if row < 0:
            continue
        if free <= p.reserve[line]:
            break
        if p.slope[line] <= 0.0:
            return line
        score = p.slope[line] * (now - t.marks[row, p.table[s.row[row, PC], ASKED]])
        if score > most:
            best, most = line, score
    return best


@inlined
def _grant(p: Any, s: Any, t: Any, resource: Any, now: float) -> None:
    """Give what is free to those who wait."""
    while s.waiting[resource] > 0:
        free = s.capacity[resource] - s.busy[resource]
        if free <= 0:
            break
        line = _next_line(p, s, t, resource, free, now)
        if line < 0:
            break
        row = s.head[line]
        _unlink(s, row)
        _disarm(s, row)
        s.waiting[resource] -= 1
        _take(p, s, t, row, s.row[row, PC], now)
        _push(s, row)


@inlined
def _join(p: Any, s: Any, r: Any, row: Any, pc: Any) -> None:
    """Into the list of the step: at its tail, or by rank, inserted from the tail."""
    line = p.keys[p.table[pc, KEY], r.cls[row]]
    behind = s.tail[line]
    if p.table[pc, RANKED] == 1:
        while behind >= 0 and r.rank[behind] > r.rank[row]:
            behind = s.row[behind, BEFORE]
    s.row[row, PC] = pc
    _link(s, row, line, behind)
    s.waiting[p.table[pc, A]] += 1


@inlined
def _length(p: Any, s: Any, r: Any, row: Any, code: Any) -> Any:
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
def _stop_last(p: Any, s: Any, t: Any, resource: Any, now: float) -> None:
    """Hand-over: the service begun last stops, goes to the head of its list, and will need the rest and the hand-over."""
    row = s.tail[p.reserve.shape[0] + resource]
    pc = s.row[row, PC]
    _unlink(s, row)
    got = p.table[pc, GOT]
    _note(t, -1 - got, row, t.marks[row, got], now)
    if s.row[row, BUCKET] >= 0:
        s.rest[row] = s.when[row] - now + p.grace[resource]
        _disarm(s, row)
    t.marks[row, p.table[pc, ASKED]] = now
    s.busy[resource] -= 1


@inlined
def _change(p: Any, s: Any, r: Any, t: Any, n: Any, now: float) -> None:
    """A shift changes, or the watch of a zone."""
    resource = p.change_of[n]
    if resource >= p.first.shape[0]:
        zone = resource - p.first.shape[0]
        s.zone_open[zone] = p.change_to[n]
        row = s.zone_head[zone] if p.change_to[n] == 0 else -1
        while row >= 0:
            after = s.row[row, ZONE_AFTER]
            _leave_zone(s, t, row, now)
            _enter_zone(p, s, row, r.plan[row], now, p.zone_places.shape[0] + 1)
            row = after
        return
    s.capacity[resource] = p.change_to[n]
    if p.policy[resource] == HAND_OVER:
        while s.busy[resource] > s.capacity[resource]:
            row = s.tail[p.reserve.shape[0] + resource]
            _stop_last(p, s, t, resource, now)
            _link(s, row, p.keys[p.table[s.row[row, PC], KEY], r.cls[row]], -1)
            s.waiting[resource] += 1
    if p.change_flag[n] == FLUSH:
        for line in range(p.first[resource], p.first[resource] + p.count[resource]):
            while s.head[line] >= 0:
                row = s.head[line]
                _unlink(s, row)
                _disarm(s, row)
                s.waiting[resource] -= 1
                t.marks[row, p.table[s.row[row, PC], ENDED]] = now
                s.row[row, PC] = -2 - p.table[s.row[row, PC], TARGET]
                _push(s, row)
    _grant(p, s, t, resource, now)


@inlined
def _soonest(s: Any, now: float, limit: float, scale: float) -> Any:
    """The row whose timer comes first, not after `limit`; -1 when there is none."""
    if s.number[3] == 0:
        return -1
    for bucket in range(np.int64(now * scale), np.int64(limit * scale) + 1):
        row = s.wheel[bucket & (WHEEL - 1)]
        best = -1
        while row >= 0:
            if np.int64(s.when[row] * scale) == bucket and (
                best < 0 or s.when[row] < s.when[best] or (s.when[row] == s.when[best] and s.order[row] < s.order[best])
            ):
                best = row
            row = s.row[row, LATER]
        if best >= 0:
            return best if s.when[best] <= limit else -1
    return -1


@inlined
def _until(r: Any, t: Any, row: Any, step: Any, now: float, day: float) -> Any:
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
    now, arrival, change, events = 0.0, 0, 0, 0
    rows, changes = r.start.shape[0], p.change_at.shape[0]
    fallback = p.zone_places.shape[0]
    while True:
        granted = False
        if s.number[0] != s.number[1]:
            row = np.int64(s.ready[s.number[0]])
            s.number[0] = (s.number[0] + 1) % s.ready.shape[0]
            pc = np.int64(s.row[row, PC])
            granted = bool(pc >= 0)
            if pc < 0:
                pc = -2 - pc
        else:
            ta = r.start[arrival] if arrival < rows else INFINITE
            tc = p.change_at[change] if change < changes else INFINITE
            limit = min(horizon, ta, tc)
            row = np.int64(_soonest(s, now, limit, scale))
            events += 1
            if row >= 0 and not (tc <= s.when[row]):
                now = s.when[row]
                _disarm(s, row)
                pc = np.int64(s.row[row, PC])
                step = p.table[pc]
                if s.row[row, LIST] >= 0 and s.row[row, LIST] < p.reserve.shape[0]:
                    _unlink(s, row)
                    s.waiting[step[A]] -= 1
                    t.marks[row, step[ENDED]] = now
                    pc = np.int64(step[TARGET])
                else:
                    if step[OP] == SERVE:
                        if p.policy[step[A]] == HAND_OVER:
                            _unlink(s, row)
                            s.rest[row] = -1.0
                        t.marks[row, step[ENDED]] = now
                        s.busy[step[A]] -= 1
                        _grant(p, s, t, step[A], now)
                    pc = np.int64(step[NEXT])
            elif limit >= horizon:
                break
            elif tc <= ta:
                now = tc
                _change(p, s, r, t, change, now)
                change += 1
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
                        _join(p, s, r, row, pc)
                        if step[WITHIN] != -1:
                            _arm(s, row, now + _length(p, s, r, row, step[WITHIN]), scale)
                        break
                    _take(p, s, t, row, pc, now)
                    if s.number[0] != s.number[1]:
                        s.row[row, PC] = pc
                        _push(s, row)
                        break
                granted = False
                if op == SERVE:
                    s.row[row, PC] = pc
                    _arm(s, row, now + (s.rest[row] if s.rest[row] >= 0.0 else _length(p, s, r, row, step[DURATION])), scale)
                    break
            elif op == DELAY:
                length = _length(p, s, r, row, step[DURATION])
                if length > 0.0:
                    s.row[row, PC] = pc
                    _arm(s, row, now + length, scale)
                    break
            elif op in (STAY, WAIT):
                end = _until(r, t, row, step, now, day)
                if end > now:
                    s.row[row, PC] = pc
                    _arm(s, row, end, scale)
                    break
            elif op in (IF, UNLESS):
                if (_length(p, s, r, row, step[DURATION]) != 0.0) == (op == IF):
                    pc = np.int64(step[TARGET])
                    continue
            elif op == MARK:
                t.marks[row, step[A]] = now
            elif op == RELEASE:
                t.marks[row, step[ENDED]] = now
                s.busy[step[A]] -= 1
                _grant(p, s, t, step[A], now)
            elif op == EXIT:
                t.marks[row, step[ENDED]] = now
                t.exits[row] = step[A]
                _leave_zone(s, t, row, now)
                break
            elif op == ON:
                if r.cls[row] == step[A]:
                    pc = np.int64(step[TARGET])
                    continue
            elif op == CLOCK:
                t.marks[row, step[A]] = now + _length(p, s, r, row, step[DURATION])
            elif op == ENTER:
                if fallback > 0:
                    _leave_zone(s, t, row, now)
                    _enter_zone(p, s, row, r.plan[row], now, fallback)
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
                _take(p, s, t, row, pc, now)
            pc = np.int64(step[NEXT])
    t.info[EVENTS] = events
