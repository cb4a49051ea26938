"""Which codes a value set holds: the whole list, or the answer for one code even where the list cannot be made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from maillage.codes.aliases import canonical
from maillage.codes.terminology.systems import CodeSystem, Concept

MOST: Final = 50_000
"""No list is longer: a larger one is said to be too costly."""

DEEPEST: Final = 20
Key = tuple[str, str]
"""(code system, code)."""


class CannotExpand(Exception):
    """The list is not known here: a code system that is not held, a filter that is not understood, or too many codes."""


class Library(Protocol):
    """Where code systems and value sets are found; `Terminology` is one."""

    def system(self, url: str) -> CodeSystem | None:
        """A code system by URL."""
        ...

    def value_set(self, url: str) -> dict[str, Any] | None:
        """A value set by URL."""
        ...

    def published_expansion(self, url: str) -> Expansion | None:
        """A list that came with a package."""
        ...


@dataclass(frozen=True, slots=True)
class Expansion:
    """The codes of a value set with their concept; `complete` is false for a published list that was cut."""

    codes: dict[Key, Concept] = field(default_factory=dict)
    complete: bool = True


def read_expansion(resource: dict[str, Any]) -> Expansion:
    """The `expansion` of a ValueSet resource."""
    published = resource["expansion"]
    codes: dict[Key, Concept] = {}
    todo = list(reversed(published.get("contains", [])))
    while todo:
        one = todo.pop()
        if "code" in one and not one.get("abstract"):
            named = tuple((d.get("language", ""), d["value"]) for d in one.get("designation", []) if "value" in d)
            codes[canonical(one.get("system", "")), one["code"]] = Concept(one["code"], one.get("display", ""), designations=named)
        todo += reversed(one.get("contains", []))
    total = published.get("total")
    cut = type(total) is int and total > len(codes)
    costly = any(e.get("url", "").endswith("valueset-toocostly") for e in published.get("extension", []))
    return Expansion(codes, complete=not (cut or costly))


def expand(library: Library, resource: dict[str, Any], depth: int = 0) -> Expansion:
    """Every code of a ValueSet resource, in the order of its parts. Raises `CannotExpand`."""
    if depth > DEEPEST:
        raise CannotExpand("value sets that include each other")
    if "compose" not in resource:
        if "expansion" in resource:
            return read_expansion(resource)
        raise CannotExpand(resource.get("url", "a value set without content"))
    found: dict[Key, Concept] = {}
    for part in resource["compose"].get("include", []):
        found |= _part(library, part, depth)
        if len(found) > MOST:
            raise CannotExpand("too many codes")
    for part in resource["compose"].get("exclude", []):
        for key in _part(library, part, depth):
            found.pop(key, None)
    if resource["compose"].get("inactive") is False:
        found = {key: concept for key, concept in found.items() if not concept.inactive}
    return Expansion(found)


def _named(library: Library, url: str, depth: int) -> Expansion:
    published = library.published_expansion(url)
    if published is not None and published.complete:
        return published
    resource = library.value_set(url)
    if resource is None:
        raise CannotExpand(url)
    return expand(library, resource, depth + 1)


def _part(library: Library, part: dict[str, Any], depth: int) -> dict[Key, Concept]:
    found: dict[Key, Concept] | None = None
    if "system" in part:
        url = canonical(part["system"])
        found = {(url, concept.code): concept for concept in _concepts(library, part, url)}
    for named in part.get("valueSet", []):
        other = _named(library, named, depth).codes
        found = other if found is None else {key: concept for key, concept in found.items() if key in other}
    if found is None:
        raise CannotExpand("an include without system nor value set")
    return found


def _concepts(library: Library, part: dict[str, Any], url: str) -> Iterable[Concept]:
    system = library.system(url)
    if "concept" in part:
        return [_listed(one, system) for one in part["concept"]]
    if system is None or not system.complete or not system.concepts:
        raise CannotExpand(url)
    kept: Iterable[Concept] = system.concepts.values()
    for rule in part.get("filter", []):
        kept = [concept for concept in kept if _passes(system, concept, rule)]
    return kept


def _listed(one: dict[str, Any], system: CodeSystem | None) -> Concept:
    known = system.concepts.get(one["code"]) if system else None
    if known and "display" not in one:
        return known
    named = tuple((d.get("language", ""), d["value"]) for d in one.get("designation", []) if "value" in d)
    return Concept(
        one["code"], one.get("display", ""), known.definition if known else "", (), named or (known.designations if known else ())
    )


def _passes(system: CodeSystem, concept: Concept, rule: dict[str, Any]) -> bool:
    """One filter. Regular expressions are not run: a value set may come from a caller. Raises `CannotExpand`."""
    op, value, property_ = str(rule.get("op")), str(rule.get("value", "")), str(rule.get("property"))
    if op in ("is-a", "descendent-of", "is-not-a"):
        below = value in system.ancestors(concept.code)
        within = below or (op != "descendent-of" and concept.code == value)
        return not within if op == "is-not-a" else within
    if op == "generalizes":
        return concept.code == value or concept.code in system.ancestors(value)
    if op in ("in", "not-in") and property_ in ("concept", "code"):
        return (concept.code in {text.strip() for text in value.split(",")}) == (op == "in")
    if op == "=" and property_ == "parent":
        return value in concept.parents
    if op == "=" and property_ == "child":
        return concept.code in system.concepts.get(value, Concept("")).parents
    if op == "=":
        return any(code == property_ and str(found).lower() == value.lower() for code, found in concept.properties)
    if op == "exists":
        return any(code == property_ for code, _ in concept.properties) is (value == "true")
    raise CannotExpand(f"{system.url} {op}")


def contains(library: Library, url: str, key: Key, depth: int = 0) -> bool | None:
    """Whether a value set holds a code; None when that cannot be told here. An empty system asks for the code in any system."""
    published = library.published_expansion(url)
    if published is not None and (_among(key, published.codes) or published.complete):
        return _among(key, published.codes)
    resource = library.value_set(url)
    return None if resource is None or depth > DEEPEST else contains_in(library, resource, key, depth)


def contains_in(library: Library, resource: dict[str, Any], key: Key, depth: int = 0) -> bool | None:
    """The same for a ValueSet resource."""
    if "compose" not in resource:
        return _among(key, read_expansion(resource).codes) if "expansion" in resource else None
    answers = [_part_holds(library, part, key, depth) for part in resource["compose"].get("include", [])]
    answer = True if True in answers else None if None in answers else False
    if answer is False:
        return False
    left_out = [_part_holds(library, part, key, depth) for part in resource["compose"].get("exclude", [])]
    if True in left_out:
        return False
    return None if None in left_out else answer


def _part_holds(library: Library, part: dict[str, Any], key: Key, depth: int) -> bool | None:
    answers: list[bool | None] = []
    if "system" in part:
        answers.append(_system_holds(library, part, key))
    answers += [contains(library, named, key, depth + 1) for named in part.get("valueSet", [])]
    if False in answers or not answers:
        return False
    return None if None in answers else True


def _system_holds(library: Library, part: dict[str, Any], key: Key) -> bool | None:
    url = canonical(part["system"])
    system, code = key
    if system and canonical(system) != url:
        return False
    if "concept" in part:
        return any(one["code"] == code for one in part["concept"])
    held = library.system(url)
    if held is None:
        return None
    concept = held.concepts.get(code)
    if concept is None:
        return False if held.complete and held.concepts else None
    try:
        return all(_passes(held, concept, rule) for rule in part.get("filter", []))
    except CannotExpand:
        return None


def _among(key: Key, codes: dict[Key, Concept]) -> bool:
    system, code = key
    return (canonical(system), code) in codes if system else any(code == known for _, known in codes)
