"""What is printed, and what is too slow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from bench.door.plan import Told

LOWEST = {
    "create": 0.45,
    "read": 0.45,
    "worklist": 0.45,
    "identifier": 0.45,
    "family": 0.45,
    "transaction": 0.4,
    "update": 0.45,
    "slot": 0.28,
}
"""The lowest accepted ratio to the bare application, a little under what was measured."""


class Line(msgspec.Struct):
    """One row with one number of connections; a floor that was not measured is 0."""

    row: str
    connections: int
    statements: int
    door: Told
    bare: Told
    pgbench: float

    @property
    def to_bare(self) -> float:
        """Our share of what the bare application does."""
        return self.door.per_second / self.bare.per_second if self.bare.per_second else 0.0

    @property
    def to_bare_cpu(self) -> float:
        """The same in processor time of server and database together: neighbours on the machine change it less."""
        ours, theirs = (told.server_cpu + told.database_cpu for told in (self.door, self.bare))
        return theirs / ours if ours else 0.0

    @property
    def too_slow(self) -> bool:
        """Whether both ratios to the bare application are too low: one alone may be the doing of a neighbour."""
        return bool(self.statements) and max(self.to_bare, self.to_bare_cpu) < LOWEST[self.row]

    @property
    def to_pgbench(self) -> float:
        """Our share of what pgbench does."""
        return self.door.per_second / self.pgbench if self.pgbench else 0.0


class Report(msgspec.Struct, kw_only=True):
    """A run. `resident` is the memory of the server in MiB, before and after; `idle` its processor time, and PostgreSQL's, in ms a second without a request."""

    machine: dict[str, Any]
    sizes: dict[str, int]
    seconds: float
    resident: list[float] = []
    idle: list[float] = []
    lines: list[Line] = []


def heading(said: Report, spent: float) -> str:
    """What was filled where, and the names of the columns."""
    machine = ", ".join(f"{name} {value}" for name, value in said.machine.items())
    sizes = ", ".join(f"{count} {name}" for name, count in said.sizes.items())
    columns = (
        "row          conn  SQL    req/s    p50    p95    p99 ms |  CPU ms: server  database |  bare/s  ratio  of CPU  |  pgbench/s  ratio"
    )
    return f"{machine}\n{sizes}, filled in {spent:.0f} s; {said.seconds:g} s a measure\n{columns}"


def line(found: Line) -> str:
    """One line of the table."""
    door = found.door
    text = f"{found.row:12} {found.connections:4} {found.statements or '':4} {door.per_second:8.0f} {door.p50:6.2f} {door.p95:6.2f} {door.p99:6.2f}"
    text += f"    |     {door.server_cpu:9.3f} {door.database_cpu:9.3f} |"
    text = f"{text} {door.refused} refused |" if door.refused else text
    if not found.statements:
        return text
    text += f" {found.bare.per_second:7.0f}  {found.to_bare:5.2f}  {found.to_bare_cpu:6.2f}  |"
    return text + (f"  {found.pgbench:9.0f}  {found.to_pgbench:5.2f}" if found.pgbench else "   no pgbench")


def end(said: Report, *, as_json: bool, against: Path | None) -> int:
    """The last lines, or the object; 1 when a ratio is too low."""
    slow = [found for found in said.lines if found.too_slow]
    if as_json:
        ratios = [{"bare": found.to_bare, "bare_cpu": found.to_bare_cpu, "pgbench": found.to_pgbench} for found in said.lines]
        print(msgspec.json.encode({**msgspec.to_builtins(said), "ratios": ratios, "too_slow": [found.row for found in slow]}).decode())
    else:
        print("resident memory of the server: " + " MiB, then ".join(f"{size:.0f}" for size in said.resident) + " MiB")
        for found in slow:
            print(
                f"{found.row} with {found.connections} connections: {found.to_bare:.2f} of the bare application, accepted {LOWEST[found.row]}"
            )
    if against:
        _compare(said, msgspec.json.decode(against.read_bytes(), type=Report))
    return int(bool(slow))


def _compare(said: Report, before: Report) -> None:
    known = {(found.row, found.connections): found.door.per_second for found in before.lines}
    for found in said.lines:
        if was := known.get((found.row, found.connections)):
            print(
                f"{found.row} with {found.connections} connections: {was / found.door.per_second:.2f} times slower than before ({was:.0f}/s)"
            )
