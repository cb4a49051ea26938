"""The interpreter again, in plain Python: no compiler, no wheel, no linked list. Equal to the engine bit for bit; for tracing one fictitious patient."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from maillage.simulation import assembly, steps
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
)
from maillage.simulation.memory import FLUSH, HAND_OVER, Place, Rows

Said = list[tuple[float, int, str]]


@dataclass(slots=True)
class Twin:
    """One run. `story` tells what happened to the row `follow`."""

    p: Place
    r: Rows
    program: assembly.Program
    follow: int = -1
    now: float = 0.0
    story: Said = field(default_factory=list)
    marks: list[dict[int, float]] = field(default_factory=list)
    exits: list[int] = field(default_factory=list)
    timers: list[tuple[float, int, int]] = field(default_factory=list)
    live: dict[int, tuple[float, int]] = field(default_factory=dict)
    lists: dict[int, list[int]] = field(default_factory=dict)
    zone: dict[int, int] = field(default_factory=dict)
    last_zone: dict[int, int] = field(default_factory=dict)
    open_zones: dict[int, int] = field(default_factory=dict)
    rest: dict[int, float] = field(default_factory=dict)
    pc: dict[int, int] = field(default_factory=dict)
    waits: set[int] = field(default_factory=set)
    ready: list[tuple[int, bool]] = field(default_factory=list)
    busy: dict[int, int] = field(default_factory=dict)
    capacity: dict[int, int] = field(default_factory=dict)
    active: dict[int, list[int]] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    count: int = 0

    def run(self, horizon: float, day: float = 1440.0) -> Twin:
        """Play the rows until the horizon."""
        self.marks = [{} for _ in self.r.start]
        self.exits = [-1] * len(self.r.start)
        arrival = change = 0
        while True:
            while self.timers and self.live.get(self.timers[0][2]) != self.timers[0][:2]:
                heappop(self.timers)
            times = (
                self.p.change_at[change] if change < len(self.p.change_at) else math.inf,
                self.timers[0][0] if self.timers else math.inf,
                self.r.start[arrival] if arrival < len(self.r.start) else math.inf,
            )
            first = min(range(3), key=lambda k: (times[k], k))
            if times[first] > horizon or (times[first] == horizon and first != 1):
                return self
            self.now = float(times[first])
            if first == 0:
                self.change(change)
                change += 1
            elif first == 1:
                self.timer(self.timers[0][2], day)
            else:
                held = int(self.p.table[self.r.at[arrival]][HELD])
                for k in range(len(self.p.first)):
                    self.busy[k] = self.busy.get(k, 0) + (held >> k & 1)
                self.walk(arrival, int(self.r.at[arrival]), granted=False, day=day)
                arrival += 1
            while self.ready:
                row, granted = self.ready.pop(0)
                self.walk(row, self.pc[row], granted=granted, day=day)

    def arm(self, row: int, when: float) -> None:
        """Set the timer of a row."""
        if when < math.inf:
            self.live[row] = (when, self.count)
            heappush(self.timers, (when, self.count, row))
            self.count += 1

    def mark(self, row: int, name: int, when: float | None = None) -> None:
        """Stamp a row."""
        self.marks[row][name] = self.now if when is None else when
        if row == self.follow:
            self.story.append((self.now, row, self.program.marks[name]))

    def length(self, row: int, code: int) -> float:
        """The duration that a step names."""
        if code >= 0:
            return float(self.r.columns[row][code])
        if code == WALK:
            return float(self.p.zone_walk[self.last_zone[row]]) if row in self.last_zone else 0.0
        stream = STREAM - code
        self.taken[stream] = self.taken.get(stream, 0) + 1
        return float(self.r.streams[self.r.stream_at[stream] + self.taken[stream] - 1])

    def line(self, row: int, step: Any) -> int:
        """The list of a row at a step."""
        return int(self.p.keys[step[KEY]][self.r.cls[row]])

    def free(self, resource: int) -> int:
        """What could be given now."""
        return self.capacity.get(resource, 0) - self.busy.get(resource, 0)

    def take(self, row: int, step: Any) -> None:
        """A resource is given to a row."""
        resource = int(step[A])
        self.busy[resource] = self.busy.get(resource, 0) + 1
        self.mark(row, int(step[GOT]))
        if step[FIRST_MARK] >= 0 and int(step[FIRST_MARK]) not in self.marks[row]:
            self.mark(row, int(step[FIRST_MARK]))
        if step[LEAVES]:
            self.zone.pop(row, None)
        self.active.setdefault(resource, []).append(row)

    def grant(self, resource: int) -> None:
        """Give what is free to those who wait."""
        lines = range(self.p.first[resource], self.p.first[resource] + self.p.count[resource])
        while True:
            heads = [(n, self.lists[n][0]) for n in lines if self.lists.get(n) and self.free(resource) > self.p.reserve[n]]
            if not heads:
                return
            asked = {n: self.now - self.marks[row][int(self.p.table[self.pc[row]][ASKED])] for n, row in heads}
            _, row = heads[0] if self.p.slope[heads[0][0]] <= 0 else max(heads, key=lambda h: self.p.slope[h[0]] * asked[h[0]])
            self.leave(row)
            self.take(row, self.p.table[self.pc[row]])
            self.ready.append((row, True))

    def leave(self, row: int) -> None:
        """Out of the list, and out of its timer."""
        next(line for line in self.lists.values() if row in line).remove(row)
        self.live.pop(row, None)
        self.waits.discard(row)

    def enter(self, row: int, fallback: int) -> None:
        """The first zone of the plan that has a place and a watch."""
        plan = [int(z) for z in self.p.zone_plans[self.r.plan[row]] if z >= 0]
        inside = list(self.zone.values())
        fits = [z for z in plan if self.open_zones.get(z, 0) and inside.count(z) < self.p.zone_places[z]]
        self.zone[row] = self.last_zone[row] = fits[0] if fits else fallback

    def change(self, n: int) -> None:
        """A shift changes, or the watch of a zone."""
        resource, to = int(self.p.change_of[n]), int(self.p.change_to[n])
        if resource >= len(self.p.first):
            self.open_zones[resource - len(self.p.first)] = to
            for row in [row for row, zone in reversed(self.zone.items()) if zone == resource - len(self.p.first) and not to]:
                del self.zone[row]
                self.enter(row, len(self.p.zone_places) + 1)
            return
        self.capacity[resource] = to
        while self.p.policy[resource] == HAND_OVER and self.free(resource) < 0:
            row = self.active[resource].pop()
            step = self.p.table[self.pc[row]]
            self.busy[resource] -= 1
            if row in self.live:
                self.rest[row] = self.live.pop(row)[0] - self.now + float(self.p.grace[resource])
            self.mark(row, int(step[ASKED]))
            self.lists.setdefault(self.line(row, step), []).insert(0, row)
            self.waits.add(row)
        if self.p.change_flag[n] == FLUSH:
            for line in range(self.p.first[resource], self.p.first[resource] + self.p.count[resource]):
                for row in list(self.lists.get(line, [])):
                    self.leave(row)
                    self.mark(row, int(self.p.table[self.pc[row]][ENDED]))
                    self.pc[row] = int(self.p.table[self.pc[row]][TARGET])
                    self.ready.append((row, False))
        self.grant(resource)

    def timer(self, row: int, day: float) -> None:
        """A service ends, a delay ends, or patience does."""
        self.live.pop(row)
        step = self.p.table[self.pc[row]]
        if row in self.waits:
            self.leave(row)
            self.mark(row, int(step[ENDED]))
            self.walk(row, int(step[TARGET]), granted=False, day=day)
            return
        if step[OP] == steps.SERVE:
            self.rest.pop(row, None)
            self.release(row, step)
        self.walk(row, int(step[NEXT]), granted=False, day=day)

    def release(self, row: int, step: Any) -> None:
        """Give a resource back: the list is served first."""
        self.mark(row, int(step[ENDED]))
        self.busy[int(step[A])] -= 1
        if row in self.active.get(int(step[A]), []):
            self.active[int(step[A])].remove(row)
        self.grant(int(step[A]))

    def walk(self, row: int, pc: int, *, granted: bool, day: float) -> None:
        """Go on from a step until something must be waited for."""
        while pc >= 0:
            step, self.pc[row] = self.p.table[pc], pc
            pc = self.step(row, step, granted=granted, day=day)
            granted = False

    def step(self, row: int, step: Any, *, granted: bool, day: float) -> int:
        """One step: the next one, or -1 to wait."""
        op, onward = int(step[OP]), int(step[NEXT])
        if op in {steps.SERVE, steps.SEIZE, steps.TRY}:
            return self.ask(row, step, granted=granted)
        if op in {steps.DELAY, steps.STAY, steps.WAIT}:
            end = self.now + self.length(row, int(step[DURATION])) if op == steps.DELAY else self.until(row, step, day)
            self.arm(row, end if end > self.now else math.inf)
            return onward if end <= self.now else -1
        if op in {steps.IF, steps.UNLESS}:
            return int(step[TARGET]) if (self.length(row, int(step[DURATION])) != 0.0) == (op == steps.IF) else onward
        if op == steps.ON:
            return int(step[TARGET]) if self.r.cls[row] == step[A] else onward
        if op == steps.OPEN:
            waiting = sum(len(self.lists.get(n, [])) for n in range(self.p.first[step[A]], self.p.first[step[A]] + self.p.count[step[A]]))
            return int(step[TARGET]) if self.capacity.get(int(step[A]), 0) <= 0 or waiting >= self.p.limit[step[A]] else onward
        self.note(row, op, step)
        return onward if op != steps.EXIT else -1

    def ask(self, row: int, step: Any, *, granted: bool) -> int:
        """Seize, serve or try."""
        op, resource = int(step[OP]), int(step[A])
        if not granted:
            self.mark(row, int(step[ASKED]))
            if self.free(resource) <= self.p.reserve[self.line(row, step)]:
                return int(step[TARGET]) if op == steps.TRY else self.join(row, step)
            self.take(row, step)
            if self.ready and op != steps.TRY:
                self.ready.append((row, True))
                return -1
        if op != steps.SERVE:
            return int(step[NEXT])
        self.arm(row, self.now + (self.rest[row] if row in self.rest else self.length(row, int(step[DURATION]))))
        return -1

    def join(self, row: int, step: Any) -> int:
        """Into the list of the step, by rank inserted from the tail."""
        line = self.lists.setdefault(self.line(row, step), [])
        at = len(line)
        while step[RANKED] == 1 and at and self.r.rank[line[at - 1]] > self.r.rank[row]:
            at -= 1
        line.insert(at, row)
        self.waits.add(row)
        if step[WITHIN] != assembly.NONE:
            self.arm(row, self.now + self.length(row, int(step[WITHIN])))
        return -1

    def until(self, row: int, step: Any, day: float) -> float:
        """When a wait or a stay ends."""
        if step[OP] == steps.WAIT:
            return max(self.now, self.marks[row][int(step[A])])
        end = self.now + self.length(row, int(step[DURATION]))
        hour = float(self.r.columns[row][step[WITHIN]]) if step[WITHIN] >= 0 else -1.0
        if hour >= 0.0:
            end = math.floor(end / day) * day + hour
            end += day if end < self.now else 0.0
        return end

    def note(self, row: int, op: int, step: Any) -> None:
        """The steps that take no time and have no branch."""
        if op == steps.MARK or (op == steps.FIRST and int(step[A]) not in self.marks[row]):
            self.mark(row, int(step[A]))
        elif op == steps.CLOCK:
            self.mark(row, int(step[A]), self.now + self.length(row, int(step[DURATION])))
        elif op == steps.RELEASE:
            self.release(row, step)
        elif op == steps.ENTER and len(self.p.zone_places):
            self.zone.pop(row, None)
            self.enter(row, len(self.p.zone_places))
        elif op == steps.EXIT:
            self.mark(row, int(step[ENDED]))
            self.exits[row] = int(step[A])
            self.zone.pop(row, None)
