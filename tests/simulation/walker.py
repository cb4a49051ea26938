"""Any pathway once more, walked by SimPy line by line from the text: no table, no compiled code. For fixed capacities and orders by class or rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import simpy

from maillage.simulation import steps


class Walk:
    """One run."""

    def __init__(
        self,
        text: str,
        servers: Mapping[str, int],
        start: Sequence[float],
        columns: Mapping[str, Any],
        cls: Sequence[int],
        paths: Sequence[str],
    ) -> None:
        self.env = simpy.Environment()
        self.text = steps.read(text)
        self.servers = {name: simpy.PriorityResource(self.env, count) for name, count in servers.items()}
        self.start, self.columns, self.cls, self.paths = list(start), columns, list(cls), list(paths)
        self.streams: dict[str, list[float]] = {}
        self.stamps: list[dict[str, float]] = [{} for _ in self.start]
        self.exits = [""] * len(self.start)

    def run(self, horizon: float) -> Walk:
        for row in range(len(self.start)):
            self.env.process(self.walk(row))
        self.env.run(horizon)
        return self

    def value(self, name: str, row: int) -> float:
        return self.streams[name].pop(0) if name in self.streams else float(self.columns[name][row])

    def stamp(self, row: int, name: str) -> None:
        self.stamps[row][name] = self.env.now

    def order(self, step: steps.Step, row: int) -> tuple[float, ...]:
        return (float(self.cls[row]) if "class" in step.keys else 0.0, self.start[row] if step.ranked else 0.0)

    def walk(self, row: int) -> Any:
        yield self.env.timeout(self.start[row])
        at, held = self.text.paths[self.paths[row]], dict[str, Any]()
        while True:
            step = self.text.steps[at]
            at += 1
            if step.op == steps.EXIT:
                self.stamp(row, "exit")
                self.exits[row] = step.subject
                return
            if step.op == steps.MARK:
                self.stamp(row, step.subject)
            elif step.op == steps.FIRST:
                self.stamps[row].setdefault(step.subject, self.env.now)
            elif step.op == steps.GOTO:
                at = self.text.labels[step.target]
            elif step.op in (steps.IF, steps.UNLESS):
                if (self.value(step.subject, row) != 0) == (step.op == steps.IF):
                    at = self.text.labels[step.target]
            elif step.op == steps.DELAY:
                yield self.env.timeout(self.value(step.subject, row))
            elif step.op == steps.RELEASE:
                self.stamp(row, f"end:{step.subject}")
                yield self.servers[step.subject].release(held.pop(step.subject))
            else:
                at = yield from self.asked(step, row, at, held)

    def asked(self, step: steps.Step, row: int, at: int, held: dict[str, Any]) -> Any:
        """A service, or something taken and kept."""
        server, use = self.servers[step.subject], step.duration or step.subject
        request = server.request(self.order(step, row))
        self.stamp(row, f"ask:{use}")
        yield (request | self.env.timeout(self.value(step.within, row))) if step.within else request
        if not request.triggered:
            request.cancel()
            self.stamp(row, f"end:{use}")
            return self.text.labels[step.target]
        self.stamp(row, f"got:{use}")
        if step.first:
            self.stamps[row].setdefault(step.first, self.env.now)
        if step.op == steps.SEIZE:
            held[step.subject] = request
            return at
        yield self.env.timeout(self.value(step.duration, row))
        self.stamp(row, f"end:{use}")
        yield server.release(request)  # the list is served first, then whoever gave back goes on
        return at

    def mark(self, name: str) -> np.ndarray:
        return np.array([said.get(name, np.nan) for said in self.stamps])
