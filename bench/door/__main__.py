"""`python -m bench.door`: fill a database, start the real server on it, measure every row."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from bench.door import machine
from bench.door.fill import fill
from bench.door.generator import Order, Told
from bench.door.plan import Plan, Share
from bench.door.rows import rows
from bench.door.server import ROOT, listening, postgres

ROWS = ("create", "read", "worklist", "identifier", "family", "transaction", "update", "slot")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.door", description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--patients", type=int, default=5_000)
    parser.add_argument("--slots", type=int, default=20_000)
    parser.add_argument("--large", action="store_true", help="1,000,000 tasks and slots, 200,000 patients")
    parser.add_argument("--connections", default="8,32")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--warm", type=float, default=0.5)
    parser.add_argument("--row", action="append", choices=ROWS)
    asked = parser.parse_args()
    if asked.large:
        asked.tasks, asked.patients, asked.slots = 1_000_000, 200_000, 1_000_000
    return asked


def drive(order: Order) -> Told:
    """One measure, by a process of its own."""
    words = [sys.executable, "-m", "bench.door.generator"]
    done = subprocess.run(words, input=msgspec.json.encode(order), stdout=subprocess.PIPE, check=True, cwd=ROOT)
    told = msgspec.json.decode(done.stdout, type=Told)
    if told.wrong:
        raise SystemExit(f"{order.row}: unexpected answer\n{told.wrong}")
    return told


def main() -> int:
    """The table."""
    asked = options()
    with postgres() as (dsn, server, folder):
        begun = time.monotonic()
        plan = asyncio.run(fill(dsn, asked.tasks, asked.patients, asked.slots))
        plan.save(folder / "plan.json")
        print(f"{asked.tasks} tasks, {asked.patients} patients, {asked.slots} slots in {time.monotonic() - begun:.0f} s", flush=True)
        with listening("maillage", ("serve", "--data", str(folder / "served")), dsn=dsn) as (port, pid):
            measure(asked, plan, folder, port, pid, server.pid or 0)
    return 0


def measure(asked: argparse.Namespace, plan: Plan, folder: Path, port: int, pid: int, database: int) -> None:
    """Every row with every number of connections."""
    counts = [int(text) for text in asked.connections.split(",")]
    print(f"resident {machine.resident([pid]):.0f} MiB")
    for name in asked.row or ROWS:
        span = rows(plan)[name].numbers // len(counts)
        for place, count in enumerate(counts):
            share = Share(f"door-{count}", place * span, span)
            order = Order(str(folder / "plan.json"), name, share, port, count, asked.seconds, asked.warm, pid, database)
            told = drive(order)
            print(
                f"{name:12} {count:3} {told.per_second:7.0f}/s p50 {told.p50:6.2f} p95 {told.p95:6.2f} p99 {told.p99:6.2f} ms"
                f"  cpu server {told.server_cpu:.3f} database {told.database_cpu:.3f} generator {told.own_cpu:.3f}",
                flush=True,
            )
    print(f"resident {machine.resident([pid]):.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())
