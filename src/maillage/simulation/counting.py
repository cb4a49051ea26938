"""Counting those who came: one pass over the rows of a run, in compiled code."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from maillage.simulation.areas import ASK, BUSY, END, GET, QUEUE, add, between, ticks
from maillage.simulation.compiled import compiled, inlined
from maillage.simulation.memory import LEFT_BY, Array

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
    """Where to find what is counted: stamps by `WORDS`, uses of resources, exits by `EXITS`, columns, paths, curves.

    Stamps are words of a person (see `memory`).
    """

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
        counts.minutes[np.uint64(line), np.uint64(min(value, LONGEST))] += 1
        counts.sums[np.uint64(line)] += value


@inlined
def sooner(a: float, b: float) -> float:
    """The first of two stamps; one that does not exist is left out."""
    return b if a != a or b < a else a


@inlined
def way_of(o: Any, code: Any, uhcd: float, left: float) -> Any:
    """How someone left, by `EXITS`; -1 for those who are still here."""
    if code == o.exits[UNSEEN]:
        return UNSEEN
    if uhcd == uhcd:
        return UHCD
    if left == left:
        return WARD
    if code == o.exits[HOME]:
        return HOME
    return OG if code == o.exits[OG] else -1


@inlined
def one(counts: Any, o: Any, real: Any, person: Any, fit: Any, returned: Any, cls: Any, code: Any) -> None:
    """Someone who came by the door: delays, stay, exit, boarding, the overflow stream."""
    classes, m, arrive = counts.came.shape[0], o.words, real[person + o.words[_ARRIVE]]
    uhcd, left, leave = real[person + m[_UHCD]], real[person + m[_LEFT]], real[person + m[_EXIT]]
    counts.came[np.uint64(cls)] += 1
    minute(counts, cls, real[person + m[_DOCTOR]] - arrive)
    stay = sooner(sooner(uhcd, left), leave) - arrive
    minute(counts, classes + 1 + cls, stay)
    way = way_of(o, code, uhcd, left)
    if way >= 0:
        counts.left[np.uint64(way), np.uint64(cls)] += 1
        minute(counts, 2 * classes + 2 + way, stay)
    minute(counts, counts.minutes.shape[0] - 1, real[person + m[_GOT_BED]] - real[person + m[_ASK_BED]])
    if fit > 0.0:
        taken = real[person + m[_GOT_OG]]
        counts.number[FIT] += 1
        counts.number[TAKEN] += taken == taken
        counts.number[RETURNED] += taken == taken and returned > 0.0
    got, after = real[person + m[_GOT_BOX]], o.again[cls]
    wait = (got if got == got else leave) - real[person + m[_TRIAGED]]
    if after > 0.0 and wait >= after:
        counts.number[DUE] += np.int64(wait / after)


@inlined
def used(curves: Any, o: Any, real: Any, person: Any, horizon: float) -> None:
    """What someone used, and what they waited for. No branch but whether they asked: what was not waited for adds nothing."""
    for u in range(o.uses.shape[0]):
        asked = real[person + o.uses[u, ASK]]
        if asked == asked:
            got = real[person + o.uses[u, GET]]
            begin, end = ticks(asked), ticks(min(horizon, real[person + o.uses[u, END]]))
            middle = ticks(got) if got == got else end
            between(curves, o.uses[u, QUEUE], begin, middle)
            between(curves, o.uses[u, BUSY], middle, end)


@inlined
def summed(counts: Any, first: Any, classes: Any) -> None:
    """Everyone, behind the lines of the classes."""
    for line in range(first, first + classes):
        for k in range(LONGEST + 1):
            counts.minutes[first + classes, k] += counts.minutes[line, k]
        counts.sums[first + classes] += counts.sums[line]


@compiled
def count(who: Any, words: Any, width: int, o: Reading, begin: float, horizon: float, curves: Any, counts: Counts) -> None:
    """Count everyone who came from `begin` on; add the uses, the queues and the presence of everybody to the curves. `words`: the people of a run."""
    real, whole, m, classes, person = words.view(np.float64), words.view(np.int64), o.words, counts.came.shape[0], np.uint64(0)
    for row in range(who.start.shape[0]):
        number = np.uint64(row)
        arrive, cls, path = real[person + m[_ARRIVE]], who.cls[number], who.at[number]
        used(curves, o, real, person, horizon)
        asked, got = real[person + m[_ASK_BOX]], real[person + m[_GOT_BOX]]
        add(curves, o.queue_box + cls, asked, got if got == got else real[person + m[_END_BOX]], horizon)
        if path == o.by_door:
            uhcd = real[person + m[_UHCD]]
            add(curves, o.census, arrive, sooner(sooner(uhcd, real[person + m[_LEFT]]), real[person + m[_EXIT]]), horizon)
            if uhcd != uhcd:
                add(curves, o.boarders, real[person + m[_ASK_BED]], real[person + m[_GOT_BED]], horizon)
            if arrive >= begin:
                one(counts, o, real, person, who.columns[number, o.fit], who.columns[number, o.returned], cls, whole[person + LEFT_BY])
        elif path == o.direct and arrive >= begin:
            counts.number[DIRECT] += 1
            counts.number[DIRECT_BY_ED] += asked == asked
        person += np.uint64(width)
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
