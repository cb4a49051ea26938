"""Compile the R4 StructureDefinitions into the rows that the validator walks.

A node is a resource, a datatype or a nested part of one; its name is its path (`Patient`, `Patient.contact`, `HumanName`). A row is one element:
`[name, min, max, types, flags, binding, system]`, where max 0 means many, a type may be a node, a primitive or `Reference:Patient,Group`,
flags are 1 summary and 2 modifier, binding names an expanded required value set, and system is the only code system of a bound code.
"""

from __future__ import annotations

import re
from typing import Any

from r4_valuesets import CannotExpand, Codes, Terminology

FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
INHERITED = {"Element", "BackboneElement", "Resource", "DomainResource"}
EVERYWHERE = re.compile(r"ele-1|ext-1|dom-[2-5]$")  # on every element or resource: part of the walk itself
CODED = {"code", "CodeableConcept", "Coding", "Quantity"}

Row = list[Any]


class Structures:
    """The nodes, their invariants and the value sets they are bound to."""

    def __init__(self, definitions: list[dict[str, Any]], terminology: Terminology) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}
        self.invariants: dict[str, list[list[str]]] = {}
        self.bindings: dict[str, Codes] = {}
        self.not_expanded: list[str] = []
        self.resources: list[str] = []
        self._terminology = terminology
        for definition in definitions:
            if definition["kind"] != "primitive-type":
                self._add(definition)

    def _add(self, definition: dict[str, Any]) -> None:
        name = definition["id"] if definition.get("derivation") == "constraint" else definition["type"]
        if definition["kind"] == "resource" and not definition["abstract"]:
            self.resources.append(name)
        elements = definition["snapshot"]["element"]
        paths = {_renamed(e["path"], name) for e in elements}
        parents = {p.rpartition(".")[0] for p in paths} - {""}
        for element in elements:
            path = _renamed(element["path"], name)
            self._keep_invariants(path, element)
            if path in parents or "." not in path:
                self.nodes[path] = {"base": _base(element, definition, path), "rows": []}
            if "." in path:
                parent, _, last = path.rpartition(".")
                if element.get("max") != "0" and not _is_inherited(element, parent, last):
                    self.nodes[parent]["rows"].append(self._row(element, path, last, path in parents))

    def _keep_invariants(self, path: str, element: dict[str, Any]) -> None:
        errors = [c for c in element.get("constraint", []) if c["severity"] == "error"]
        kept = [[c["key"], c["human"]] for c in errors if not EVERYWHERE.match(c["key"])]
        if kept:
            self.invariants[path] = kept

    def _row(self, element: dict[str, Any], path: str, last: str, is_node: bool) -> Row:
        types = [f"@{path}"] if is_node else _types(element)
        flags = (1 if element.get("isSummary") else 0) + (2 if element.get("isModifier") else 0)
        binding, system = self._binding(element, types)
        row: Row = [last, element["min"], 0 if element["max"] == "*" else int(element["max"]), types, flags, binding, system]
        while row and row[-1] in (0, ""):
            row.pop()
        return row

    def _binding(self, element: dict[str, Any], types: list[str]) -> tuple[str, str]:
        binding = element.get("binding", {})
        canonical = binding.get("valueSet", "")
        if binding.get("strength") != "required" or not CODED.intersection(types):
            return "", ""
        if canonical not in self.bindings:
            try:
                self.bindings[canonical] = self._terminology.expand(canonical)
            except CannotExpand:
                if canonical not in self.not_expanded:
                    self.not_expanded.append(canonical)
                return canonical, ""
        systems = list(self.bindings[canonical])
        return canonical, systems[0] if len(systems) == 1 else ""


def _renamed(path: str, name: str) -> str:
    """A profile of a datatype (SimpleQuantity) keeps the paths of its base: give it its own."""
    head, dot, rest = path.partition(".")
    return name + dot + rest if head != name else path


def _base(element: dict[str, Any], definition: dict[str, Any], path: str) -> str:
    if "." in path:
        code = element["type"][0]["code"]
        return code if code in INHERITED else "Element"
    base: str = definition.get("baseDefinition", "").rpartition("/")[2]
    return base if base in INHERITED else ("" if path in INHERITED else "Element")


def _is_inherited(element: dict[str, Any], parent: str, last: str) -> bool:
    head = element.get("base", {}).get("path", "").partition(".")[0]
    return parent not in INHERITED and head in INHERITED and last != "url"


def _types(element: dict[str, Any]) -> list[str]:
    if "contentReference" in element:
        return ["@" + element["contentReference"].removeprefix("#")]
    types = []
    for entry in element["type"]:
        code = entry["code"]
        if code.startswith("http://hl7.org/fhirpath/"):
            code = next((x.get("valueUrl") or x.get("valueUri") for x in entry.get("extension", []) if x["url"] == FHIR_TYPE), "string")
        if code == "Reference":
            targets = sorted(t.rpartition("/")[2] for t in entry.get("targetProfile", []))
            code = "Reference" if not targets or "Resource" in targets else "Reference:" + ",".join(targets)
        types.append(next((p.rpartition("/")[2] for p in entry.get("profile", [])), code))
    return ["id" if element["path"] in ("Resource.id", "DomainResource.id") else t for t in types]
