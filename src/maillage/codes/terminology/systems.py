"""A code system as it is asked: code to concept, concept to what is above it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

ABOVE: Final = ("subsumedBy", "parent")
GONE: Final = frozenset({"retired", "inactive"})


@dataclass(frozen=True, slots=True)
class Concept:
    """One code. `designations` are (language, text); `properties` are (code, value as published)."""

    code: str
    display: str = ""
    definition: str = ""
    parents: tuple[str, ...] = ()
    designations: tuple[tuple[str, str], ...] = ()
    properties: tuple[tuple[str, Any], ...] = ()

    @property
    def inactive(self) -> bool:
        """Retired codes are found and shown, and left out of a list of active ones."""
        return any((code == "inactive" and value is True) or (code == "status" and str(value) in GONE) for code, value in self.properties)

    def shown(self, language: str = "") -> str:
        """The label in a language where there is one, else as published."""
        wanted = language.partition("-")[0].lower()
        return next((text for lang, text in self.designations if wanted and lang.partition("-")[0].lower() == wanted), self.display)

    def named(self, text: str) -> bool:
        """Whether this is one of its labels; case and outer spaces do not count."""
        asked = " ".join(text.casefold().split())
        labels = (self.display, *(text for _, text in self.designations))
        return asked in {" ".join(label.casefold().split()) for label in labels}


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """`complete`: an absent code is a wrong code; otherwise nothing is known of it."""

    url: str
    version: str
    name: str
    complete: bool
    concepts: dict[str, Concept] = field(default_factory=dict)

    def ancestors(self, code: str) -> set[str]:
        """Every code above this one."""
        seen: set[str] = set()
        todo = [code]
        while todo:
            concept = self.concepts.get(todo.pop())
            for parent in concept.parents if concept else ():
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        return seen

    def children(self, code: str) -> list[str]:
        """The codes directly below this one."""
        return [one.code for one in self.concepts.values() if code in one.parents]


def read_system(resource: dict[str, Any]) -> CodeSystem:
    """A CodeSystem resource compiled; nested concepts and parent properties give the hierarchy."""
    concepts: dict[str, Concept] = {}
    below: dict[str, list[str]] = {}
    for raw, parent in _walk(resource.get("concept", []), ""):
        properties = tuple((p["code"], _value(p)) for p in raw.get("property", []))
        above = [*([parent] if parent else []), *(str(value) for code, value in properties if code in ABOVE)]
        for code, value in properties:
            if code == "child":
                below.setdefault(str(value), []).append(raw["code"])
        designations = tuple((d.get("language", ""), d["value"]) for d in raw.get("designation", []) if "value" in d)
        concepts[raw["code"]] = Concept(
            raw["code"], raw.get("display", ""), raw.get("definition", ""), tuple(dict.fromkeys(above)), designations, properties
        )
    for code, parents in below.items():
        if code in concepts:
            one = concepts[code]
            merged = tuple(dict.fromkeys((*one.parents, *parents)))
            concepts[code] = Concept(one.code, one.display, one.definition, merged, one.designations, one.properties)
    complete = resource.get("content", "complete") == "complete"
    return CodeSystem(resource["url"], resource.get("version", ""), resource.get("name", ""), complete, concepts)


def _walk(concepts: list[dict[str, Any]], parent: str) -> Iterator[tuple[dict[str, Any], str]]:
    for concept in concepts:
        yield concept, parent
        yield from _walk(concept.get("concept", []), concept["code"])


def _value(published: dict[str, Any]) -> Any:
    value = next((value for key, value in published.items() if key.startswith("value")), "")
    return value.get("code", "") if type(value) is dict else value
