"""A load that does not wait for its answers: requests leave when they are due, whatever became of those before (`python -m tests.support.openloop`).

Reads its order as JSON from the standard input (`Order`), writes what it saw to the standard output. A process of its own, so that it shares no loop with
anything; a request is late from the instant at which it was due, not from the one at which a connection was free.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop

GIVE_UP = 10.0


@dataclass
class Order:
    """So many requests a second for so long; each lane has its share and its request, as bytes in latin-1."""

    port: int
    rate: float
    seconds: float
    lanes: dict[str, tuple[float, str]]
    connections: int = 800


@dataclass
class Lane:
    """What became of the requests of one lane."""

    due: int = 0
    unsent: int = 0
    lost: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """The figures."""
        return {
            **{name: getattr(self, name) for name in ("due", "unsent", "lost")},
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "answered": len(self.answered),
            "refused": len(self.refused),
            **{f"answered_{name}": value for name, value in _quantiles(self.answered).items()},
            **{f"refused_{name}": value for name, value in _quantiles(self.refused).items()},
        }


def _quantiles(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        name: round(ordered[int(part * (len(ordered) - 1))] * 1000, 1) if ordered else 0.0 for name, part in (("p50", 0.5), ("p99", 0.99))
    }


class Connection(asyncio.Protocol):
    """One connection; a request at a time."""

    def __init__(self, load: Load) -> None:
        self.load, self.buffer, self.left = load, b"", -1
        self.lane: Lane | None = None
        self.since = 0.0
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, lane: Lane, raw: bytes, since: float) -> None:
        self.lane, self.since, self.buffer, self.left = lane, since, b"", -1
        self.transport.write(raw)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.left < 0:
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            lines = head.lower().split(b"\r\n")
            self.status = int(lines[0].split()[1])
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            self.left, self.buffer = length, rest
        if len(self.buffer) >= self.left and self.lane is not None:
            lane, self.lane = self.lane, None
            lane.statuses[self.status] += 1
            spent = asyncio.get_running_loop().time() - self.since
            (lane.refused if self.status in (429, 503) else lane.answered).append(spent)
            self.load.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.open -= 1
        if self.lane is not None:
            self.lane.lost += 1
        if self in self.load.idle:
            self.load.idle.remove(self)


class Load:
    """Sends what is due."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.idle: deque[Connection] = deque()
        self.open = 0
        self.lanes = {name: Lane() for name in order.lanes}
        self.tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> dict[str, Any]:
        loop, order = asyncio.get_running_loop(), self.order
        names, weights = list(order.lanes), [share for share, _ in order.lanes.values()]
        begun, sent = loop.time(), 0
        while (now := loop.time()) - begun < order.seconds:
            for _ in range(int((now - begun) * order.rate) - sent):
                name = random.choices(names, weights)[0]
                self._send(self.lanes[name], order.lanes[name][1].encode("latin-1"), begun + sent / order.rate)
                sent += 1
            await asyncio.sleep(0.002)
        until = loop.time() + GIVE_UP
        while loop.time() < until and (self.tasks or len(self.idle) < self.open):  # noqa: ASYNC110  # answers come by callbacks
            await asyncio.sleep(0.02)
        return {name: lane.told() for name, lane in self.lanes.items()}

    def _send(self, lane: Lane, raw: bytes, due: float) -> None:
        lane.due += 1
        if self.idle:
            self.idle.popleft().send(lane, raw, due)
        elif self.open < self.order.connections:
            self.open += 1
            task = asyncio.get_running_loop().create_task(self._connect(lane, raw, due))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            lane.unsent += 1

    async def _connect(self, lane: Lane, raw: bytes, due: float) -> None:
        try:
            _, made = await asyncio.get_running_loop().create_connection(lambda: Connection(self), "127.0.0.1", self.order.port)
        except OSError:
            self.open -= 1
            lane.lost += 1
        else:
            made.send(lane, raw, due)


def drive(order: Order) -> dict[str, Any]:
    """Run the load in a process of its own; what each lane saw."""
    words = [sys.executable, "-m", "tests.support.openloop"]
    done = subprocess.run(words, input=json.dumps(asdict(order)), capture_output=True, text=True, check=True, timeout=order.seconds + 60)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


if __name__ == "__main__":
    asked = Order(**json.load(sys.stdin))
    sys.stdout.write(json.dumps(uvloop.run(Load(asked).run())))
