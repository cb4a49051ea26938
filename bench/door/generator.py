"""The load: a process of its own, some persistent HTTP/1.1 connections, each sending its next request when it has its answer.

`python -m bench.door.generator` reads its order as JSON on the standard input and writes what it measured on the standard output. Packaged generators
either cannot change each request or cost as much as what they measure; this one takes some 30 us for a request.
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from bench.door import machine, plan
from bench.door.plan import Order, Told
from bench.door.rows import rows

FEWEST, LONGEST = 2, 60.0
"""A slow row is measured until each connection had this many answers, or for this many seconds."""
WARM = 16
"""Answers of each connection before anything is counted: PostgreSQL plans each statement of a connection anew the first five times."""
REFUSED = (b"429", b"503")
LATER = 0.2
"""Seconds after which a refused connection asks again."""


class _Load:
    """What the connections share."""

    def __init__(self, next_request: Callable[[], bytes], status: int) -> None:
        self.next_request = next_request
        self.status = b"%d" % status
        self.spent = array("d")
        self.answers = self.refused = 0
        self.counting = self.ended = False
        self.wrong = ""
        self.open = 0
        self.done = asyncio.Event()

    def stop(self) -> None:
        """Send no further request."""
        self.ended = True
        if not self.open:
            self.done.set()


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, load: _Load) -> None:
        self.load = load
        self.received = b""
        self.needed = 0
        self.begun = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.load.open += 1
        self._send()

    def _send(self) -> None:
        self.received, self.needed = b"", 0
        self.begun = time.perf_counter()
        self.transport.write(self.load.next_request())

    def _again(self) -> None:
        if self.load.ended:
            self.transport.close()
        else:
            self._send()

    def data_received(self, data: bytes) -> None:
        self.received = data if not self.received else self.received + data
        if not self.needed:
            head = self.received.find(b"\r\n\r\n")
            if head < 0:
                return
            place = self.received.find(b"content-length: ", 0, head) + 16
            self.needed = head + 4 + int(self.received[place : self.received.index(b"\r\n", place)])
        if len(self.received) >= self.needed:
            self._answered()

    def _answered(self) -> None:
        load = self.load
        if self.received[9:12] in REFUSED and not load.ended:
            load.refused += load.counting
            asyncio.get_running_loop().call_later(LATER, self._again)
            return
        load.answers += 1
        if self.received[9:12] != load.status:
            load.wrong = load.wrong or self.received.decode(errors="replace")
            load.stop()
        if load.counting:
            load.spent.append(time.perf_counter() - self.begun)
        self._again()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.load.ended:
            self.load.wrong = self.load.wrong or f"the server closed a connection: {exc}: {self.received[:2000].decode(errors='replace')}"
        self.load.open -= 1
        if not self.load.open:
            self.load.done.set()


async def _run(order: Order) -> Told:
    filled = plan.load(Path(order.plan))
    row, turns = rows(filled)[order.row], order.share.turns()
    load = _Load(lambda: row.request(row.words(*next(turns)), filled.token), row.status)
    loop = asyncio.get_running_loop()
    for _ in range(order.connections):
        await loop.create_connection(lambda: _Connection(load), "127.0.0.1", order.port)
    await _pause(load, order.warm)
    await _until(load, lambda: load.answers >= WARM * order.connections)
    before, begun = _costs(order), time.perf_counter()
    load.counting = True
    await _pause(load, order.seconds)
    await _until(load, lambda: len(load.spent) >= FEWEST * order.connections)
    load.counting = False
    elapsed, after = time.perf_counter() - begun, _costs(order)
    load.stop()
    await load.done.wait()
    return _told(load, elapsed, [b - a for a, b in zip(before, after, strict=True)])


async def _pause(load: _Load, seconds: float) -> None:
    if not load.ended:
        with suppress(TimeoutError):
            await asyncio.wait_for(load.done.wait(), seconds)


async def _until(load: _Load, enough: Callable[[], bool]) -> None:
    begun = time.perf_counter()
    while not load.ended and not enough() and time.perf_counter() - begun < LONGEST:
        await _pause(load, 0.25)


def _costs(order: Order) -> list[float]:
    return [*(machine.cpu_seconds([pid]) if pid else 0.0 for pid in (order.server, order.database)), time.process_time()]


def _told(load: _Load, elapsed: float, costs: list[float]) -> Told:
    spent = sorted(load.spent)
    count = len(spent)
    if load.wrong or not count:
        return Told(wrong=load.wrong or "no answer came in time")
    p50, p95, p99 = (spent[min(count - 1, int(count * rank))] * 1e3 for rank in (0.5, 0.95, 0.99))
    server, database, own = (cost * 1e3 / count for cost in costs)
    return Told(count, count / elapsed, p50, p95, p99, server, database, own, refused=load.refused)


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_run(asked))))
