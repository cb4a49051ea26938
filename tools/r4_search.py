"""Compile the published SearchParameter expressions into steps over JSON keys.

A parameter becomes `[code, kind, targets, branches]`; a branch is `[steps, leaf type, implicit system]`; a step is a JSON key (text),
`["where", key, value]`, `["resolve", type]`, `["first"]` or `["true", key, ...]` (one of the keys is there and is not false). What cannot
be written so is listed with its reason instead of being half understood. Parameters of every type stand once, under `Resource`.
"""

from __future__ import annotations

import re
from typing import Any

ANY = {"Resource", "DomainResource"}
OPEN_TYPES = {
    "token": {"CodeableConcept", "Coding", "Identifier", "ContactPoint", "code", "boolean", "id", "string", "uri"},
    "string": {"string", "markdown", "HumanName", "Address"},
    "date": {"date", "dateTime", "instant", "Period", "Timing"},
    "quantity": {"Quantity", "SimpleQuantity", "Money", "Age", "Duration", "Count", "Distance", "Range", "Ratio"},
    "number": {"integer", "decimal", "positiveInt", "unsignedInt", "Range"},
    "reference": {"Reference", "canonical", "uri"},
    "uri": {"uri", "url", "canonical", "oid", "uuid"},
}


class NotCompiled(Exception):
    """The expression is outside the forms that are understood; the text says why."""


class SearchCompiler:
    """Turns expressions into typed steps, with the rows of the structures at hand."""

    def __init__(self, nodes: dict[str, dict[str, Any]], resources: list[str]) -> None:
        self.nodes, self.resources = nodes, resources
        self.parameters: dict[str, list[list[Any]]] = {r: [] for r in ["Resource", *resources]}
        self.left_out: list[list[str]] = []

    def add(self, parameter: dict[str, Any]) -> None:
        """Compile one SearchParameter for each type it applies to."""
        for base in sorted({"Resource" if base in ANY else base for base in parameter["base"]} & set(self.parameters)):
            try:
                branches = self._branches(parameter, base)
            except NotCompiled as why:
                self.left_out.append([base, parameter["code"], str(why)])
                continue
            targets = sorted(parameter.get("target", []))
            self.parameters[base].append(
                [parameter["code"], parameter["type"], [] if set(targets) >= set(self.resources) else targets, branches]
            )

    def _branches(self, parameter: dict[str, Any], base: str) -> list[list[Any]]:
        kind, expression = parameter["type"], parameter.get("expression")
        if kind in ("composite", "special"):
            raise NotCompiled(kind)
        if not expression:
            raise NotCompiled("no expression")
        if " and " in expression:
            return [[[["true", *(key for key, _, _ in self._element(base, _tested(expression), None))]], "boolean", ""]]
        found: list[list[Any]] = []
        for part in expression.split("|"):
            text = _unwrap(part.strip())
            head, _, path = text.partition(".")
            if head in self.resources and head != base:
                continue
            text = path if head == base or head in ANY else text
            found += self._walk(_calls(text), base, [], kind)
        if not found:
            raise NotCompiled("no branch for this type")
        return found

    def _walk(self, calls: list[str], node: str, steps: list[Any], kind: str) -> list[list[Any]]:
        if not calls:
            raise NotCompiled("empty path")
        name, rest = calls[0], calls[1:]
        wanted = None
        if rest and rest[0].startswith("ofType("):
            wanted, rest = rest[0][7:-1], rest[1:]
        branches: list[list[Any]] = []
        for key, type_, system in self._element(node, name.partition("[")[0], wanted):
            here = [*steps, key, *(["first"] for _ in range("[0]" in name))]
            branches += self._after(rest, type_, system, here, kind)
        return branches

    def _after(self, rest: list[str], type_: str, system: str, steps: list[Any], kind: str) -> list[list[Any]]:
        if rest and rest[0].startswith("where("):
            steps, rest = [*steps, _condition(rest[0][6:-1])], rest[1:]
        if rest:
            return self._walk(rest, type_, steps, kind)
        if type_ == "Resource":
            return [[steps, "Resource", ""]]
        return [[steps, type_, system]] if type_ in OPEN_TYPES[kind] else []

    def _element(self, node: str, name: str, wanted: str | None) -> list[tuple[str, str, str]]:
        for owner in self._owners(node):
            for row in self.nodes[owner]["rows"]:
                types = [t.partition(":")[0].removeprefix("@") for t in row[3]]
                system = row[6] if len(row) > 6 else ""
                if row[0] == name:
                    return [(name, types[0], system)]
                if row[0] == name + "[x]":
                    return [(name + t[0].upper() + t[1:], t, system) for t in types if wanted in (None, t)]
        raise NotCompiled(f"no element {node}.{name}")

    def _owners(self, node: str) -> list[str]:
        owners = []
        while node:
            owners.append(node)
            node = self.nodes[node]["base"] if node in self.nodes else ""
        return [o for o in owners if o in self.nodes]


def _unwrap(text: str) -> str:
    """Drop the outer parentheses of `(A.b.ofType(C))` and of `(A.b.ofType(C)).d`."""
    if not text.startswith("("):
        return text
    depth = 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return text[1:place] + text[place + 1 :]
    raise NotCompiled("unbalanced parentheses")


def _calls(text: str) -> list[str]:
    """Split on the dots that are outside parentheses."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "." and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


def _condition(text: str) -> list[str]:
    if match := re.fullmatch(r"resolve\(\) is (\w+)", text):
        return ["resolve", match[1]]
    if match := re.fullmatch(r"(\w+)\s*=\s*'([^']*)'", text):
        return ["where", match[1], match[2]]
    raise NotCompiled(f"where({text})")


def _tested(expression: str) -> str:
    match = re.fullmatch(r"(\w+)\.(\w+)\.exists\(\) and \1\.\2 != false", expression)
    if not match:
        raise NotCompiled(expression)
    return match[2]
