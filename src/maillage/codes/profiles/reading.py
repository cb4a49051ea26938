"""Read a resource element by element: values with the extensions beside them, choices with their type."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from maillage.codes.aliases import canonical
from maillage.codes.r4 import primitives


class Val(NamedTuple):
    """One value: `beside` holds the id and extensions of a primitive, `type` is known for choices only."""

    value: Any
    beside: dict[str, Any] | None
    type: str
    path: str

    @property
    def owner(self) -> dict[str, Any]:
        """Where its parts are looked up."""
        return self.value if type(self.value) is dict else self.beside or {}


def values(owner: dict[str, Any], name: str, path: str) -> list[Val]:
    """The values of an element, a choice under each of its keys."""
    if name.endswith("[x]"):
        return [val for key, segment, type_ in _chosen(owner, name[:-3]) for val in _under(owner, key, f"{path}.{segment}", type_)]
    return list(_under(owner, name, f"{path}.{name}", ""))


def _chosen(owner: dict[str, Any], stem: str) -> Iterator[tuple[str, str, str]]:
    size = len(stem)
    for key in dict.fromkeys(key.removeprefix("_") for key in owner):
        if key.startswith(stem) and key[size : size + 1].isupper():
            type_ = type_of_key(key[size:])
            yield key, f"{stem}.ofType({type_})", type_


def type_of_key(suffix: str) -> str:
    """`Quantity` or `dateTime`, as the end of `valueQuantity` or `valueDateTime` says."""
    lower = suffix[0].lower() + suffix[1:]
    return lower if lower in primitives.CHECKS else suffix


def _under(owner: dict[str, Any], key: str, path: str, type_: str) -> Iterator[Val]:
    value, beside = owner.get(key), owner.get("_" + key)
    if type(value) is list or type(beside) is list:
        listed = value if type(value) is list else []
        others = beside if type(beside) is list else []
        for index in range(max(len(listed), len(others))):
            item = listed[index] if index < len(listed) else None
            yield Val(item, others[index] if index < len(others) else None, type_, f"{path}[{index}]")
    elif value is not None or beside is not None:
        yield Val(value, beside, type_, path)


def same(expected: Any, found: Any) -> bool:
    """A fixed value: nothing more, nothing less; URLs are compared without version and through their aliases."""
    if type(expected) is dict:
        return type(found) is dict and expected.keys() == found.keys() and all(same(expected[key], found[key]) for key in expected)
    if type(expected) is list:
        return type(found) is list and len(expected) == len(found) and all(map(same, expected, found))
    return _equal(expected, found)


def fits(pattern: Any, found: Any) -> bool:
    """A pattern: what it says must be there, more may be."""
    if type(pattern) is dict:
        return type(found) is dict and all(key in found and fits(value, found[key]) for key, value in pattern.items())
    if type(pattern) is list:
        return type(found) is list and all(any(fits(item, one) for one in found) for item in pattern)
    return _equal(pattern, found)


def _equal(expected: Any, found: Any) -> bool:
    if type(expected) is str and type(found) is str:
        return expected == found or (":" in expected and canonical(expected) == canonical(found))
    numbers = (int, float, Decimal)
    if isinstance(expected, numbers) and isinstance(found, numbers) and type(expected) is not bool:
        return Decimal(str(expected)) == Decimal(str(found))
    return type(expected) is type(found) and bool(expected == found)
