"""A request of the real door as it was written down: its statements with their values, in their order. Both floors repeat it."""

from __future__ import annotations

import pickle
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from bench.door.rows import Words


class Statement(NamedTuple):
    """One round trip: on which connection, by which method, the types of its parameters as PostgreSQL names them."""

    connection: int
    method: str
    sql: str
    values: tuple[Any, ...]
    types: tuple[str, ...]


class Recording(NamedTuple):
    """One request: its statements, the words that change from request to request, the ids that it made, what it was answered."""

    row: str
    statements: list[Statement]
    words: Words
    made: tuple[str, ...]
    at: datetime
    body: bytes

    def save(self, path: Path) -> None:
        """Write it down for another process."""
        path.write_bytes(pickle.dumps(self))


def load(path: Path) -> Recording:
    """Read it again."""
    found: Recording = pickle.loads(path.read_bytes())
    return found
