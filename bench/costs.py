"""`python -m bench.costs`: what the audit of a request and row level security cost, beside the same requests without them.

The real server is started with everything on, without audit rows, and under a login that passes the second wall, turn by turn on one database. Server and
PostgreSQL have one processor, the load another, as in the measure of overload: what is counted is then their work and not their quarrel with the load. As many
connections ask as the server has turns. Processor time of server and PostgreSQL together for each request: of many short rounds the first quartile, because a
neighbour only ever adds to it (the same code takes a third more from one second to another).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from msgspec import structs

from bench.door import machine
from bench.door.fill import fill
from bench.door.measure import SPARED, drive
from bench.door.plan import Order, Plan, Share
from bench.door.rows import rows
from bench.door.server import listening, postgres
from maillage.store.logins import AUDIT, SERVING

ROWS = ("read", "worklist")
WITHOUT = ("nothing", "audit", "walls")
ALLOWED = {"audit": 0.15, "walls": 0.20}
"""What each adds to the time that a request takes without it."""


def _measure(plan: Plan, folder: Path, without: str, asked: argparse.Namespace, database: int, ours: int) -> dict[str, tuple[float, float]]:
    """For each row the processor time of a request in ms, and the half of the answers within in ms."""
    plan.save(folder / "plan.json")
    found = {}
    with listening("bench.door.without", (without, "--data", str(folder / "served")), dsn=plan.dsn, trail=plan.trail) as (port, pid):
        for name in ROWS:
            machine.wait_for_rest([pid, database])
            machine.pin([*machine.family(pid), *machine.family(database)], ours)
            share = Share(f"{name}-{without}", 0, rows(plan)[name].numbers - SPARED)
            told = drive(Order(str(folder / "plan.json"), name, share, port, asked.connections, asked.seconds, 0.5, pid, database))
            found[name] = (told.server_cpu + told.database_cpu, told.p50)
    return found


def main() -> int:
    """Print the shares; 1 when one is over what is allowed."""
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--connections", type=int, default=20)
    asked = parser.parse_args()
    theirs, *_, ours = sorted(os.sched_getaffinity(0))  # fails on one core: the load needs one of its own
    os.sched_setaffinity(0, {theirs})
    facts = machine.facts()
    print(", ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
    seen: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    with postgres() as (dsn, server, folder):
        filled = asyncio.run(fill(dsn, 20_000, 5_000, 20_000))
        (folder / "served").mkdir()
        walled = structs.replace(filled, dsn=server.dsn(login=SERVING), trail=server.dsn(login=AUDIT))
        plans = {without: filled if without == "walls" else walled for without in WITHOUT}
        for _ in range(asked.rounds):
            for without in WITHOUT:
                for name, one in _measure(plans[without], folder, without, asked, server.pid or 0, ours).items():
                    seen[name, without].append(one)
    return _told(seen)


def _quiet(measured: list[float]) -> float:
    """What it takes while neighbours keep still: the first quartile."""
    return statistics.quantiles(measured, n=4, method="inclusive")[0]


def _told(seen: dict[tuple[str, str], list[tuple[float, float]]]) -> int:
    dear = 0
    for name in ROWS:
        cpu, p50 = ({without: _quiet([one[n] for one in seen[name, without]]) for without in WITHOUT} for n in (0, 1))
        for without, allowed in ALLOWED.items():
            added = cpu["nothing"] - cpu[without]
            dear += (over := added / cpu[without] > allowed)
            print(
                f"{name:9} {cpu['nothing']:.3f} ms of processor time, {cpu[without]:.3f} without {without}: {added:.3f} ms,"
                f" {added / cpu['nothing']:.0%} of the whole, {added / cpu[without]:+.0%}; half answered in {p50['nothing']:.2f} and {p50[without]:.2f} ms"
                f" ({'over' if over else 'at most'} {allowed:.0%})"
            )
    return int(bool(dear))


if __name__ == "__main__":
    sys.exit(main())
