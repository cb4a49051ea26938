"""The search index: one narrow table per resource type, one typed column per search parameter (stack.md).

`python -m maillage.record.index` writes `index.sql` from the published search parameters; a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from maillage.codes import r4
from maillage.codes.json import encode
from maillage.record import values as shapes
from maillage.record.types import SERVED
from maillage.store import Block, Rows, Transaction

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


# --- rows --------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a resource in its photograph: version, instant, text, author, and who may see it."""

    version: int
    at: datetime
    content: str
    author: str
    author_organization: str
    patient: str | None
    owner: str | None
    parties: Sequence[str]


async def put(tx: Transaction, resource: dict[str, Any], frame: Frame, *, first: bool = False) -> None:
    """Write a version, where the resource stands now, its index row and its strings, with the next statement; `first`: nothing is there before."""
    kind = resource["resourceType"]
    texts, row, strings = _indexed(kind, resource)
    base = [resource["id"], frame.version, frame.at, frame.patient, frame.owner, list(frame.parties), shapes.meta_texts(resource), texts]
    told = [frame.content, frame.author, frame.author_organization]
    values = [*base, *row, *told, *(strings if strings[0] else ())]
    alone = _rows(kind, base, row, told, strings) if first else None
    await tx.write((kind, resource["id"]), _parts(kind, first, bool(strings[0])), values, rows=alone)


_SEEN_BY = ("patient_id", "owner_org", "parties")
_VERSIONS = Block("resource_version", ("res_type", "id", "version", "at", "deleted", "content", "author", "author_organization", *_SEEN_BY))
_HEADS = Block("resource_head", ("res_type", "id", "version", "at", "deleted", *_SEEN_BY, "masked_readers"))
_STRINGS = Block("ix_string", ("res_type", "id", *_SEEN_BY, "param", "value", "original"))


@cache
def _block(kind: str) -> Block:
    return Block(table(kind), (*BASE, *(column.name for column in columns(kind))))


def _rows(kind: str, base: list[Any], row: list[Any], told: list[Any], strings: tuple[list[str], list[str], list[str]]) -> Rows:
    """The rows of a first version, as `_parts` inserts them."""

    def made() -> Iterator[tuple[Block, tuple[Any, ...]]]:
        id, version, at, *seen_by = base[:6]
        yield _VERSIONS, (kind, id, version, at, False, *told, *seen_by)
        yield _HEADS, (kind, id, version, at, False, *seen_by, ())
        yield _block(kind), (*base, *row)
        for one in zip(*strings, strict=True):
            yield _STRINGS, (kind, id, *seen_by, *one)

    return made


async def remove(tx: Transaction, kind: str, id: str) -> None:
    """Take a deleted resource out of the index."""
    await tx.execute(
        f"WITH gone AS (DELETE FROM ix_string WHERE res_type = $2 AND id = $1) DELETE FROM {table(kind)} WHERE id = $1", id, kind
    )


@cache
def _parts(kind: str, first: bool, strings: bool) -> tuple[str, ...]:
    names = [*BASE, *(column.name for column in columns(kind))]
    marks = ", ".join(f"${n}" for n in range(1, len(names) + 1))
    text = len(names) + 1
    update = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    parts = [
        f"""INSERT INTO resource_version
            (res_type, id, version, at, content, author, author_organization, patient_id, owner_org, parties)
        VALUES ('{kind}', $1, $2, $3, ${text}, ${text + 1}, ${text + 2}, $4, $5, $6)""",
        f"""INSERT INTO resource_head (res_type, id, version, at, deleted, patient_id, owner_org, parties)
        VALUES ('{kind}', $1, $2, $3, false, $4, $5, $6)"""
        + _unless(
            first,
            """(res_type, id) DO UPDATE SET version = excluded.version, at = excluded.at, deleted = false,
            patient_id = excluded.patient_id, owner_org = excluded.owner_org, parties = excluded.parties""",
        ),
        f"INSERT INTO {table(kind)} ({', '.join(names)}) VALUES ({marks})" + _unless(first, f"(id) DO UPDATE SET {update}"),
    ]
    if not first and any(p.kind == "string" or is_identifier(p) for p in parameters(kind).values()):
        parts.append(f"DELETE FROM ix_string WHERE res_type = '{kind}' AND id = $1")
    if strings:
        parts.append(f"""INSERT INTO ix_string (res_type, id, patient_id, owner_org, parties, param, value, original)
        SELECT '{kind}', $1, $4, $5, $6, x.* FROM unnest(${text + 3}::text[], ${text + 4}::text[], ${text + 5}::text[]) AS x""")
    return tuple(parts)


