"""Read a JSON object that may have any shape: invariants run even when other faults were found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

Resource = dict[str, Any]
Test = Callable[[Resource], bool]
Place = tuple[str, int]
Places = Callable[[Resource], Iterable[Place]]

UCUM: Final = "http://unitsofmeasure.org"


def has(value: Resource, *names: str) -> bool:
    """One of the elements is there, by its value or by an extension in its place."""
    return any(name in value or "_" + name in value for name in names)


def has_choice(value: Resource, stem: str) -> bool:
    """`value[x]` is there, with whichever type."""
    size = len(stem)
    return any((k := key.removeprefix("_")).startswith(stem) and k[size : size + 1].isupper() for key in value)


def objects(value: Resource, name: str) -> list[Resource]:
    """The objects of a list; whatever is no object is passed over."""
    items = value.get(name)
    return [item for item in items if type(item) is dict] if type(items) is list else []


def part(value: Resource, name: str) -> Resource:
    """The object of that name, or an empty one."""
    item = value.get(name)
    return item if type(item) is dict else {}


def text(value: Resource, name: str) -> str:
    """The text of that name, or an empty one."""
    item = value.get(name)
    return item if type(item) is str else ""


def number(value: Resource, name: str) -> Decimal | int | None:
    """The number of that name, if it is one that can be compared."""
    item = value.get(name)
    if type(item) is int:
        return item
    if type(item) is float:
        item = Decimal(repr(item))
    return item if type(item) is Decimal and item.is_finite() else None


def count(value: Resource, name: str) -> int:
    """How many items a list holds."""
    items = value.get(name)
    return len(items) if type(items) is list else 0


def codings(value: Resource, name: str) -> set[tuple[str, str]]:
    """(system, code) of a CodeableConcept."""
    return {(text(c, "system"), text(c, "code")) for c in objects(part(value, name), "coding")}
