"""The compiled R4 definitions: elements of each resource and datatype, value sets, names of invariants.

The tables are made at set-up by tools/vendor.py; each type is read from them when it is first needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

FOLDER: Final = Path(__file__).resolve().parents[2] / "_vendor" / "r4"


class _Tables(msgspec.Struct):
    version: str
    resources: list[str]
    nodes: dict[str, msgspec.Raw]
    invariants: dict[str, list[tuple[str, str]]]
    bindings: dict[str, dict[str, frozenset[str]]]
    not_expanded: list[str]


class _Node(msgspec.Struct):
    base: str
    rows: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Element:
    """One element as published: `types` are datatypes, primitives or node paths; `maximum` 0 means many."""

    name: str
    minimum: int
    maximum: int
    types: tuple[str, ...]
    targets: frozenset[str] = frozenset()
    summary: bool = False
    modifier: bool = False
    value_set: str = ""
    system: str = ""

    @property
    def is_choice(self) -> bool:
        """True for `value[x]`."""
        return self.name.endswith("[x]")

    def json_keys(self) -> tuple[tuple[str, str], ...]:
        """JSON keys with their type: one, or one per type of a choice."""
        if not self.is_choice:
            return ((self.name, self.types[0]),)
        stem = self.name[:-3]
        return tuple((stem + t[0].upper() + t[1:], t) for t in self.types)


@dataclass(frozen=True, slots=True)
class Structure:
    """A resource, a datatype or a nested part (`Patient.contact`), with every element, inherited ones included."""

    name: str
    elements: tuple[Element, ...]

    def element(self, name: str) -> Element | None:
        """The element of that name (`value[x]` for a choice)."""
        return next((e for e in self.elements if e.name == name), None)


class DefinitionsMissing(RuntimeError):
    """The set-up that brings the definitions was not run."""


@cache
def _tables() -> _Tables:
    path = FOLDER / "structures.msgpack"
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=_Tables)
    except FileNotFoundError as error:
        raise DefinitionsMissing("the FHIR R4 tables are not there: run `make setup`") from error


@cache
def resource_types() -> tuple[str, ...]:
    """The 146 resource types of R4, in alphabetical order."""
    return tuple(sorted(_tables().resources))


@cache
def resource_type_set() -> frozenset[str]:
    """The same, for membership."""
    return frozenset(_tables().resources)


def version() -> str:
    """The FHIR version of the tables."""
    return _tables().version


def not_expanded() -> tuple[str, ...]:
    """Required value sets whose codes the definitions do not hold: checked by form only, or not at all."""
    return tuple(_tables().not_expanded)


def invariants_of(path: str) -> list[tuple[str, str]]:
    """Key and sentence of the error-level invariants published at a path."""
    return _tables().invariants.get(path, [])


def invariant_paths() -> tuple[str, ...]:
    """Every path with an error-level invariant."""
    return tuple(_tables().invariants)


def codes_of(value_set: str) -> dict[str, frozenset[str]]:
    """Code system -> codes of a required value set; empty when it is not expanded."""
    return _tables().bindings.get(value_set, {})


@cache
def structure(name: str) -> Structure:
    """The structure of a resource type, a datatype, or a path inside one; KeyError when there is none."""
    raw = msgspec.msgpack.decode(_tables().nodes[name], type=_Node)
    inherited = structure(raw.base).elements if raw.base else ()
    own = tuple(_element(row) for row in raw.rows)
    names = {element.name for element in own}
    return Structure(name, (*(element for element in inherited if element.name not in names), *own))


def _element(row: list[Any]) -> Element:
    name, minimum, maximum, types = row[:4]
    flags = row[4] if len(row) > 4 else 0
    value_set, system = [*row[5:], "", ""][:2]
    targets = frozenset(t for text in types if text.startswith("Reference:") for t in text[10:].split(","))
    bare = tuple(text.partition(":")[0].removeprefix("@") for text in types)
    return Element(name, minimum, maximum, bare, targets, bool(flags & 1), bool(flags & 2), value_set, system)
