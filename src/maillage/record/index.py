"""The search index: one narrow table per resource type, one typed column per search parameter (stack.md).

`python -m maillage.record.index` writes `index.sql` from the published search parameters; a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from maillage.codes import r4
from maillage.record.types import SERVED

SCALARS: dict[str, tuple[str, ...]] = {"Task": ("owner", "status"), "Slot": ("schedule", "status")}
"""Parameters of one value that drive worklists: beside their array they have a plain column, so that one index serves filter and order."""

WORKLISTS: dict[str, tuple[str, ...]] = {
    "Task": ("s_owner, s_status, at DESC, id", "s_owner, at DESC, id"),
    "Slot": ("s_schedule, s_status, p_start", "s_status, p_start"),
}
MOST_TARGETS = 30
WITH_TEXT = frozenset({"CodeableConcept", "Coding", "Identifier"})
BASE = ("id", "version", "at", "patient_id", "owner_org", "parties", "meta", "texts")
COMPOSITES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "quantity": (("lo", "numeric[]", "los"), ("hi", "numeric[]", "his"), ("units", "text[]", "units")),
    "date": (("lo", "timestamptz[]", "los"), ("hi", "timestamptz[]", "his")),
    "string": (("words", "text[]", "words"),),
}
"""Kind of the second component -> the columns beside the first one: end of the name, SQL type, part."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an index table, and what of the parameter's values goes into it."""

    name: str
    sql_type: str
    part: str
    parameter: Any


def table(kind: str) -> str:
    """The index table of a resource type."""
    return f"ix_{kind.lower()}"


@cache
def parameters(kind: str) -> dict[str, Any]:
    """The search parameters of a served type that are indexed, by code."""
    return {p.code: p for p in r4.search_parameters(kind) if not p.code.startswith("_")}


def parameter(kind: str, code: str) -> Any | None:
    """One search parameter of a served type, or None."""
    return parameters(kind).get(code)


@cache
def targets(parameter: Any) -> tuple[str, ...]:
    """The served types that a reference parameter may lead to."""
    return tuple(kind for kind in SERVED if not parameter.targets or kind in parameter.targets)


@cache
def named_types(parameter: Any) -> tuple[str, ...]:
    """The types that a bare id may be of, served here or not; the served ones where any type may stand."""
    few = 0 < len(parameter.targets) <= MOST_TARGETS
    return tuple(parameter.targets) if few else targets(parameter)


@cache
def reference_codes(kind: str) -> tuple[str, ...]:
    """The reference parameters of a served type."""
    return tuple(code for code, p in parameters(kind).items() if p.kind == "reference")


def is_identifier(parameter: Any) -> bool:
    """Whether a token parameter looks identifiers up: one by one in `ix_string`."""
    return parameter.kind == "token" and "Identifier" in parameter.leaves


def has_texts(parameter: Any) -> bool:
    """Whether the values of a token parameter come with a text that `:text` looks in."""
    return parameter.kind == "token" and not WITH_TEXT.isdisjoint(parameter.leaves)


@cache
def first_column(kind: str, code: str) -> str:
    """The column that tells whether a parameter has a value, and that holds it or its lower bound."""
    return next(column.name for column in columns(kind) if column.parameter.code == code and column.part != "scalar")


@cache
def column(kind: str, code: str, part: str) -> str:
    """The column of one part of a parameter."""
    return next(column.name for column in columns(kind) if column.parameter.code == code and column.part == part)


def scalar_column(kind: str, code: str) -> str | None:
    """The plain column of a parameter that drives a worklist, or None."""
    return "s_" + _word(code) if code in SCALARS.get(kind, ()) else None


@cache
def date_shape(kind: str, code: str) -> str:
    """`instant`: one column; `narrow`: bounds at most a year apart; `wide`: any bounds; `many`: several values, each with its bounds."""
    found = parameters(kind)[code]
    if found.repeats:
        return "many"
    if found.leaves <= {"instant"}:
        return "instant"
    return "narrow" if found.leaves <= {"instant", "date", "dateTime"} else "wide"


@cache
def columns(kind: str) -> tuple[Column, ...]:
    """The columns of a type; strings have none, they live in `ix_string`."""
    made: list[Column] = []
    for found in parameters(kind).values():
        made += [Column(name, sql_type, part, found) for name, sql_type, part in _columns(kind, found, "p_" + _word(found.code))]
        if found.code in SCALARS.get(kind, ()):
            made.append(Column("s_" + _word(found.code), "text", "scalar", found))
    return tuple(made)


