"""The search parameters of R4 as closures over JSON: no expression is interpreted at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import msgspec

from maillage.codes.folding import plain
from maillage.codes.r4.french import FRENCH, Row
from maillage.codes.r4.tables import FOLDER, DefinitionsMissing, resource_type_set
from maillage.codes.r4.values import GIVERS, Give, Value

Navigate = Callable[[dict[str, Any]], Iterable[Any]]
Branch = tuple[Navigate, Give, str]
_Component = tuple[str, list[tuple[list[Any], str, str]]]
PUBLISHED = "http://hl7.org/fhir/SearchParameter/"


class _Tables(msgspec.Struct):
    parameters: dict[str, list[tuple[str, str, list[str], list[tuple[list[Any], str, str]]]]]
    composites: dict[str, list[tuple[str, list[tuple[list[Any], _Component, _Component]]]]]
    repeating: dict[str, frozenset[str]]
    names: dict[str, dict[str, str]]
    compartments: dict[str, dict[str, tuple[str, ...]]]
    left_out: list[tuple[str, str, str]]


_Base = tuple[Navigate, tuple[Branch, ...], tuple[Branch, ...]]


def _given(branches: tuple[Branch, ...], item: dict[str, Any]) -> list[Value]:
    found: list[Value] = []
    for navigate, give, system in branches:
        for value in navigate(item):
            give(value, system, found)
    return found


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """One parameter of one type.

    `kind` is string, token, reference, date, number, quantity, uri, special or composite; no `targets` means any type; `repeats` when a
    resource may have several values; `components` are the kinds of the two parts of a composite.
    """

    code: str
    kind: str
    targets: tuple[str, ...]
    first_keys: frozenset[str]
    leaves: frozenset[str]
    _branches: tuple[Branch, ...] = field(repr=False, compare=False)
    _as_written: tuple[Branch, ...] = field(default=(), repr=False, compare=False)
    repeats: bool = False
    url: str = ""
    components: tuple[str, ...] = ()
    _bases: tuple[_Base, ...] = field(default=(), repr=False, compare=False)

    def pairs(self, resource: dict[str, Any]) -> list[tuple[Value, Value]]:
        """The values of a composite: of each element that it starts from, its first component with its second."""
        found: list[tuple[Value, Value]] = []
        for navigate, first, second in self._bases:
            for item in navigate(resource):
                if tails := _given(second, item):  # most often there is no value of this kind
                    found += [(head, tail) for head in _given(first, item) for tail in tails]
        return list(dict.fromkeys(found))

    def values(self, resource: dict[str, Any]) -> list[Value]:
        """What this resource answers to for the parameter, without repetition."""
        found: list[Value] = []
        for navigate, give, system in self._branches:
            for item in navigate(resource):
                give(item, system, found)
        return found if len(found) < 2 else list(dict.fromkeys(found))

    def texts(self, resource: dict[str, Any]) -> list[tuple[str, str]]:
        """Values of a string parameter, folded and as written, without repetition."""
        found: list[Any] = []
        for navigate, give, system in self._as_written:
            for item in navigate(resource):
                give(item, system, found)
        return list(dict.fromkeys((folded, text) for text in found if (folded := plain(text))))


@cache
def _tables() -> _Tables:
    try:
        return msgspec.msgpack.decode((FOLDER / "search.msgpack").read_bytes(), type=_Tables)
    except FileNotFoundError as error:
        raise DefinitionsMissing("the FHIR R4 tables are not there: run `make setup`") from error


@cache
def search_parameters(type_: str) -> tuple[SearchParameter, ...]:
    """The parameters of a resource type by alphabetical code, those of every type (`_id`, `_lastUpdated`...) first; KeyError when unknown."""
    tables = _tables()
    made = [_parameter("Resource", *row) for row in tables.parameters["Resource"] if type_ in resource_type_set()]
    made += [_parameter(type_, *row) for row in tables.parameters[type_]]
    made += [_composite(type_, *row) for row in tables.composites.get(type_, ())]
    known = {parameter.code for parameter in made}
    made += [_french(type_, row) for row in FRENCH.get(type_, ()) if row.code not in known]
    return tuple(sorted(made, key=lambda p: p.code))


def _french(type_: str, row: Row) -> SearchParameter:
    return replace(_parameter(type_, row.code, row.kind, list(row.targets), row.branches), repeats=row.repeats, url=row.url)


def _parameter(type_: str, code: str, kind: str, targets: list[str], branches: list[tuple[list[Any], str, str]]) -> SearchParameter:
    leaves = frozenset(leaf for _, leaf, _ in branches)
    as_written = _branches("text", branches) if kind == "string" else ()
    repeats = code in _tables().repeating.get(type_, ())
    given = _first_keys(branches), leaves, _branches(kind, branches), as_written
    return SearchParameter(code, kind, tuple(targets), *given, repeats, _url(type_, code))


def _composite(type_: str, code: str, bases: list[tuple[list[Any], _Component, _Component]]) -> SearchParameter:
    kinds = {(first[0], second[0]) for _, first, second in bases}
    if len(kinds) != 1:
        raise ValueError(f"{type_}.{code}: its bases have components of different kinds")
    made = tuple((_navigator(steps) if steps else _itself, _branches(*first), _branches(*second)) for steps, first, second in bases)
    starts = [[steps[0]] for steps, _, _ in bases if steps] + [s for base, first, _ in bases if not base for s, _, _ in first[1]]
    keys = frozenset(start[0] for start in starts)
    return SearchParameter(code, "composite", (), keys, frozenset(), (), (), True, _url(type_, code), kinds.pop(), made)


def _itself(resource: dict[str, Any]) -> Iterable[Any]:
    return (resource,)


def _url(type_: str, code: str) -> str:
    return PUBLISHED + _tables().names.get(type_, {}).get(code, f"{type_}-{code}")


@cache
def compartment(name: str) -> dict[str, tuple[str, ...]]:
    """Resource type -> the parameters that put its resources into a compartment (`Patient`, `Practitioner`...); KeyError when there is none."""
    return _tables().compartments[name]


def compartments() -> tuple[str, ...]:
    """The types that a compartment is about."""
    return tuple(_tables().compartments)


def left_out() -> tuple[tuple[str, str, str], ...]:
    """(type, code, why) of the parameters that are not compiled; type Resource or DomainResource means each of them."""
    return tuple(_tables().left_out)


def search_values(resource: dict[str, Any]) -> dict[str, list[Value]]:
    """Every parameter that this resource has a value for."""
    asked: dict[str, SearchParameter] = {}
    by_key = _by_key(resource["resourceType"])
    for key in ("", *resource):
        for parameter in by_key.get(key, ()):
            asked[parameter.code] = parameter
    return {code: values for code, parameter in asked.items() if (values := parameter.values(resource))}


@cache
def _by_key(type_: str) -> dict[str, tuple[SearchParameter, ...]]:
    """Top-level JSON key -> the parameters that start there; "" has those that answer even when nothing is there."""
    found: dict[str, tuple[SearchParameter, ...]] = {}
    for parameter in search_parameters(type_):
        for key in parameter.first_keys:
            found[key] = (*found.get(key, ()), parameter)
    return found


def _first_keys(branches: list[tuple[list[Any], str, str]]) -> frozenset[str]:
    return frozenset(steps[0] if isinstance(steps[0], str) else "" for steps, _, _ in branches)


def _branches(kind: str, branches: list[tuple[list[Any], str, str]]) -> tuple[Branch, ...]:
    return tuple(_branch(kind, steps, leaf, system) for steps, leaf, system in branches)


def _branch(kind: str, steps: list[Any], leaf: str, system: str) -> Branch:
    """`where(resolve() is Patient)` stands last, on references: the type is known once the reference is taken apart."""
    give = GIVERS[kind][leaf]
    if isinstance(steps[-1], list) and steps[-1][0] == "resolve":
        return _navigator(steps[:-1]), _only(steps[-1][1], give), system
    return _navigator(steps), give, system


def _only(type_: str, give: Give) -> Give:
    def only(value: Any, system: str, found: list[Any]) -> None:
        given: list[Any] = []
        give(value, system, given)
        found += [ref for ref in given if ref.type == type_]

    return only


def _navigator(steps: list[Any]) -> Navigate:
    if len(steps) == 1 and isinstance(steps[0], str):
        return _one_key(steps[0])
    moves = [_one_key_each(step) if isinstance(step, str) else _OTHERS[step[0]](step[1:]) for step in _joined(steps)]

    def navigate(resource: dict[str, Any]) -> Iterable[Any]:
        here: list[Any] = [resource]
        for move in moves:
            here = move(here, resource)
            if not here:
                break
        return here

    return navigate


def _joined(steps: list[Any]) -> list[Any]:
    """A bare `first` after a key is a step of its own."""
    return [["first"] if step == "first" else step for step in steps]


def _one_key(key: str) -> Navigate:
    def navigate(resource: dict[str, Any]) -> Iterable[Any]:
        value = resource.get(key)
        if value is None:
            return ()
        return value if type(value) is list else (value,)

    return navigate


Move = Callable[[list[Any], dict[str, Any]], list[Any]]


def _one_key_each(key: str) -> Move:
    def move(here: list[Any], _root: dict[str, Any]) -> list[Any]:
        found: list[Any] = []
        for item in here:
            value = item.get(key) if type(item) is dict else None
            if type(value) is list:
                found += value
            elif value is not None:
                found.append(value)
        return found

    return move


def _where(arguments: list[str]) -> Move:
    key, wanted = arguments
    return lambda here, _root: [item for item in here if type(item) is dict and item.get(key) == wanted]


def _first(_arguments: list[str]) -> Move:
    return lambda here, _root: here[:1]


def _true(keys: list[str]) -> Move:
    """`x.exists() and x != false`: always one answer, true or false."""

    def move(_here: list[Any], root: dict[str, Any]) -> list[Any]:
        return [any(root.get(key, False) is not False for key in keys)]

    return move


_OTHERS: dict[str, Callable[[list[str]], Move]] = {"where": _where, "first": _first, "true": _true}
