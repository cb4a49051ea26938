"""What every process of the bench is told: where the database is, what was put into it, and the token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

ORGANIZATION = "cms-clamart-soins"
"""The caller: a centre of the territory that may send requests to the hospital."""
OWNERS = 40
SERVICES = 40
HOMONYMS, FAMILIES = 5, 1_000_000
"""How many patients bear a family name, and the first number of these: all have as many digits, because a name finds those that begin with it."""
STEP = 7919
"""A prime: numbers are visited in leaps, so that neighbours are not read one after the other."""


class Plan(msgspec.Struct, frozen=True):
    """The filled database and the way in."""

    dsn: str
    trail: str
    token: str
    tasks: int
    patients: int
    slots: int
    bundle: str = ""

    def save(self, path: Path) -> None:
        """Write it down for another process."""
        path.write_bytes(msgspec.json.encode(self))


def load(path: Path) -> Plan:
    """Read it again."""
    return msgspec.json.decode(path.read_bytes(), type=Plan)


class Share(msgspec.Struct, frozen=True):
    """The part of the numbered resources that one measure may touch: no other measure writes there, so versions are known."""

    name: str
    first: int
    span: int

    def turns(self) -> Iterator[tuple[int, int, str]]:
        """For each request in turn: the number of a resource, how often it came before, a word that is never said twice."""
        n = 0
        while True:
            lap, place = divmod(n, self.span)
            yield self.first + (place * STEP) % self.span + 1, lap, f"{self.name}-{n}"
            n += 1


class Order(msgspec.Struct):
    """What to send, where, for how long; `server` and `database` are processes whose time is counted."""

    plan: str
    row: str
    share: Share
    port: int
    connections: int
    seconds: float
    warm: float
    server: int
    database: int


class Told(msgspec.Struct):
    """What was measured: milliseconds, and milliseconds of processor time for each request. `wrong` is the first unexpected answer,
    `refused` counts those that the edge turned away."""

    requests: int = 0
    per_second: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    server_cpu: float = 0.0
    database_cpu: float = 0.0
    own_cpu: float = 0.0
    wrong: str = ""
    refused: int = 0
