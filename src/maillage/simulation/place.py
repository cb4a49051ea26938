"""What an engine runs in: resources with their shifts, zones with their watch, as sorted arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.assembly import Names, Program, Resource
from maillage.simulation.memory import FINISH, FLUSH, HAND_OVER, WIND_DOWN, Place

POLICIES: Final = {"finish": FINISH, "hand-over": HAND_OVER, "wind-down": WIND_DOWN}
DAY: Final = 1440.0
UNLIMITED: Final = 2**31 - 1

Shifts = Sequence[tuple[float, int]]
"""From when, how many: in order of time, the first at 0."""


@dataclass(frozen=True, slots=True)
class Station:
    """A resource: how many are on duty when, in which order they serve, how their shift ends."""

    name: str
    shifts: Shifts
    policy: str = "finish"
    minutes: float = 0.0
    """Hand-over: what the interrupted service needs more. Wind-down: for how long before the end nothing new is begun."""
    longest_list: int = UNLIMITED
    """`open` sends nobody to a list of this length."""
    reserve: tuple[int, ...] = ()
    """By class: a place is given only when more than these are free."""
    ageing: tuple[float, ...] = ()
    """By class: slopes of the score that grows with the wait; empty, the order is strict."""
    groups: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    leaves_zone: bool = False
    longest_wait: bool = False

    def named(self) -> Resource:
        """What the assembler must know."""
        return Resource(self.name, self.groups, self.ahead, self.policy, self.leaves_zone, self.longest_wait)

    def effective(self) -> list[tuple[float, int, int]]:
        """Time, capacity that may begin something new, flag: with wind-down a fall comes early, and a fall to none empties the list."""
        if self.policy != "wind-down":
            return [(time, number, 0) for time, number in self.shifts]
        made: list[tuple[float, int, int]] = []
        before = 0
        for time, number in self.shifts:
            falls = number < before
            made.append((max(0.0, time - self.minutes) if falls else time, number, FLUSH if falls and number == 0 else 0))
            before = number
        return made


@dataclass(frozen=True, slots=True)
class Zone:
    """Somewhere to wait: places, how far the boxes are, who watches when."""

    name: str
    places: int
    walk: float
    watch: Shifts = ((0.0, 1),)


@dataclass(frozen=True, slots=True)
class Plan:
    """Who may wait where: for each plan the zones to try, in order."""

    zones: tuple[Zone, ...] = ()
    plans: tuple[tuple[int, ...], ...] = ()


def names(
    classes: Iterable[str], stations: Iterable[Station], columns: Iterable[str], streams: Iterable[str] = (), *, zones: bool = False
) -> Names:
    """The vocabulary of a pathway."""
    return Names(tuple(classes), tuple(station.named() for station in stations), tuple(columns), tuple(streams), zones)


def build(program: Program, stations: Sequence[Station], plan: Plan = Plan()) -> Place:
    """The arrays of the engine."""
    lists = max(1, len(program.list_names))
    reserve, slope = np.zeros(lists, np.int32), np.zeros(lists)
    for number, station in enumerate(stations):
        first, count = program.lists[number]
        for line in range(first, first + count):
            of_class = (line - first) % len(program.names.classes) if count >= len(program.names.classes) else 0
            reserve[line] = station.reserve[of_class] if station.reserve else 0
            slope[line] = station.ageing[of_class] if station.ageing else 0.0
    changes = [(time, flag == 0, number, to, flag) for number, station in enumerate(stations) for time, to, flag in station.effective()]
    changes += [(time, True, len(stations) + n, to, 0) for n, zone in enumerate(plan.zones) for time, to in zone.watch]
    changes.sort()
    width = max([len(order) for order in plan.plans], default=1)
    plans = np.full((max(1, len(plan.plans)), max(1, width)), -1, np.int32)
    for n, order in enumerate(plan.plans):
        plans[n, : len(order)] = order
    walks = [zone.walk for zone in plan.zones]
    return Place(
        table=program.table,
        keys=program.keys,
        first=np.array([first for first, _ in program.lists], np.int32),
        count=np.array([count for _, count in program.lists], np.int32),
        policy=np.array([POLICIES[station.policy] for station in stations], np.int32),
        grace=np.array([station.minutes for station in stations]),
        limit=np.array([station.longest_list for station in stations], np.int32),
        reserve=reserve,
        slope=slope,
        change_at=np.array([change[0] for change in changes], np.float64),
        change_of=np.array([change[2] for change in changes], np.int32),
        change_to=np.array([change[3] for change in changes], np.int32),
        change_flag=np.array([change[4] for change in changes], np.int32),
        zone_places=np.array([zone.places for zone in plan.zones], np.int32),
        zone_plans=plans,
        zone_walk=np.array([*walks, min(walks, default=0.0), max(walks, default=0.0)]),
    )


def daily(layers: Iterable[tuple[float, float, int]], days: int) -> list[tuple[float, int]]:
    """The shifts of `days` days from layers (from hour, to hour, how many) that repeat and add up; a layer may end after midnight."""
    steps: dict[float, int] = {0.0: 0}
    for begin, end, number in layers:
        if begin == 0 and end == 24:
            steps[0.0] += number
            continue
        for day in range(-1, days):
            start, stop = (day * DAY + hour * 60.0 for hour in (begin, end if end > begin else end + 24))
            if stop > 0:
                steps[max(0.0, start)] = steps.get(max(0.0, start), 0) + number
                steps[stop] = steps.get(stop, 0) - number
    return levels(steps)


def levels(steps: dict[float, int]) -> list[tuple[float, int]]:
    """Running totals, only where they change."""
    total, made = 0, list[tuple[float, int]]()
    for time in sorted(steps):
        total += steps[time]
        if not made or made[-1][1] != total:
            made.append((time, total))
    return made


def on_duty(shifts: Shifts, times: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many are on duty at these times."""
    begins = np.array([time for time, _ in shifts])
    numbers = np.array([number for _, number in shifts])
    return np.asarray(numbers[np.searchsorted(begins, times, side="right") - 1])
