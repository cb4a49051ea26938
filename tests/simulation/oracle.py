"""The emergency department once more, written by hand with SimPy: the same rows, so that every stamp can be compared.

No step table, no compiled code. One `away` process for each server level at priority -1 holds the servers that are off duty.
"""

from __future__ import annotations

from collections.abc import Generator
from heapq import heappush
from typing import Any

import numpy as np
import simpy

from maillage.simulation.memory import Rows
from maillage.simulation.parameters import load
from maillage.simulation.world import World

MARKS = [
    "arrive",
    "triaged",
    "doctor",
    "box",
    "got:triage",
    "end:triage",
    "got:og_care",
    "got:care",
    "end:care",
    "got:contact1",
    "end:contact1",
    "got:image",
    "got:contact2",
    "end:contact2",
    "decided",
    "uhcd",
    "bed",
    "left_ed",
    "exit",
]
"""The stamps that both write."""

Process = Generator[simpy.Event, Any, None]


class Servers(simpy.PriorityResource):
    """A priority resource that keeps places in reserve: `reserve[class]`."""

    def __init__(self, env: simpy.Environment, capacity: int, reserve: tuple[int, ...] = ()) -> None:
        super().__init__(env, max(1, capacity))
        self.reserve = reserve

    def _do_put(self, event: Any) -> None:
        kept = self.reserve[event.priority[0]] if self.reserve and event.priority[0] >= 0 else 0
        if self.capacity - len(self.users) > kept:
            self.users.append(event)
            event.usage_since = self._env.now
            event.succeed()


