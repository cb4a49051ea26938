"""A load that does not wait for its answers: requests leave when they are due, whatever became of those before (`python -m tests.support.openloop`).

Reads its order as JSON from the standard input (`Order`), writes what it saw to the standard output. A process of its own, so that it shares no loop with
anything; a request is late from the instant at which it was due, not from the one at which a connection was free. With a rate of 0 the same machinery
closes its loop: each connection asks again once it is answered, which measures what a server can do.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop

GIVE_UP = 10.0
REFUSED = (429, 503)


@dataclass
class Order:
    """So many requests a second for so long; each lane has its share and its requests in turn, as text in latin-1.

    `fresh`: the share of requests that open a connection and close it afterwards; the others use connections that are kept alive.
    `core`: the only processor that this load may use. `settle`: after so many seconds a flood is no burst any more, and what is due from then on is told
    once more by itself. `socket`: the path of a Unix socket, instead of the port.
    """

    port: int
    rate: float
    seconds: float
    lanes: dict[str, tuple[float, list[str]]]
    connections: int = 800
    fresh: float = 0.0
    core: int | None = None
    settle: float = 0.0
    socket: str = ""


@dataclass
class Lane:
    """What became of the requests of one lane."""

    raw: list[bytes]
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
            **{f"answered_{name}": value for name, value in quantiles(self.answered).items()},
            **{f"refused_{name}": value for name, value in quantiles(self.refused).items()},
        }


def quantiles(times: list[float]) -> dict[str, float]:
    """The median and the 99th part, in milliseconds."""
    ordered = sorted(times)
    return {
        name: round(ordered[int(part * (len(ordered) - 1))] * 1000, 1) if ordered else 0.0 for name, part in (("p50", 0.5), ("p99", 0.99))
    }


class Connection(asyncio.Protocol):
    """One connection; a request at a time."""

    def __init__(self, load: Load, *, kept: bool) -> None:
        self.load, self.kept, self.buffer, self.left = load, kept, b"", -1
        self.lane: Lane | None = None
        self.since = 0.0
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, lane: Lane, raw: bytes, since: float) -> None:
        self.lane, self.since, self.buffer, self.left = lane, since, b"", -1
        self.transport.write(raw)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        if self.left < 0:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            place = self.buffer.lower().find(b"content-length: ", 0, end) + 16
            self.status = int(self.buffer[9:12])
            self.left = end + 4 + (int(self.buffer[place : self.buffer.index(b"\r\n", place)]) if place > 15 else 0)
        if len(self.buffer) >= self.left and self.lane is not None:
            lane, self.lane = self.lane, None
            lane.statuses[self.status] += 1
            spent = self.load.loop.time() - self.since
            (lane.refused if self.status in REFUSED else lane.answered).append(spent)
            if self.status not in REFUSED and self.since >= self.load.settled_at:
                self.load.settled.append(spent)
            if self.kept:
                self.load.free(self)
            else:
                self.transport.close()  # another takes its place when it is gone

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.open -= 1
        if self.lane is not None:
            self.lane.lost += 1
        if self in self.load.idle:
            self.load.idle.remove(self)
        if not self.kept:
            self.load.again()


class Load:
    """Sends what is due."""

    def __init__(self, order: Order) -> None:
        self.order, self.loop = order, asyncio.get_running_loop()
        self.idle: deque[Connection] = deque()
        self.open = 0
        self.ended = False
        self.settled_at, self.settled = self.loop.time() + order.settle, list[float]()
        self.lanes = {name: Lane([raw.encode("latin-1") for raw in texts]) for name, (_, texts) in order.lanes.items()}
        self.tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> dict[str, Any]:
        order = self.order
        await (self._open() if order.rate else self._closed())
        self.ended = True
        until = self.loop.time() + GIVE_UP
        while self.loop.time() < until and (self.tasks or len(self.idle) < self.open):  # noqa: ASYNC110  # answers come by callbacks
            await asyncio.sleep(0.02)
        spent = [time for lane in self.lanes.values() for time in lane.answered]
        return {"": quantiles(spent), "settled": quantiles(self.settled), **{name: lane.told() for name, lane in self.lanes.items()}}

    async def _open(self) -> None:
        begun, sent = self.loop.time(), 0
        while (now := self.loop.time()) - begun < self.order.seconds:
            for _ in range(int((now - begun) * self.order.rate) - sent):
                self._send(begun + sent / self.order.rate)
                sent += 1
            await asyncio.sleep(0.002)

    async def _closed(self) -> None:
        for _ in range(self.order.connections):
            self._send(self.loop.time())
        await asyncio.sleep(self.order.seconds)

    def free(self, connection: Connection) -> None:
        """A connection was answered."""
        self.idle.append(connection)
        self.again()

    def again(self) -> None:
        """In a closed loop whoever was answered asks again."""
        if not self.order.rate and not self.ended:
            self._send(self.loop.time())

    def _send(self, due: float) -> None:
        lane = random.choices(list(self.lanes.values()), [share for share, _ in self.order.lanes.values()])[0]
        raw = lane.raw[lane.due % len(lane.raw)]
        lane.due += 1
        kept = random.random() >= self.order.fresh
        if kept and self.idle:
            self.idle.popleft().send(lane, raw, due)
        elif self.open < self.order.connections:
            self.open += 1
            task = self.loop.create_task(self._connect(lane, raw, due, kept=kept))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        elif self.idle:
            self.idle.popleft().send(lane, raw, due)
        else:
            lane.unsent += 1

    async def _connect(self, lane: Lane, raw: bytes, due: float, *, kept: bool) -> None:
        try:
            made = await self._connected(kept=kept)
        except OSError:
            self.open -= 1
            lane.lost += 1
        else:
            made.send(lane, raw, due)

    async def _connected(self, *, kept: bool) -> Connection:
        def make() -> Connection:
            return Connection(self, kept=kept)

        if self.order.socket:
            return (await self.loop.create_unix_connection(make, self.order.socket))[1]
        return (await self.loop.create_connection(make, "127.0.0.1", self.order.port))[1]


def drive(order: Order) -> dict[str, Any]:
    """Run the load in a process of its own; what each lane saw, under the empty name all of them together, under "settled" those after `settle`."""
    words = [sys.executable, "-m", "tests.support.openloop"]
    done = subprocess.run(words, input=json.dumps(asdict(order)), capture_output=True, text=True, check=True, timeout=order.seconds + 60)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


async def _main(order: Order) -> dict[str, Any]:
    if order.core is not None:
        os.sched_setaffinity(0, {order.core})
    return await Load(order).run()


if __name__ == "__main__":
    asked = Order(**json.load(sys.stdin))
    sys.stdout.write(json.dumps(uvloop.run(_main(asked))))
