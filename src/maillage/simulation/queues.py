"""The lists of those who ask for a resource, and the one rule by which it is granted."""

from __future__ import annotations

from typing import Any

import numpy as np

from maillage.simulation.assembly import ASKED, FIRST_MARK, GOT, KEY, LEAVES, RANKED, A
from maillage.simulation.compiled import inlined
from maillage.simulation.memory import AFTER, BEFORE, HAND_OVER, LIST, PC
from maillage.simulation.timers import disarm
from maillage.simulation.zones import leave_zone


@inlined
def link(s: Any, row: Any, line: Any, behind: Any) -> None:
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
def unlink(s: Any, row: Any) -> None:
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
def push(s: Any, row: Any) -> None:
    """Behind those who go on at this moment."""
    s.ready[s.number[1]] = row
    s.number[1] = s.number[1] + 1 if s.number[1] + 1 < s.ready.shape[0] else 0


@inlined
def take(p: Any, s: Any, t: Any, row: Any, pc: Any, now: float) -> None:
    """A resource is given to a row at this step."""
    step = p.table[pc]
    resource = step[A]
    s.busy[resource] += 1
    t.marks[row, step[GOT]] = now
    if step[FIRST_MARK] >= 0 and np.isnan(t.marks[row, step[FIRST_MARK]]):
        t.marks[row, step[FIRST_MARK]] = now
    if step[LEAVES] != 0:
        leave_zone(s, t, row, now)
    if p.policy[resource] == HAND_OVER:
        line = p.reserve.shape[0] + resource
        link(s, row, line, s.tail[line])


@inlined
def next_line(p: Any, s: Any, t: Any, resource: Any, free: Any, now: float) -> Any:
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
def grant(p: Any, s: Any, t: Any, resource: Any, now: float) -> None:
    """Give what is free to those who wait."""
    while s.waiting[resource] > 0:
        free = s.capacity[resource] - s.busy[resource]
        if free <= 0:
            break
        line = next_line(p, s, t, resource, free, now)
        if line < 0:
            break
        row = s.head[line]
        unlink(s, row)
        disarm(s, row)
        s.waiting[resource] -= 1
        take(p, s, t, row, s.row[row, PC], now)
        push(s, row)


@inlined
def join(p: Any, s: Any, r: Any, row: Any, pc: Any) -> None:
    """Into the list of the step: at its tail, or by rank, inserted from the tail."""
    line = p.keys[p.table[pc, KEY], r.cls[row]]
    behind = s.tail[line]
    if p.table[pc, RANKED] == 1:
        while behind >= 0 and r.rank[behind] > r.rank[row]:
            behind = s.row[behind, BEFORE]
    s.row[row, PC] = pc
    link(s, row, line, behind)
    s.waiting[p.table[pc, A]] += 1