def _unless(first: bool, target: str) -> str:
    return "" if first else f" ON CONFLICT {target}"


@dataclass(frozen=True, slots=True)
class _Told:
    """What a resource says for one parameter: values by the place of their column, texts, strings."""

    placed: tuple[tuple[int, Any], ...] = ()
    texts: tuple[str, ...] = ()
    strings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    """One parameter of a type: what it goes into. `keys`: it has a value only when one of these is there; none means always look."""

    parameter: Any
    keys: frozenset[str]
    places: tuple[tuple[int, str], ...]
    strings: bool
    texts: bool
    remembered: str

    def of(self, resource: dict[str, Any], part: Callable[[str], bytes]) -> _Told:
        """What a resource says. Codes and references come again and again: those of elements that were seen lately are known."""
        if not self.remembered:
            return self._look(resource)
        seen = b"\n".join([part(key) for key in self.keys])
        if len(seen) > LONGEST_SEEN:
            return self._look(resource)
        told = _known.get((self.remembered, seen))
        if told is None:
            if len(_known) >= REMEMBERED:
                _known.clear()
            told = _known[self.remembered, seen] = self._look(resource)
        return told

    def _look(self, resource: dict[str, Any]) -> _Told:
        if not (found := shapes.found(self.parameter, resource)):
            return _NOTHING
        made = shapes.parts(self.parameter, found) if self.places else {}
        placed = tuple((place, made.get(part)) for place, part in self.places)
        texts = tuple(shapes.displays(self.parameter, found)) if self.texts else ()
        return _Told(placed, texts, tuple(shapes.strings(self.parameter, found)) if self.strings else ())


_NOTHING = _Told()
REMEMBERED, LONGEST_SEEN = 8000, 500
"""How many elements are known with what they say for a parameter, and how many bytes such an element has at most: some ten megabytes in all."""
_REPEATED = frozenset({"token", "reference"})
_known: dict[tuple[str, bytes], _Told] = {}


@cache
def _steps(kind: str) -> tuple[_Step, ...]:
    places: dict[str, list[tuple[int, str]]] = {}
    for place, column in enumerate(columns(kind)):
        places.setdefault(column.parameter.code, []).append((place, column.part))
    return tuple(
        _step(kind, p, p.first_keys if "" not in p.first_keys else frozenset(), tuple(places.get(code, ())))
        for code, p in parameters(kind).items()
    )


def _step(kind: str, parameter: Any, keys: frozenset[str], places: tuple[tuple[int, str], ...]) -> _Step:
    again = keys and parameter.kind in _REPEATED and not is_identifier(parameter)
    remembered = f"{kind}.{parameter.code}" if again else ""
    return _Step(parameter, keys, places, _has_strings(parameter), has_texts(parameter), remembered)


@lru_cache(maxsize=2048)
def _steps_of(kind: str, present: frozenset[str]) -> tuple[_Step, ...]:
    """Those that may find something in a resource with these keys: most resources of a type have the same ones."""
    return tuple(step for step in _steps(kind) if not step.keys or not step.keys.isdisjoint(present))


def _has_strings(parameter: Any) -> bool:
    return parameter.kind == "string" or is_identifier(parameter)


def _indexed(kind: str, resource: dict[str, Any]) -> tuple[list[str] | None, list[Any], tuple[list[str], list[str], list[str]]]:
    """The texts of a resource, its column values in the order of `columns`, and its strings: parameter, value, as written."""
    row: list[Any] = [None] * len(columns(kind))
    texts: list[str] = []
    strings: tuple[list[str], list[str], list[str]] = ([], [], [])
    part = cache(lambda key: encode(resource.get(key)))
    for step in _steps_of(kind, frozenset(resource)):
        told = step.of(resource, part)
        for place, value in told.placed:
            row[place] = value
        texts += told.texts
        for value, original in told.strings:
            for rows, one in zip(strings, (step.parameter.code, value, original), strict=True):
                rows.append(one)
    return texts or None, row, strings


SQL_FILE = Path(__file__).with_name("index.sql")
WALLS_FILE = Path(__file__).with_name("index_walls.sql")

if __name__ == "__main__":
    SQL_FILE.write_text(ddl(), encoding="utf-8")
    WALLS_FILE.write_text(walls(), encoding="utf-8")
