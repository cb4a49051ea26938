"""One row measured: the real server, then the floors, each on its own share of the resources."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.door import machine, pgbench, recorder
from bench.door.plan import Order, Plan, Share, Told
from bench.door.report import Line
from bench.door.rows import Row, rows
from bench.door.server import ROOT, listening

SPARED = 20
"""The last numbers belong to no share: requests are recorded on them."""
PROFILE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measure needs: the options, the filled database, the server and PostgreSQL."""

    asked: argparse.Namespace
    plan: Plan
    folder: Path
    port: int
    server: int
    database: int

    def row(self, name: str) -> Iterator[Line]:
        """A row with each number of connections."""
        row = rows(self.plan)[name]
        recorded = None
        if not self.asked.no_floors:
            recorded = asyncio.run(recorder.record(self.plan, row))
            recorded.save(self.folder / "recording")
        shares = self._shares(row)
        for connections in self.asked.connections:
            machine.wait_for_rest([self.server, self.database])
            door = drive(self._order(name, next(shares), connections, self.port, self.server))
            bare, floor = Told(), 0.0
            if recorded:
                bare = self._bare(name, next(shares), connections)
                floor = pgbench.run(self.plan, row, recorded, next(shares), connections, self.asked.seconds, self.folder)
            yield Line(name, connections, len(recorded.statements) if recorded else 0, door, bare, floor)

    def _shares(self, row: Row) -> Iterator[Share]:
        parts = 3 * len(self.asked.connections)
        span = (row.numbers - SPARED) // parts
        return (Share(f"{row.name}-{part}", part * span, span) for part in range(parts))

    def _order(self, name: str, share: Share, connections: int, port: int, server: int) -> Order:
        plan = str(self.folder / "plan.json")
        return Order(plan, name, share, port, connections, self.asked.seconds, self.asked.warm, server, self.database)

    def _bare(self, name: str, share: Share, connections: int) -> Told:
        words = ["--plan", str(self.folder / "plan.json"), "--recording", str(self.folder / "recording")]
        words += ["--name", share.name, "--first", str(share.first), "--span", str(share.span)]
        with listening("bench.door.bare", words, path="/ready") as (port, pid):
            return drive(self._order(name, share, connections, port, pid))


def drive(order: Order) -> Told:
    """One measure, by a process of its own. Ends the run when an answer is not the expected one."""
    words = [sys.executable, "-m", "bench.door.generator"]
    done = subprocess.run(words, input=msgspec.json.encode(order), stdout=subprocess.PIPE, check=True, cwd=ROOT)
    told = msgspec.json.decode(done.stdout, type=Told)
    if told.wrong:
        raise SystemExit(f"{order.row}: unexpected answer\n{told.wrong}")
    return told


def profile(asked: argparse.Namespace, plan: Plan, folder: Path) -> None:
    """One row against a server that is watched; it prints what it saw when it ends."""
    with listening("bench.door.profiled", ("--data", str(folder / "served")), dsn=plan.dsn, trail=plan.trail, heard=True) as (port, pid):
        os.kill(pid, signal.SIGUSR1)
        share, seconds = Share("profile", 0, rows(plan)[asked.profile].numbers - SPARED), max(asked.seconds, PROFILE_SECONDS)
        told = drive(Order(str(folder / "plan.json"), asked.profile, share, port, asked.connections[0], seconds, asked.warm, pid, 0))
        print(f"{asked.profile}: {told.per_second:.0f}/s, {told.server_cpu:.3f} ms of processor time a request")
