"""F12: ten times what the server can do, in an open loop (`make faults`). Times are judged, on whatever machine.

All comes by the server's Unix socket, as from the proxy that ends TLS before it; `FAULT_TCP=1` plays the same over TCP.

The server and its PostgreSQL have one processor, the load another, when it measures what they can do and when it sends ten times as much: a load that took
from the server's own processor would measure their quarrel. The same program sends in both, over connections that are kept alive but one in twenty.

A machine that is shared does half as much in one minute as in another: floods are short and many, what the server can do is measured before and after
each of them, at rest, and all that was answered in the floods is held against all that could have been. In a flood all comes ten times as often but
emergencies, which come as usual: they cost a quarter of the others and are all answered, and ten times as many of them would make up for what is lost.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from tests.faults.test_served import caller
from tests.support import site_load
from tests.support.openloop import Order, drive
from tests.support.serving import Server, served

pytestmark = pytest.mark.nightly
FRESH = 0.05
CALLERS = 20
"""Connections of the closed loop: as many as machines have turns, so that nobody is refused."""

ROUNDS = 12
MEASURED = 8
"""Seconds in which a closed loop shows what the server can do."""

SETTLED = 2.0
"""Seconds of a flood that are still a burst, which may wait for half a second; the wait of what is accepted is judged from then on."""


def rest(core: int, seconds: float = 60) -> None:
    """Wait until a processor has next to nothing to do: the chain of the audit trail has caught up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        since = idle(core)
        time.sleep(0.5)
        if idle(core) - since > 0.45 * os.sysconf("SC_CLK_TCK"):
            return
    raise AssertionError(f"still at work after {seconds} s")


def idle(core: int) -> int:
    """The ticks in which a processor has had nothing to do."""
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[4] for line in lines if line.startswith(f"cpu{core} ")))


def told(lane: dict[str, Any], seconds: float) -> str:
    """One kind of request as a line."""
    parts = [f"{lane['due']} due, {lane['unsent']} unsent for want of connections, {lane['lost']} lost, statuses {lane['statuses']}"]
    parts.append(f"{lane['answered'] / seconds:.0f} answered a second with p50 {lane['answered_p50']} and p99 {lane['answered_p99']} ms")
    return "; ".join([*parts, f"refusals p50 {lane['refused_p50']} and p99 {lane['refused_p99']} ms"])


@dataclass
class Flood:
    """Rounds of one load on one server, and what they showed. `emergency` is one of its lanes."""

    server: Server
    lanes: site_load.Lanes
    seconds: float
    ours: int
    theirs: int
    socket: str
    lines: dict[str, str] = field(default_factory=dict)
    good: list[float] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    waits: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    urgent: int = 0
    urgent_sent: int = 0
    back: float = 0.0

    def play(self) -> None:
        """All rounds."""
        self.server.pin(self.ours)
        drive(replace(self._closed(), seconds=5))  # statements planned, connections warm
        before = self._can_do()
        for number in range(1, ROUNDS + 1):
            rate = 10 * self._answered(before, MEASURED)
            lanes = {name: (share / 10 if name == "emergency" else share, texts) for name, (share, texts) in self.lanes.items()}
            order = replace(self._closed(), lanes=lanes, rate=rate, seconds=self.seconds, connections=Order.connections, settle=SETTLED)
            seen = drive(order)
            self.back = max(self.back, self.server.wait(30))
            after = self._can_do()
            self._judge(number, rate, seen, before, after)
            before = after

    def _closed(self) -> Order:
        return Order(self.server.port, 0, MEASURED, self.lanes, CALLERS, FRESH, self.theirs, socket=self.socket)

    def _can_do(self) -> dict[str, Any]:
        rest(self.ours)
        seen = drive(self._closed())
        rest(self.ours)
        return seen

    def _answered(self, seen: dict[str, Any], seconds: float) -> float:
        return float(sum(seen[name]["answered"] for name in self.lanes) / seconds)

    def _judge(self, number: int, rate: float, seen: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
        most = (self._answered(before, MEASURED) + self._answered(after, MEASURED)) / 2
        usual, good = (before[""]["p99"] + after[""]["p99"]) / 2, self._answered(seen, self.seconds)
        self.good.append(good)
        self.most.append(most)
        self.statuses |= {int(status) for name in self.lanes for status in seen[name]["statuses"]}
        self.waits.append(seen["settled"]["p99"] / usual)
        self.refusals.append(max(seen[name]["refused_p99"] for name in self.lanes))
        self.urgent += seen["emergency"]["answered"]
        self.urgent_sent += seen["emergency"]["due"] - seen["emergency"]["unsent"]
        self.lines[f"round {number}"] = (
            f"{self.seconds:.0f} s; can do {most:.0f} a second with p99 {usual:.0f} ms; of {rate:.0f} that arrive {good:.0f} are answered, {good / most:.0%} kept; "
            f"p99 {seen['']['p99']} ms, {seen['settled']['p99']} once settled; refusals p99 {self.refusals[-1]} ms"
        )
        self.lines |= {f"{name}, last round": told(seen[name], self.seconds) for name in self.lanes}

    def _part(self, of: Callable[[list[float]], float]) -> float:
        return of([good / most for good, most in zip(self.good, self.most, strict=True)])

    @property
    def kept(self) -> float:
        """The part of what could have been answered that was."""
        return sum(self.good) / sum(self.most)

    def whole(self) -> str:
        """All rounds as a line."""
        waits, refusals = median(self.waits), median(self.refusals)
        return (
            f"{ROUNDS} rounds: {self.kept:.0%} of {sum(self.most) / ROUNDS:.0f} a second kept (rounds {self._part(min):.0%} to {self._part(max):.0%}, "
            f"median {self._part(median):.0%}), accepted p99 {waits:.1f} times the usual one, refusals p99 {refusals:.0f} ms (medians); "
            f"{self.urgent} of {self.urgent_sent} emergencies answered; ready {self.back:.1f} s after the load at most"
        )


@pytest.mark.parametrize("who", ["machines", "people"])
def test_f12_ten_times_too_much_is_refused_quickly_and_emergencies_pass(who: str, data_dir: Path, record_property: Any) -> None:
    ours, theirs, *_ = sorted(os.sched_getaffinity(0))  # fails on one core: the load needs one of its own
    with (
        tempfile.TemporaryDirectory(prefix="m") as folder,
        served(
            data_dir,
            **site_load.UNCOUNTED,
            MAILLAGE_SERVER__SOCKET=(socket := f"{folder}/s"),
            MAILLAGE_DEMO__PAST=str(who == "people").lower(),
        ) as server,
    ):
        if who == "machines":
            with caller(server) as client:
                lanes = site_load.lanes(server, dict(client.headers), site_load.furnish(client))
        else:
            lanes = site_load.pages(server)
        flood = Flood(
            server, lanes, float(os.environ.get("FAULT_SECONDS", "25")), ours, theirs, "" if os.environ.get("FAULT_TCP") else socket
        )
        flood.play()
    for name, line in flood.lines.items():
        record_property(f"F12 {who}, {name}", line)
    record_property(f"F12 {who}", flood.whole())
    assert flood.back < 30, "it recovers by itself"
    assert flood.kept >= 0.8, flood.whole()
    assert flood.urgent >= 0.99 * flood.urgent_sent > 0
    assert flood.statuses <= {200, 201, 404, 503}, flood.statuses
    assert median(flood.refusals) < 100, flood.refusals
