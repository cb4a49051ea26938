"""A resource in the search index: its row in the table of its type, its strings, its version and where it stands, written together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from maillage.codes.json import encode
from maillage.record import index
from maillage.record import values as shapes
from maillage.store import Block, Rows, Transaction


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
    return Block(index.table(kind), (*index.BASE, *(column.name for column in index.columns(kind))))


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
        f"WITH gone AS (DELETE FROM ix_string WHERE res_type = $2 AND id = $1) DELETE FROM {index.table(kind)} WHERE id = $1", id, kind
    )


@cache
def _parts(kind: str, first: bool, strings: bool) -> tuple[str, ...]:
    names = [*index.BASE, *(column.name for column in index.columns(kind))]
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
        f"INSERT INTO {index.table(kind)} ({', '.join(names)}) VALUES ({marks})" + _unless(first, f"(id) DO UPDATE SET {update}"),
    ]
    if not first and any(p.kind == "string" or index.is_identifier(p) for p in index.parameters(kind).values()):
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
    for place, column in enumerate(index.columns(kind)):
        places.setdefault(column.parameter.code, []).append((place, column.part))
    return tuple(
        _step(kind, p, p.first_keys if "" not in p.first_keys else frozenset(), tuple(places.get(code, ())))
        for code, p in index.parameters(kind).items()
    )


def _step(kind: str, parameter: Any, keys: frozenset[str], places: tuple[tuple[int, str], ...]) -> _Step:
    again = keys and parameter.kind in _REPEATED and not index.is_identifier(parameter)
    remembered = f"{kind}.{parameter.code}" if again else ""
    return _Step(parameter, keys, places, _has_strings(parameter), index.has_texts(parameter), remembered)


@lru_cache(maxsize=2048)
def _steps_of(kind: str, present: frozenset[str]) -> tuple[_Step, ...]:
    """Those that may find something in a resource with these keys: most resources of a type have the same ones."""
    return tuple(step for step in _steps(kind) if not step.keys or not step.keys.isdisjoint(present))


def _has_strings(parameter: Any) -> bool:
    return parameter.kind == "string" or index.is_identifier(parameter)


def _indexed(kind: str, resource: dict[str, Any]) -> tuple[list[str] | None, list[Any], tuple[list[str], list[str], list[str]]]:
    """The texts of a resource, its column values in the order of `columns`, and its strings: parameter, value, as written."""
    row: list[Any] = [None] * len(index.columns(kind))
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
