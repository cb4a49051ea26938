"""What every process of the bench is told: where the database is, what was put into it, and the token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

ORGANIZATION = "cms-clamart-soins"
"""The caller: a centre of the territory that may send requests to the hospital."""
OWNERS = 40
SERVICES = 40
STEP = 7919
"""A prime: numbers are visited in leaps, so that neighbours are not read one after the other."""


class Plan(msgspec.Struct, frozen=True):
    """The filled database and the way in."""

    dsn: str
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
