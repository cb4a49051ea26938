"""Expand the value sets that R4 binds with strength `required` into plain lists of codes per code system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Codes = dict[str, list[str]]
"""Code system URL -> its codes in the value set."""


class CannotExpand(Exception):
    """The definitions at hand do not hold every code (an outside code system, an unknown filter)."""


class Terminology:
    """The code systems and value sets of the published definitions."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self.systems = {r["url"]: r for r in resources if r["resourceType"] == "CodeSystem"}
        self.sets = {r["url"]: r for r in resources if r["resourceType"] == "ValueSet"}

    def expand(self, canonical: str) -> Codes:
        """Every code of a value set, by code system."""
        value_set = self.sets.get(canonical.partition("|")[0])
        if value_set is None or "compose" not in value_set:
            raise CannotExpand(canonical)
        found: dict[str, dict[str, None]] = {}
        for include in value_set["compose"].get("include", []):
            for system, codes in self._part(include).items():
                found.setdefault(system, {}).update(dict.fromkeys(codes))
        for exclude in value_set["compose"].get("exclude", []):
            for system, codes in self._part(exclude).items():
                for code in codes:
                    found.get(system, {}).pop(code, None)
        return {system: list(codes) for system, codes in found.items()}

    def _part(self, part: dict[str, Any]) -> Codes:
        found: Codes | None = None
        if "system" in part:
            found = {part["system"]: self._codes(part)}
        for canonical in part.get("valueSet", []):
            other = self.expand(canonical)
            found = other if found is None else {s: [c for c in codes if c in set(other.get(s, ()))] for s, codes in found.items()}
        if found is None:
            raise CannotExpand("an include without system nor value set")
        return found

    def _codes(self, part: dict[str, Any]) -> list[str]:
        if "concept" in part:
            return [concept["code"] for concept in part["concept"]]
        system = self.systems.get(part["system"])
        if system is None or system.get("content") != "complete" or "concept" not in system:
            raise CannotExpand(part["system"])
        parents = _parents(system)
        kept = list(parents)
        for rule in part.get("filter", []):
            if rule["op"] not in ("is-a", "descendent-of"):
                raise CannotExpand(f"{part['system']} {rule['op']}")
            top, itself = rule["value"], rule["op"] == "is-a"
            kept = [code for code in kept if (code == top and itself) or (code != top and top in _ancestors(code, parents))]
        return kept


def _concepts(concepts: list[dict[str, Any]], parent: str | None) -> Iterator[tuple[dict[str, Any], str | None]]:
    for concept in concepts:
        yield concept, parent
        yield from _concepts(concept.get("concept", []), concept["code"])


def _parents(system: dict[str, Any]) -> dict[str, set[str]]:
    """Each code with its direct parents: nested concepts, and the `subsumedBy` property of the v3 code systems."""
    parents: dict[str, set[str]] = {}
    for concept, parent in _concepts(system["concept"], None):
        above = parents.setdefault(concept["code"], set())
        if parent is not None:
            above.add(parent)
        above.update(p["valueCode"] for p in concept.get("property", []) if p["code"] == "subsumedBy")
    return parents


def _ancestors(code: str, parents: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = [code]
    while todo:
        for parent in parents.get(todo.pop(), ()):
            if parent not in seen:
                seen.add(parent)
                todo.append(parent)
    return seen
