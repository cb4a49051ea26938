"""Writes that wait for the next statement of their transaction and are then sent together: one round trip instead of one each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from maillage.store.context import writing

MOST_TOGETHER = 8
_MARK = re.compile(r"\$(\d+)")

Shape = tuple[tuple[str, ...], int]
"""The INSERTs, UPDATEs and DELETEs of one write, and how many values they share."""


@dataclass(slots=True)
class Write:
    """A few statements over the same values; `key` names the object that they write, because one statement may not write a row twice."""

    key: tuple[str, str]
    parts: tuple[str, ...]
    values: Sequence[Any]


@dataclass(slots=True)
class Pending:
    """What a transaction has still to write: writes in their order, and rows for append-only tables by the statement that inserts them."""

    writes: list[Write] = field(default_factory=list)
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.writes or self.rows)

    def append(self, sql: str, rows: Sequence[tuple[Any, ...]], *, shared: bool) -> None:
        """More rows for the table that `sql` inserts into."""
        self.rows.setdefault(sql, []).extend(rows)
        if shared:
            self.shared.add(sql)

    def may_share(self) -> bool:
        """Whether what waits may be committed together with what other requests have to add."""
        return not self.writes and self.shared.issuperset(self.rows)

    def holds(self, key: tuple[str, str]) -> bool:
        """Whether a write to this object waits."""
        return any(write.key == key for write in self.writes)

    def take(self, begun: bool = True) -> list[tuple[str, list[Any]]]:
        """Everything that waits, as few statements; nothing waits any more. Where no transaction has begun each says who acts, too."""
        writes = self.writes + [Write(("", sql), (sql,), columns(rows)) for sql, rows in self.rows.items()]
        self.writes, self.rows = [], {}
        return [_together(writes[n : n + MOST_TOGETHER], begun) for n in range(0, len(writes), MOST_TOGETHER)]


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as one list for each column, as `unnest` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]


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
