"""The order of a search, and what comes after a position in it (https://hl7.org/fhir/R4/search.html#sort)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from maillage.record import index
from maillage.record.criteria import Query
from maillage.record.values import BY_IDENTIFIER, TYPED


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of the order: an SQL expression, its direction, the SQL type of its values."""

    sql: str
    descending: bool = False
    type: str = "text"
    nullable: bool = True

    def ordered(self, sql: str = "") -> str:
        """As ORDER BY writes it, for this expression or its alias; nothing comes last."""
        return f"{sql or self.sql} {'DESC' if self.descending else 'ASC'}{' NULLS LAST' if self.nullable else ''}"


BY_ID = SortKey("t.id", nullable=False)


@lru_cache(maxsize=1024)
def sort_key(kind: str, key: str) -> SortKey | None:
    """The key that `_sort` names; None when the type has no such parameter, or none that sorts.

    Of several values, the one that comes first in the order counts.
    """
    descending = key.startswith("-")
    code = key.removeprefix("-").strip()
    if code == "_lastUpdated":
        return SortKey("t.at", descending, "timestamptz", nullable=False)
    if code == "_id":
        return SortKey("t.id", descending, nullable=False)
    parameter = index.parameter(kind, code)
    if parameter is None or parameter.kind in ("composite", "special"):
        return None
    pick = "max" if descending else "min"
    if parameter.kind == "string":
        of = f"s.res_type = '{kind}' AND s.param = '{code}' AND s.id = t.id"
        return SortKey(f"(SELECT {pick}(s.value) FROM ix_string s WHERE {of})", descending)
    if parameter.kind == "date":
        instant = index.date_shape(kind, code) == "instant"
        return SortKey(f"t.{index.column(kind, code, 'lo' if instant or not descending else 'hi')}", descending, "timestamptz")
    if parameter.kind in ("number", "quantity"):
        column = index.column(kind, code, "his" if descending else "los")
        return SortKey(f"(SELECT {pick}(x.x) FROM unnest(t.{column}) x)", descending, "numeric")
    if scalar := index.scalar_column(kind, code):
        return SortKey(f"t.{scalar}", descending)
    return SortKey(_of_texts(parameter, f"t.{index.first_column(kind, code)}", pick), descending)


def _of_texts(parameter: Any, column: str, pick: str) -> str:
    """The first or last of the texts that stand for a value, not for one of the ways to look it up."""
    only = {
        "token": f" WHERE strpos(x.x, '|') = 0 AND NOT starts_with(x.x, '{TYPED}')",
        "reference": f" WHERE NOT starts_with(x.x, '{BY_IDENTIFIER}')",
        "uri": "",
    }[parameter.kind]
    return f'(SELECT {pick}(x.x COLLATE "C") FROM unnest({column}) x{only})'


def after(keys: Sequence[SortKey], position: Sequence[Any], query: Query) -> str:
    """Rows that come after the position, in the order of the keys; nothing is last."""
    add = query.params.add
    if not any(key.nullable or key.descending for key in keys):
        marks = ", ".join(f"{add(value)}::{key.type}" for key, value in zip(keys, position, strict=True))
        return f"({', '.join(key.sql for key in keys)}) > ({marks})"
    options, before = [], ""
    for key, value in zip(keys, position, strict=True):
        marker = "NULL" if value is None else f"{add(value)}::{key.type}"
        if value is not None:
            further = f"{key.sql} {'<' if key.descending else '>'} {marker}"
            options.append(f"({before}({further}{f' OR {key.sql} IS NULL' if key.nullable else ''}))")
        before += f"{key.sql} IS NULL AND " if value is None else f"{key.sql} = {marker} AND "
    first, value = keys[0], position[0]
    if value is None:
        return f"{first.sql} IS NULL AND ({' OR '.join(options)})"
    if first.nullable:
        return f"({' OR '.join(options)})"
    return f"{first.sql} {'<=' if first.descending else '>='} {add(value)}::{first.type} AND ({' OR '.join(options)})"
