"""Writes that wait for the next statement of their transaction and are then sent together: one round trip instead of one each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from maillage.store.context import writing

MOST_TOGETHER = 8
FEW = 4
"""Up to so many rows are written as VALUES: one array for each column costs the driver and the server twice as much for one row, and no less for eight."""

_MARK = re.compile(r"\$(\d+)")

Shape = tuple[tuple[str, ...], int]
"""The INSERTs, UPDATEs and DELETEs of one write, and how many values they share."""


@dataclass(slots=True)
class Write:
    """A few statements over the same values; `key` names the object that they write, because one statement may not write a row twice."""

    key: tuple[str, str]
    parts: tuple[str, ...]
    values: Sequence[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Into:
    """An append-only table: where rows go, and its columns with their types, in the order of the values of a row."""

    table: str
    columns: tuple[tuple[str, str], ...]

    def sql(self, rows: int) -> str:
        """The INSERT of so many rows."""
        return _insert(self, min(rows, FEW + 1))

    def values(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The values that this INSERT takes."""
        if len(rows) <= FEW:
            return [value for row in rows for value in row]
        return [list(column) for column in zip(*rows, strict=True)]


@lru_cache(maxsize=256)
def _insert(into: Into, rows: int) -> str:
    names = ", ".join(name for name, _ in into.columns)
    types = [type for _, type in into.columns]
    if rows > FEW:
        return f"INSERT INTO {into.table} ({names}) SELECT * FROM unnest({', '.join(f'${n}::{type}[]' for n, type in enumerate(types, 1))})"
    marks = (", ".join(f"${row * len(types) + n}::{type}" for n, type in enumerate(types, 1)) for row in range(rows))
    return f"INSERT INTO {into.table} ({names}) VALUES {', '.join(f'({one})' for one in marks)}"


@dataclass(slots=True)
class Pending:
    """What a transaction has still to write: writes in their order, and rows for append-only tables."""

    writes: list[Write] = field(default_factory=list)
    rows: dict[Into, list[tuple[Any, ...]]] = field(default_factory=dict)
    shared: set[Into] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.writes or self.rows)

    def append(self, into: Into, rows: Sequence[tuple[Any, ...]], *, shared: bool) -> None:
        """More rows for a table."""
        self.rows.setdefault(into, []).extend(rows)
        if shared:
            self.shared.add(into)

    def may_share(self) -> bool:
        """Whether what waits may be committed together with what other requests have to add."""
        return not self.writes and self.shared.issuperset(self.rows)

    def holds(self, key: tuple[str, str]) -> bool:
        """Whether a write to this object waits."""
        return any(write.key == key for write in self.writes)

    def take(self, begun: bool = True) -> list[tuple[str, list[Any]]]:
        """Everything that waits, as few statements; nothing waits any more. Where no transaction has begun each says who acts, too."""
        writes = self.writes + [Write(("", into.table), (into.sql(len(rows)),), into.values(rows)) for into, rows in self.rows.items()]
        self.writes, self.rows = [], {}
        return [_together(writes[n : n + MOST_TOGETHER], begun) for n in range(0, len(writes), MOST_TOGETHER)]


def _together(writes: Sequence[Write], begun: bool) -> tuple[str, list[Any]]:
    sql = _merged(tuple((write.parts, len(write.values)) for write in writes), begun)
    return sql, [value for write in writes for value in write.values]


@lru_cache(maxsize=1024)
def _merged(shapes: tuple[Shape, ...], begun: bool) -> str:
    parts: list[str] = []
    offset = 0
    for texts, size in shapes:
        parts += [_renumbered(text, offset) for text in texts]
        offset += size
    if not begun:
        return writing(_named(parts), offset)
    *first, last = parts
    return f"{_named(first)} {last}" if first else last


def _named(parts: Sequence[str]) -> str:
    return "WITH " + ", ".join(f"w{n} AS ({part})" for n, part in enumerate(parts))


def _renumbered(text: str, offset: int) -> str:
    return _MARK.sub(lambda found: f"${int(found[1]) + offset}", text) if offset else text
