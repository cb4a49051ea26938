"""The lists of those who ask for a resource, and the one rule by which it is granted."""

from __future__ import annotations

from typing import Any

from maillage.simulation.assembly import ASKED, FIRST_MARK, GOT, KEY, LEAVES, RANKED, A
from maillage.simulation.compiled import inlined
from maillage.simulation.memory import (
    AFTER,
    BEFORE,
    BUSY,
    CAPACITY,
    CLS,
    HAND_OVER,
    LATER,
    LINE,
    LINES,
    LINES_END,
    NOBODY,
    PC,
    POLICY,
    RANK,
    READY_LAST,
    RESERVE,
    SLOPE,
    WAITING,
    WAITS,
)  # fmt: skip
from maillage.simulation.timers import disarm
from maillage.simulation.zones import leave_zone


@inlined
def link(s: Any, row: Any, behind: Any) -> None:
    """Put a row into a list, behind another row or, at its head, behind the list itself."""
    ahead = s.word[behind + AFTER]
    s.word[row + BEFORE] = behind
    s.word[row + AFTER] = ahead
    s.word[behind + AFTER] = row
    s.word[ahead + BEFORE] = row


@inlined
def unlink(s: Any, row: Any) -> None:
    """Take a row out of its list."""
    after, before = s.word[row + AFTER], s.word[row + BEFORE]
    s.word[before + AFTER] = after
    s.word[after + BEFORE] = before


@inlined
def push(s: Any, row: Any) -> None:
    """Behind those who go on at this moment; none of them has a timer."""
    s.word[row + LATER] = NOBODY
    s.word[s.word[READY_LAST] + LATER] = row
    s.word[READY_LAST] = row


@inlined
def line_of(s: Any, row: Any, pc: Any) -> Any:
    """The list of a row at a step."""
    return s.word[s.word[pc + KEY] + s.word[row + CLS]]


@inlined
def free(s: Any, resource: Any) -> Any:
    """How many could be given; below zero when capacity fell."""
    return s.whole[resource + CAPACITY] - s.whole[resource + BUSY]


@inlined
def take(s: Any, t: Any, row: Any, pc: Any, now: float) -> None:
    """A resource is given to a row at this step."""
    resource, first = s.word[pc + A], s.word[pc + FIRST_MARK]
    s.whole[resource + BUSY] += 1
    s.real[row + s.word[pc + GOT]] = now
    if first != NOBODY and s.real[row + first] != s.real[row + first]:
        s.real[row + first] = now
    if s.word[pc + LEAVES] != NOBODY:
        leave_zone(s, t, row, now)
    if s.whole[resource + POLICY] == HAND_OVER:
        link(s, row, s.word[resource + BEFORE])


@inlined
def next_line(s: Any, resource: Any, now: float) -> Any:
    """The list whose head is served now, or NOBODY: the first in order, or with ageing the head with the largest slope times wait."""
    best, most, places = NOBODY, -1.0, free(s, resource)
    line, end = s.word[resource + LINES], s.word[resource + LINES_END]
    while line != end:
        row = s.word[line + AFTER]
        if row != line:
            if places <= s.whole[line + RESERVE]:
                break
            slope = s.real[line + SLOPE]
            if slope <= 0.0:
                return line
            score = slope * (now - s.real[row + s.word[(s.word[row + PC] ^ WAITS) + ASKED]])
            if score > most:
                best, most = line, score
        line += LINE
    return best


@inlined
def grant(s: Any, t: Any, resource: Any, now: float) -> None:
    """Give what is free to those who wait."""
    while s.whole[resource + WAITING] > 0 and free(s, resource) > 0:
        line = next_line(s, resource, now)
        if line == NOBODY:
            break
        row = s.word[line + AFTER]
        pc = s.word[row + PC] ^ WAITS
        s.word[row + PC] = pc
        unlink(s, row)
        disarm(s, row)
        s.whole[resource + WAITING] -= 1
        take(s, t, row, pc, now)
        push(s, row)


@inlined
def join(s: Any, row: Any, pc: Any, line: Any) -> None:
    """Into a list: at its tail, or by rank, inserted from the tail."""
    behind = s.word[line + BEFORE]
    if s.word[pc + RANKED] != NOBODY:
        while behind != line and s.real[behind + RANK] > s.real[row + RANK]:
            behind = s.word[behind + BEFORE]
    s.word[row + PC] = pc | WAITS
    link(s, row, behind)
    s.whole[s.word[pc + A] + WAITING] += 1
