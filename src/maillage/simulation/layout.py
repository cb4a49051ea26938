"""Where everything lies in the memory of a run: the table of steps, the resources, the lists, the zones, and at last the people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation import assembly, memory, steps
from maillage.simulation.assembly import ASKING, ENDED, FIRST_MARK, GOT, KEY, NEXT, OP, TARGET, A
from maillage.simulation.desk import Same
from maillage.simulation.memory import MARKS, STEP, TABLE, WATCH, Changes, Place

RECORD: Final = 16
"""Words of a resource, and of a zone."""
OF_CACHE: Final = 8
"""Words of a line of the processor's cache."""
STAMPED: Final = (steps.MARK, steps.FIRST, steps.CLOCK, steps.WAIT)
USING: Final = (*ASKING, steps.RELEASE, steps.OPEN)


@dataclass(frozen=True, slots=True)
class Layout:
    """The memory as it is when a run begins, without the people."""

    words: NDArray[np.uint64]
    width: int
    """Words of a person."""
    plans: NDArray[np.uint64]
    """By plan, where its zones are listed."""
    changes: Changes


def layout(place: Place, marks: int) -> Layout:
    """The memory of a place, for people with so many stamps."""
    return _layout(Same(place), marks)


@lru_cache(maxsize=16)
def _layout(place: Same[Place], marks: int) -> Layout:
    return _Laid(place.value).layout(marks)


class _Laid:
    """The parts one behind the other."""

    def __init__(self, place: Place) -> None:
        self.place = place
        count, zones = len(place.first), len(place.zone_places)
        at = int(TABLE) + int(STEP) * len(place.table)
        self.keys, at = at, at + place.keys.size
        self.resources, at = at, at + RECORD * count
        self.lists, at = at, at + int(memory.LINE) * len(place.reserve)
        self.zones, at = at, at + RECORD * (zones + 2)
        self.plans, at = at, at + len(place.zone_plans) * (place.zone_plans.shape[1] + 1)
        self.rows = -(-at // OF_CACHE) * OF_CACHE
        self.word = np.zeros(self.rows, np.uint64)
        self.whole, self.real = self.word.view(np.int64), self.word.view(np.float64)

    def layout(self, marks: int) -> Layout:
        """Everything written."""
        lines = -(-(MARKS + marks) // OF_CACHE)
        width = (lines + 1 - lines % 2) * OF_CACHE  # an odd number of lines: people share the cache evenly
        self._run(width)
        self._table()
        self._lists()
        plans = self._zones()
        return Layout(self.word, width, plans, self._changes())

    def _run(self, width: int) -> None:
        count, zones = len(self.place.first), len(self.place.zone_places)
        self.word[memory.READY_LAST] = memory.READY - memory.LATER
        self.word[memory.RESOURCES] = self.resources
        self.word[memory.RESOURCES_END] = self.resources + RECORD * count
        self.word[memory.ROWS], self.word[memory.WIDTH] = self.rows, width
        if zones:
            self.word[memory.FALLBACK] = self.zones + RECORD * zones
            self.word[memory.UNWATCHED] = self.zones + RECORD * (zones + 1)

    def _table(self) -> None:
        """Steps, with addresses for numbers: of steps, of resources, of keys, and of the stamps of a person."""
        place = self.place
        table = place.table.astype(np.int64)
        op = table[:, OP]
        for word in (ENDED, GOT, assembly.ASKED, FIRST_MARK):
            table[:, word] = np.where(table[:, word] >= 0, MARKS + table[:, word], 0)
        for word in (NEXT, TARGET):
            table[:, word] = np.where(table[:, word] >= 0, int(TABLE) + int(STEP) * table[:, word], 0)
        table[:, KEY] = np.where(table[:, KEY] >= 0, self.keys + place.keys.shape[1] * table[:, KEY], 0)
        table[:, A] += np.where(np.isin(op, STAMPED), MARKS, 0)
        table[:, A] = np.where(np.isin(op, USING), self.resources + RECORD * table[:, A], table[:, A])
        for word in (assembly.LEAVES, assembly.RANKED):
            table[:, word] = np.maximum(table[:, word], 0)
        self.whole[int(TABLE) : self.keys].reshape(-1, int(STEP))[:, : assembly.WIDTH] = table
        self.whole[self.keys : self.resources] = (self.lists + int(memory.LINE) * place.keys).ravel()

    def _lists(self) -> None:
        place, width = self.place, int(memory.LINE)
        lists = self.lists + width * np.arange(len(place.reserve))
        self.whole[lists + int(memory.RESERVE)] = place.reserve
        self.real[lists + int(memory.SLOPE)] = place.slope
        resources = self.resources + RECORD * np.arange(len(place.first))
        self.whole[resources + int(memory.LINES)] = self.lists + width * place.first
        self.whole[resources + int(memory.LINES_END)] = self.lists + width * (place.first + place.count)
        self.whole[resources + int(memory.POLICY)] = place.policy
        self.whole[resources + int(memory.LIMIT)] = place.limit
        self.real[resources + int(memory.GRACE)] = place.grace
        for each in (*lists, *resources):
            self.whole[each + int(memory.AFTER)] = self.whole[each + int(memory.BEFORE)] = each

    def _zones(self) -> NDArray[np.uint64]:
        """Zones, the two that have no limit behind them; where each plan is."""
        place, count = self.place, len(self.place.zone_places)
        for number in range(count + 2):
            zone = self.zones + RECORD * number
            self.whole[zone + int(memory.PLACES)] = place.zone_places[number] if number < count else 0
            self.whole[zone + int(memory.WATCHED)] = 1
            self.real[zone + int(memory.WALKED)] = place.zone_walk[number]
            self.whole[zone + int(memory.NUMBER)] = number
            self.whole[zone + int(memory.ZONE_AFTER)] = self.whole[zone + int(memory.ZONE_BEFORE)] = zone
        length = place.zone_plans.shape[1] + 1
        for number, plan in enumerate(place.zone_plans):
            begin = self.plans + length * number
            tried = [self.zones + RECORD * int(zone) for zone in plan if zone >= 0]
            self.whole[begin : begin + len(tried)] = tried
        return np.asarray(self.plans + length * np.arange(len(place.zone_plans)), np.uint64)

    def _changes(self) -> Changes:
        place, resources = self.place, len(self.place.first)
        watch = place.change_of >= resources
        of = np.where(watch, self.zones + RECORD * (place.change_of - resources), self.resources + RECORD * place.change_of)
        flag = np.where(watch, WATCH, place.change_flag)
        return Changes(place.change_at, of.astype(np.uint64), place.change_to.astype(np.int64), flag.astype(np.int64))
