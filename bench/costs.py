"""`python -m bench.costs`: what the audit row and row level security cost, as shares of the same requests without them.

The real server is started with everything on, without audit rows, and under a login that passes the second wall, turn by turn on one database. Processor time
of server and PostgreSQL together for each request, the median of the rounds: neighbours on the machine change it less than requests a second.
"""

from __future__ import annotations

import argparse
import asyncio
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
"""Of a read's time; of a read's and of a worklist's."""


def _measure(plan: Plan, folder: Path, without: str, asked: argparse.Namespace, database: int) -> dict[str, tuple[float, float]]:
    """For each row the processor time of a request in ms, and the median answer in ms."""
    plan.save(folder / "plan.json")
    found = {}
    with listening("bench.door.without", (without, "--data", str(folder / "served")), dsn=plan.dsn, trail=plan.trail) as (port, pid):
        for name in ROWS:
            machine.wait_for_rest([pid, database])
            share = Share(f"{name}-{without}", 0, rows(plan)[name].numbers - SPARED)
            told = drive(Order(str(folder / "plan.json"), name, share, port, asked.connections, asked.seconds, 0.5, pid, database))
            found[name] = (told.server_cpu + told.database_cpu, told.p50)
    return found


def main() -> int:
    """Print the shares; 1 when one is over what is allowed."""
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, default=8)
    asked = parser.parse_args()
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
                for name, one in _measure(plans[without], folder, without, asked, server.pid or 0).items():
                    seen[name, without].append(one)
    return _told(seen)


def _told(seen: dict[tuple[str, str], list[tuple[float, float]]]) -> int:
    dear = 0
    for name in ROWS:
        cpu, p50 = ({without: statistics.median(one[n] for one in seen[name, without]) for without in WITHOUT} for n in (0, 1))
        for without, allowed in ALLOWED.items():
            shares = cpu["nothing"] / cpu[without] - 1, p50["nothing"] / p50[without] - 1
            dear += min(shares) > allowed
            print(
                f"{name:9} {cpu['nothing']:.2f} ms of processor time, {cpu[without]:.2f} without {without}: {shares[0]:+.0%};"
                f" median answer {p50['nothing']:.2f} and {p50[without]:.2f} ms: {shares[1]:+.0%} (allowed {allowed:.0%})"
            )
    return int(bool(dear))


if __name__ == "__main__":
    sys.exit(main())