def _columns(kind: str, found: Any, name: str) -> list[tuple[str, str, str]]:
    """Name, SQL type and part of the columns of a parameter."""
    if found.kind == "string":
        return []
    if found.kind == "date":
        shape = date_shape(kind, found.code)
        if shape == "instant":
            return [(name, "timestamptz", "lo")]
        bounds = [(f"{name}_lo", "timestamptz", "lo"), (f"{name}_hi", "timestamptz", "hi")]
        each = [(f"{name}_los", "timestamptz[]", "los"), (f"{name}_his", "timestamptz[]", "his")]
        return [*bounds, *(each if shape == "many" else ())]
    if found.kind in ("number", "quantity"):
        return [(f"{name}_{end}", sql_type, part) for end, sql_type, part in COMPOSITES["quantity"]]
    if found.kind == "special":
        return [(f"{name}_{part}", "double precision", part) for part in ("latitude", "longitude")]
    if found.kind == "composite" and found.components[1] in COMPOSITES:
        beside = [(f"{name}_{end}", sql_type, part) for end, sql_type, part in COMPOSITES[found.components[1]]]
        return [(f"{name}_first", "text[]", "firsts"), *beside]
    return [(name, "text[]", "texts")]


def _word(code: str) -> str:
    return code.replace("-", "_").lower()


# --- tables ----------------------------------------------------------------------
HEAD = """-- Generated by `python -m maillage.record.index` from the published search parameters: change nothing here.

-- Every value of a string parameter: folded for comparison, as written for :exact. Ranges over `value` serve prefixes. And every identifier: its
-- normal form, its system beside it. A plain index has better estimates than an array, and a plan that may be kept.
CREATE TABLE ix_string (
    res_type text NOT NULL,
    id text NOT NULL,
    patient_id text,
    owner_org text,
    parties text[] NOT NULL,
    param text NOT NULL,
    value text COLLATE "C" NOT NULL,
    original text NOT NULL
);
CREATE INDEX ix_string_value ON ix_string (res_type, param, value, id);
CREATE INDEX ix_string_id ON ix_string (res_type, id, param);
"""


def ddl() -> str:
    """The index tables of every served type, in alphabetical order."""
    return "\n".join([HEAD, *(_table_ddl(kind) for kind in SERVED)])


def _table_ddl(kind: str) -> str:
    name = table(kind)
    lines = [
        "    id text PRIMARY KEY",
        "    version integer NOT NULL",
        "    at timestamptz NOT NULL",
        "    patient_id text",
        "    owner_org text",
        "    parties text[] NOT NULL DEFAULT '{}'",
        "    meta text[]",
        "    texts text[]",
        *(f"    {column.name} {column.sql_type}" for column in columns(kind)),
    ]
    parts = [f"CREATE TABLE {name} (\n" + ",\n".join(lines) + "\n);", f"CREATE INDEX {name}_at ON {name} (at DESC, id);"]
    parts.append(f"CREATE INDEX {name}_patient ON {name} (patient_id, at DESC) WHERE patient_id IS NOT NULL;")
    parts.append(f"CREATE INDEX {name}_meta ON {name} USING gin (meta) WITH (fastupdate = off) WHERE meta IS NOT NULL;")
    for column in columns(kind):
        if column.part == "firsts" or (column.part == "texts" and not is_identifier(column.parameter)):
            parts.append(
                f"CREATE INDEX {name}_{column.name} ON {name} USING gin ({column.name}) WITH (fastupdate = off) WHERE {column.name} IS NOT NULL;"
            )
        elif column.part in ("lo", "latitude"):
            parts.append(f"CREATE INDEX {name}_{column.name} ON {name} ({column.name}) WHERE {column.name} IS NOT NULL;")
    parts += [f"CREATE INDEX {name}_worklist_{n} ON {name} ({keys});" for n, keys in enumerate(WORKLISTS.get(kind, ()), start=1)]
    return "\n".join(parts) + "\n"


WALLS = "-- Generated by `python -m maillage.record.index` from the published search parameters: change nothing here.\n\n"


def walls() -> str:
    """Who sees which rows of the index tables: `access/schema.sql` says by which rule for each type."""
    return WALLS + "".join(f"CALL put_index_wall('{table(kind)}', '{kind}');\n" for kind in SERVED)


SQL_FILE = Path(__file__).with_name("index.sql")
WALLS_FILE = Path(__file__).with_name("index_walls.sql")

if __name__ == "__main__":
    SQL_FILE.write_text(ddl(), encoding="utf-8")
    WALLS_FILE.write_text(walls(), encoding="utf-8")