class Department:
    """One run."""

    def __init__(self, world: World, rows: Rows) -> None:
        self.env, self.world, self.rows = simpy.Environment(), world, rows
        self.horizon = world.days * 1440.0
        self.columns = {name: rows.columns[:, n].tolist() for n, name in enumerate(load(world.scenario.model).columns)}
        self.cls = rows.cls.tolist()
        self.stamps: list[dict[str, float]] = [{} for _ in rows.start]
        self.exits = [""] * len(rows.start)
        self.clock = {t: self.env.timeout(t) for s in world.stations for t, _, _ in s.effective() if 0 < t <= self.horizon}
        self.servers = {
            s.name: Servers(self.env, max(n for _, n in s.shifts), s.reserve) for s in world.stations
        }  # fmt: skip
        for station in world.stations:
            self.rota(station.name, station.effective())
        self.closing = self.env.event()
        self.is_open = False
        self.env.process(self.evenings())
        self.zones = list(world.plan.zones)
        self.inside = [0] * (len(self.zones) + 2)
        self.where: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.members: list[list[int]] = [[] for _ in self.inside]
        self.watched = [False] * len(self.zones)
        for n, zone in enumerate(self.zones):
            self.env.process(self.watch(n, zone.watch))

    def run(self) -> Department:
        at = self.world.program.starts
        walk = {at["ed"]: self.patient, at["direct"]: self.direct, at["present"]: self.present}
        self.env.process(self.source([walk[pc] for pc in self.rows.at.tolist()]))
        self.env.run(self.horizon)
        return self

    def source(self, walks: list[Any]) -> Process:
        for row, (start, walk) in enumerate(zip(self.rows.start.tolist(), walks, strict=True)):
            yield from self.at(start)
            self.env.process(walk(row))

    def rota(self, name: str, shifts: list[tuple[float, int, int]]) -> None:
        for level in range(1, self.servers[name].capacity + 1):
            away, since = [], None
            for time, number, _ in shifts:
                if number < level and since is None:
                    since = time
                elif number >= level and since is not None:
                    away.append((since, time))
                    since = None
            if since is not None:
                away.append((since, self.horizon + 1))
            if away:
                self.env.process(self.away(self.servers[name], away))

    def away(self, server: Servers, intervals: list[tuple[float, float]]) -> Process:
        for begin, end in intervals:
            if begin > 0 and begin <= self.horizon:
                yield self.clock[begin]
            elif begin > self.horizon:
                return
            request = server.request((-1, 0.0))
            back = self.clock.get(end) or self.env.event()
            yield request | back
            if request.triggered:
                if not back.processed:
                    yield back
                server.release(request)
            else:
                request.cancel()

    def evenings(self) -> Process:
        [og] = [s for s in self.world.stations if s.name == "og"]
        for time, number, flag in og.effective():
            if time > self.horizon:
                return
            if time > 0:
                yield self.clock[time]
            self.is_open = number > 0
            if flag:
                closing, self.closing = self.closing, self.env.event()
                closing.succeed()

    def watch(self, zone: int, shifts: Any) -> Process:
        for time, number in shifts:
            if time > self.horizon:
                return
            if time > self.env.now:
                yield self.clock.setdefault(time, self.env.timeout(time - self.env.now))
            self.watched[zone] = number > 0
            for row in reversed(list(self.members[zone])) if not number else []:
                self.leave(row)
                self.place(row, len(self.zones) + 1)

    def enter(self, row: int) -> None:
        if self.zones:
            self.leave(row)
            self.place(row, len(self.zones))

    def place(self, row: int, fallback: int) -> None:
        plan = self.world.plan.plans[self.rows.plan[row]]
        fits = [z for z in plan if self.watched[z] and self.inside[z] < self.zones[z].places]
        zone = fits[0] if fits else fallback
        self.where[row] = self.last[row] = zone
        self.inside[zone] += 1
        self.members[zone].append(row)

    def leave(self, row: int) -> None:
        zone = self.where.pop(row, None)
        if zone is not None:
            self.inside[zone] -= 1
            self.members[zone].remove(row)

    def walk_of(self, row: int) -> float:
        return float(self.world.place.zone_walk[self.last[row]]) if row in self.last else 0.0

    def stamp(self, row: int, name: str) -> None:
        self.stamps[row][name] = self.env.now

    def served(self, row: int, name: str, minutes: str, order: tuple[float, ...]) -> Generator[simpy.Event, Any, None]:
        server = self.servers[name]
        request = server.request(order)
        yield request
        self.stamp(row, f"got:{minutes}")
        if minutes == "contact1":
            self.stamps[row].setdefault("doctor", self.env.now)
        yield self.env.timeout(self.columns[minutes][row])
        self.stamp(row, f"end:{minutes}")
        server.release(request)

    def patient(self, row: int) -> Process:
        self.stamp(row, "arrive")
        if self.cls[row] != 0:
            yield from self.served(row, "ioa", "triage", (0, self.rows.start[row]))
            self.stamp(row, "triaged")
            self.enter(row)
            if self.columns["og_fit"][row] and not self.columns["og_declined"][row]:
                taken = yield from self.town(row)
                if taken and not self.columns["og_returned"][row]:
                    self.end(row, "og")
                    return
                if taken:
                    self.enter(row)
        yield from self.main(row)

    def town(self, row: int) -> Generator[simpy.Event, Any, bool]:
        og = self.servers["og"]
        queue = [q for q in og.queue if q.priority[0] == 0]
        if not self.is_open or len(queue) >= self.world.scenario.number("og.longest"):
            return False
        request = og.request((0, self.rows.start[row]))
        yield request | self.env.timeout(self.columns["og_wait"][row]) | self.closing
        if not request.triggered:
            request.cancel()
            return False
        self.leave(row)
        self.stamp(row, "got:og_care")
        self.stamps[row].setdefault("doctor", self.env.now)
        yield self.env.timeout(self.columns["og_care"][row])
        og.release(request)
        return True

    def main(self, row: int) -> Process:
        env, column, cls = self.env, self.columns, self.cls[row]
        box = self.servers["box"].request((cls, self.rows.start[row]))
        patience = column["patience"][row]
        yield (box | env.timeout(patience)) if patience < np.inf else box
        if not box.triggered:
            box.cancel()
            self.end(row, "unseen")
            return
        self.leave(row)
        if self.walk_of(row) > 0:
            yield env.timeout(self.walk_of(row))
        self.stamp(row, "box")
        yield from self.served(row, "nurse", "care", (cls,))
        yield from self.served(row, "doctor", "contact1", (cls,))
        if column["workup"][row]:
            lab = env.timeout(column["lab"][row])
            if column["has_imaging"][row]:
                yield from self.served(row, "imaging", "image", (cls,))
            if not lab.processed:
                yield lab
            yield env.timeout(column["observe"][row])
            yield from self.served(row, "doctor", "contact2", (cls,))
        self.stamp(row, "decided")
        yield from self.out(row, box)

    def out(self, row: int, box: Any) -> Process:
        env, column, holds = self.env, self.columns, ("box", box)
        if column["to_uhcd"][row]:
            uhcd = self.servers["uhcd"].request((self.cls[row],))
            yield uhcd
            self.servers["box"].release(box)
            self.stamp(row, "uhcd")
            yield env.timeout(column["uhcd_stay"][row])
            if not column["uhcd_ward"][row]:
                self.servers["uhcd"].release(uhcd)
                self.end(row, "uhcd")
                return
            self.stamp(row, "decided")
            holds = ("uhcd", uhcd)
        elif not column["to_ward"][row]:
            self.servers["box"].release(box)
            self.end(row, "home")
            return
        bed = self.servers["bed"].request((1, self.rows.start[row]))
        yield bed
        self.stamp(row, "bed")
        yield env.timeout(column["transfer"][row])
        self.servers[holds[0]].release(holds[1])
        yield from self.ward(row, bed)

    def ward(self, row: int, bed: Any) -> Process:
        self.stamp(row, "left_ed")
        now, hour = self.env.now, self.columns["discharge_hour"][row]
        end = now + self.columns["los"][row]
        if hour >= 0:
            end = np.floor(end / 1440.0) * 1440.0 + hour
            end += 1440.0 if end < now else 0.0
        yield from self.at(end)
        if self.columns["cleaning"][row] > 0:
            yield self.env.timeout(self.columns["cleaning"][row])
        self.servers["bed"].release(bed)
        self.end(row, "ward")

    def at(self, when: float) -> Process:
        """An event at an exact time: a timeout would round (when - now) + now."""
        if when > self.env.now:
            event = self.env.event()
            event._ok, event._value = True, None
            heappush(self.env._queue, (when, 1, next(self.env._eid), event))
            yield event

    def direct(self, row: int) -> Process:
        self.stamp(row, "arrive")
        bed = self.servers["bed"].request((0, self.rows.start[row]))
        wait = self.columns["direct_wait"][row]
        yield (bed | self.env.timeout(wait)) if wait < np.inf else bed
        if not bed.triggered:
            bed.cancel()
            yield from self.main(row)
            return
        self.stamp(row, "bed")
        yield from self.ward(row, bed)

    def present(self, row: int) -> Process:
        self.stamp(row, "arrive")
        bed = self.servers["bed"].request((1, 0.0))
        yield bed
        yield self.env.timeout(self.columns["remaining"][row])
        if self.columns["cleaning"][row] > 0:
            yield self.env.timeout(self.columns["cleaning"][row])
        self.servers["bed"].release(bed)
        self.end(row, "present")

    def end(self, row: int, name: str) -> None:
        self.stamp(row, "exit")
        self.exits[row] = name
        self.leave(row)


def stamps(department: Department, name: str) -> np.ndarray:
    """A stamp of every row."""
    return np.array([said.get(name, np.nan) for said in department.stamps])
