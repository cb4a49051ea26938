"""`python -m bench.door`: fill a database, start the real server on it, measure every row against two floors of the same run."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from msgspec import structs

from bench.door import machine, report
from bench.door.explain import explain
from bench.door.fill import fill
from bench.door.measure import Bench, profile
from bench.door.rows import rows
from bench.door.server import listening, postgres
from maillage.store.logins import AUDIT, SERVING

ROWS = ("create", "read", "worklist", "identifier", "family", "transaction", "update", "slot")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.door", description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--patients", type=int, default=5_000)
    parser.add_argument("--slots", type=int, default=20_000)
    parser.add_argument("--large", action="store_true", help="1,000,000 tasks and slots, 200,000 patients")
    parser.add_argument("--connections", default="8,32", help="numbers of connections, separated by commas")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each measure")
    parser.add_argument("--warm", type=float, default=0.5, help="seconds of load before each measure")
    parser.add_argument("--row", action="append", choices=ROWS, help="only this row; may be repeated")
    parser.add_argument("--no-floors", action="store_true", help="the server alone")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--against", type=Path, help="an object printed before: print how many times slower each row became")
    parser.add_argument("--explain", metavar="ROW", choices=ROWS, help="say where the time of PostgreSQL goes during one request of a row")
    parser.add_argument("--profile", metavar="ROW", choices=ROWS, help="say where the processor time of the server goes during one row")
    asked = parser.parse_args()
    if asked.large:
        asked.tasks, asked.patients, asked.slots = 1_000_000, 200_000, 1_000_000
    asked.connections = [int(text) for text in asked.connections.split(",")]
    asked.row = [name for name in ROWS if name in (asked.row or ROWS)]
    return asked


def main() -> int:
    """The table; 1 when a ratio is under the lowest that is accepted."""
    asked = options()
    said = report.Report(
        machine=machine.facts(), sizes={"tasks": asked.tasks, "patients": asked.patients, "slots": asked.slots}, seconds=asked.seconds
    )
    with postgres() as (dsn, server, folder):
        begun = time.monotonic()
        filled = asyncio.run(fill(dsn, asked.tasks, asked.patients, asked.slots))
        plan = structs.replace(
            filled, dsn=server.dsn(login=SERVING), trail=server.dsn(login=AUDIT)
        )  # filled by the owner, asked as it is served: behind the second wall
        plan.save(folder / "plan.json")
        (folder / "served").mkdir()
        said.machine["postgresql"] = asyncio.run(machine.postgres_version(dsn))
        if not asked.json:
            print(report.heading(said, time.monotonic() - begun), flush=True)
        if asked.profile:
            profile(asked, plan, folder)
            return 0
        if asked.explain:
            asyncio.run(explain(plan, rows(plan)[asked.explain]))
            return 0
        with listening("maillage", ("serve", "--data", str(folder / "served")), dsn=plan.dsn, trail=plan.trail) as (port, pid):
            said.resident.append(machine.resident([pid]))
            said.idle = machine.idle((pid, server.pid or 0))
            bench = Bench(asked, plan, folder, port, pid, server.pid or 0)
            for name in asked.row:
                for line in bench.row(name):
                    said.lines.append(line)
                    if not asked.json:
                        print(report.line(line), flush=True)
            said.resident.append(machine.resident([pid]))
    return report.end(said, as_json=asked.json, against=asked.against)


if __name__ == "__main__":
    sys.exit(main())
