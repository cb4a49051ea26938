"""Counting those who came: one pass over the rows of a run, in compiled code."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from maillage.simulation.areas import ASK, BUSY, END, GET, QUEUE, add
from maillage.simulation.compiled import compiled, inlined
from maillage.simulation.memory import Array

LONGEST: Final = 2880
"""Minutes of a histogram; what is longer stands in its last bin."""
HOME, OG, WARD, UHCD, UNSEEN = range(5)
EXITS: Final = ("home", "og", "ward", "uhcd", "unseen")
FIT, TAKEN, RETURNED, DIRECT, DIRECT_BY_ED, DUE = range(6)
WORDS: Final = (
    "arrive", "doctor", "uhcd", "left_ed", "exit", "triaged", "ask:bed", "got:bed", "ask:box", "got:box", "end:box", "got:og_care",
)  # fmt: skip
_ARRIVE, _DOCTOR, _UHCD, _LEFT, _EXIT, _TRIAGED, _ASK_BED, _GOT_BED, _ASK_BOX, _GOT_BOX, _END_BOX, _GOT_OG = range(len(WORDS))


class Reading(NamedTuple):
    """Where to find what is counted: stamps by `WORDS`, uses of resources, exits by `EXITS`, columns, paths, curves."""

    words: Array
    uses: Array
    exits: Array
    fit: int
    returned: int
    by_door: int
    direct: int
    queue_box: int
    census: int
    boarders: int
    again: Array
    """By class, after how long those who wait are seen again (0: never)."""


class Counts(NamedTuple):
    """Minutes (classes to the doctor, all; stays by class, all; stays by exit; boarding) with their sums; how many by class, by exit and class, in all."""

    minutes: Array
    sums: Array
    came: Array
    left: Array
    number: Array


@inlined
def minute(counts: Any, line: Any, value: float) -> None:
    """One more in a histogram; a duration that does not exist is left out."""
    if value >= 0.0:
        counts.minutes[line, min(np.int64(value), LONGEST)] += 1
        counts.sums[line] += value


@inlined
def sooner(a: float, b: float) -> float:
    """The first of two stamps; one that does not exist is left out."""
    return b if a != a or b < a else a


@inlined
def one(counts: Any, o: Any, marks: Any, columns: Any, row: Any, cls: Any, code: Any) -> None:
    """Someone who came by the door: delays, stay, exit, boarding, the overflow stream."""
    classes, m, arrive = counts.came.shape[0], o.words, marks[row, o.words[_ARRIVE]]
    uhcd, left = marks[row, m[_UHCD]], marks[row, m[_LEFT]]
    counts.came[cls] += 1
    minute(counts, cls, marks[row, m[_DOCTOR]] - arrive)
    stay = sooner(sooner(uhcd, left), marks[row, m[_EXIT]]) - arrive
    minute(counts, classes + 1 + cls, stay)
    way = -1
    if code == o.exits[UNSEEN]:
        way = UNSEEN
    elif uhcd == uhcd:
        way = UHCD
    elif left == left:
        way = WARD
    elif code == o.exits[HOME]:
        way = HOME
    elif code == o.exits[OG]:
        way = OG
    if way >= 0:
        counts.left[way, cls] += 1
        minute(counts, 2 * classes + 2 + way, stay)
    minute(counts, counts.minutes.shape[0] - 1, marks[row, m[_GOT_BED]] - marks[row, m[_ASK_BED]])
    if columns[row, o.fit] > 0.0:
        taken = marks[row, m[_GOT_OG]]
        counts.number[FIT] += 1
        counts.number[TAKEN] += taken == taken
        counts.number[RETURNED] += taken == taken and columns[row, o.returned] > 0.0
    got, after = marks[row, m[_GOT_BOX]], o.again[cls]
    wait = (got if got == got else marks[row, m[_EXIT]]) - marks[row, m[_TRIAGED]]
    if after > 0.0 and wait >= after:
        counts.number[DUE] += np.int64(wait / after)


@inlined
def used(curves: Any, o: Any, marks: Any, row: Any, horizon: float) -> None:
    """What someone used, and what they waited for."""
    for u in range(o.uses.shape[0]):
        asked, got, end = marks[row, o.uses[u, ASK]], marks[row, o.uses[u, GET]], marks[row, o.uses[u, END]]
        if got == got:
            add(curves, o.uses[u, BUSY], got, end, horizon)
            add(curves, o.uses[u, QUEUE], asked, got, horizon)
        elif asked == asked:
            add(curves, o.uses[u, QUEUE], asked, end, horizon)


@inlined
def summed(counts: Any, first: Any, classes: Any) -> None:
    """Everyone, behind the lines of the classes."""
    for line in range(first, first + classes):
        for k in range(LONGEST + 1):
            counts.minutes[first + classes, k] += counts.minutes[line, k]
        counts.sums[first + classes] += counts.sums[line]


@compiled
def count(who: Any, t: Any, o: Reading, begin: float, horizon: float, curves: Any, counts: Counts) -> None:
    """Count everyone who came from `begin` on; add the uses, the queues and the presence of everybody to the curves."""
    marks, m, classes = t.marks, o.words, counts.came.shape[0]
    for row in range(who.start.shape[0]):
        arrive, cls = marks[row, m[_ARRIVE]], who.cls[row]
        used(curves, o, marks, row, horizon)
        asked, got = marks[row, m[_ASK_BOX]], marks[row, m[_GOT_BOX]]
        add(curves, o.queue_box + cls, asked, got if got == got else marks[row, m[_END_BOX]], horizon)
        if who.at[row] == o.by_door:
            uhcd = marks[row, m[_UHCD]]
            add(curves, o.census, arrive, sooner(sooner(uhcd, marks[row, m[_LEFT]]), marks[row, m[_EXIT]]), horizon)
            if uhcd != uhcd:
                add(curves, o.boarders, marks[row, m[_ASK_BED]], marks[row, m[_GOT_BED]], horizon)
            if arrive >= begin:
                one(counts, o, marks, who.columns, row, cls, t.exits[row])
        elif who.at[row] == o.direct and arrive >= begin:
            counts.number[DIRECT] += 1
            counts.number[DIRECT_BY_ED] += asked == asked
    summed(counts, 0, classes)
    summed(counts, classes + 1, classes)


@compiled
def quantiles(minutes: Any, shares: Any, found: Any) -> None:
    """For each histogram the minutes at which these shares are reached, interpolated inside the minute, and how many there are."""
    for line in range(minutes.shape[0]):
        total = np.int64(0)
        for k in range(minutes.shape[1]):
            total += minutes[line, k]
        found[line, shares.shape[0]] = total
        below, at = np.int64(0), 0
        for n in range(shares.shape[0]):
            found[line, n] = np.nan
            if total > 0:
                while below + minutes[line, at] < shares[n] * total:
                    below += minutes[line, at]
                    at += 1
                found[line, n] = at + (shares[n] * total - below) / max(1, minutes[line, at])
