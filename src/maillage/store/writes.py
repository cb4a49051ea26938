"""Writes that wait for the next statement of their transaction and are then sent together: one round trip instead of one each.

Many of them that only add rows go as blocks: one INSERT for each table, so that PostgreSQL reads, plans and surrounds with walls one statement, not one
for each row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

import msgspec

from maillage.store.context import writing

MOST_TOGETHER = 8
FEW = 8
"""Up to so many rows are written as VALUES: many marks cost less than arrays, which the driver looks into item by item."""

_MARK = re.compile(r"\$(\d+)")

Shape = tuple[tuple[str, ...], int]
"""The INSERTs, UPDATEs and DELETEs of one write, and how many values they share."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A table and its columns, for rows that are inserted by one statement whatever their number: one value, the rows as JSON.

    A column of lists cannot be given as an array of its own, because the lists have different lengths; and the driver looks at each item of each list of an
    array of rows, which takes a fifth of the time of an import.
    """

    table: str
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The INSERT."""
        names = ", ".join(self.columns)
        return f"INSERT INTO {self.table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{self.table}, $1::json)"

    def told(self, rows: Sequence[tuple[Any, ...]]) -> str:
        """The rows, each as an object of what it says."""
        return _ENCODER.encode(
            [{name: value for name, value in zip(self.columns, row, strict=True) if value is not None} for row in rows]
        ).decode()


Rows = Callable[[], Iterable[tuple[Block, tuple[Any, ...]]]]
"""The rows that a write adds, each in the order of its block's columns; a table's rows come after those that they hang on."""

Filled = dict[Block, list[tuple[Any, ...]]]
"""Rows by their block."""


class Endless(datetime):
    """An instant that PostgreSQL calls infinity, before or after every other."""


FIRST = Endless(1, 1, 1, tzinfo=UTC)
LAST = Endless(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


def _infinity(value: Any) -> str:
    if isinstance(value, Endless):
        return "infinity" if value.year > FIRST.year else "-infinity"
    raise TypeError(f"no JSON for {type(value).__name__}")


_ENCODER = msgspec.json.Encoder(enc_hook=_infinity)


def arranged(filled: Filled) -> list[tuple[str, list[Any]]]:
    """The INSERT of each block and its one value; null where a row says nothing of a column."""
    return [(block.sql, [block.told(rows)]) for block, rows in filled.items()]


@dataclass(slots=True)
class Write:
    """A few statements over the same values; `key` names the object that they write, because one statement may not write a row twice.

    `rows` says the same for a write that only adds rows.
    """

    key: tuple[str, str]
    parts: tuple[str, ...]
    values: Sequence[Any]
    rows: Rows | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Into:
    """An append-only table: where rows go, and its columns with their types, in the order of the values of a row."""

    table: str
    columns: tuple[tuple[str, str], ...]

    def statement(self, rows: Sequence[tuple[Any, ...]]) -> tuple[str, list[Any]]:
        """The INSERT of these rows and the values that it takes: those of a few one after the other; of many, what they all say once."""
        if len(rows) <= FEW:
            return _few(self, len(rows)), [value for row in rows for value in row]
        columns = [*zip(*rows, strict=True)]
        same = [column.count(column[0]) == len(rows) for column in columns[1:]]  # the first one is an array always: it counts the rows
        return _many(self, (False, *same)), [[*columns[0]]] + [x[0] if one else [*x] for x, one in zip(columns[1:], same, strict=True)]


@lru_cache(maxsize=256)
def _few(into: Into, rows: int) -> str:
    types = [type for _, type in into.columns]
    marks = (", ".join(f"${row * len(types) + n}::{type}" for n, type in enumerate(types, 1)) for row in range(rows))
    return f"{_head(into)} VALUES {', '.join(f'({one})' for one in marks)}"


@lru_cache(maxsize=256)
def _many(into: Into, same: tuple[bool, ...]) -> str:
    marked = [(name, type, f"${n}", once) for n, ((name, type), once) in enumerate(zip(into.columns, same, strict=True), 1)]
    said = ", ".join(f"{mark}::{type}" if once else f"x.{name}" for name, type, mark, once in marked)
    arrays = ", ".join(f"{mark}::{type}[]" for _, type, mark, once in marked if not once)
    return f"{_head(into)} SELECT {said} FROM unnest({arrays}) AS x ({', '.join(name for name, _, _, once in marked if not once)})"


def _head(into: Into) -> str:
    return f"INSERT INTO {into.table} ({', '.join(name for name, _ in into.columns)})"


@dataclass(slots=True)
class Pending:
    """What a transaction has still to write: writes in their order, and rows for append-only tables."""

    writes: list[Write] = field(default_factory=list)
    keys: set[tuple[str, str]] = field(default_factory=set)
    rows: dict[Into, list[tuple[Any, ...]]] = field(default_factory=dict)
    shared: set[Into] = field(default_factory=set)
    many: bool = False
    """Blocks whatever the number: table by table, each sees the rows of the one before."""

    def __bool__(self) -> bool:
        return bool(self.writes or self.rows)

    def add(self, write: Write) -> None:
        """One write more."""
        self.writes.append(write)
        self.keys.add(write.key)

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
        return key in self.keys

    def take(self, begun: bool = True) -> list[tuple[str, list[Any]] | Filled]:
        """Everything that waits, as few statements and as blocks; nothing waits any more. Where no transaction has begun each says who acts, too."""
        appended = ((into.table, *into.statement(rows)) for into, rows in self.rows.items())
        writes = self.writes + [Write(("", table), (sql,), values) for table, sql, values in appended]
        self.writes, self.keys, self.rows = [], set(), {}
        fewest = 1 if self.many else MOST_TOGETHER + 1
        if begun and len(writes) >= fewest:
            return [statement for adds, run in groupby(writes, _adds) for statement in _of_run(list(run), adds, fewest)]
        return [*_in_turn(writes, begun)]


def _adds(write: Write) -> bool:
    return write.rows is not None


def _of_run(writes: list[Write], adds: bool, fewest: int) -> list[tuple[str, list[Any]] | Filled]:
    return [_filled(writes)] if adds and len(writes) >= fewest else [*_in_turn(writes, True)]


def _in_turn(writes: Sequence[Write], begun: bool) -> list[tuple[str, list[Any]]]:
    return [_together(writes[n : n + MOST_TOGETHER], begun) for n in range(0, len(writes), MOST_TOGETHER)]


def _filled(writes: Sequence[Write]) -> Filled:
    """The rows of many writes, table by table."""
    found: Filled = {}
    for write in writes:
        for block, row in write.rows() if write.rows else ():
            found.setdefault(block, []).append(row)
    return found


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
