"""Compile the published SearchParameter expressions into steps over JSON keys.

A parameter becomes `[code, kind, targets, branches]`; a branch is `[steps, leaf type, implicit system]`; a step is a JSON key (text),
`["where", key, value]`, `["resolve", type]`, `["first"]` or `["true", key, ...]` (one of the keys is there and is not false). What cannot
be written so is listed with its reason instead of being half understood. Parameters of every type stand once, under `Resource`.

A composite becomes `[code, bases]`; a base is `[steps, component, component]` and a component `[kind, branches]`, from where the steps lead.
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
    "special": {"Location.position"},
}
PUBLISHED = "http://hl7.org/fhir/SearchParameter/"


class NotCompiled(Exception):
    """The expression is outside the forms that are understood; the text says why."""


class SearchCompiler:
    """Turns expressions into typed steps, with the rows of the structures at hand."""

    def __init__(self, nodes: dict[str, dict[str, Any]], resources: list[str]) -> None:
        self.nodes, self.resources = nodes, resources
        self.parameters: dict[str, list[list[Any]]] = {r: [] for r in ["Resource", *resources]}
        self.composites: dict[str, list[list[Any]]] = {}
        self.repeating: dict[str, list[str]] = {}
        self.names: dict[str, dict[str, str]] = {}
        self.left_out: list[list[str]] = []
        self._kinds: dict[str, str] = {}

    def add_all(self, parameters: list[dict[str, Any]]) -> None:
        """Compile every SearchParameter; composites last, as they are made of others."""
        self._kinds = {parameter["url"]: parameter["type"] for parameter in parameters}
        for parameter in sorted(parameters, key=lambda p: p["type"] == "composite"):
            self.add(parameter)

    def add(self, parameter: dict[str, Any]) -> None:
        """Compile one SearchParameter for each type it applies to."""
        for base in sorted({"Resource" if base in ANY else base for base in parameter["base"]} & set(self.parameters)):
            try:
                self._add_to(base, parameter)
            except NotCompiled as why:
                self.left_out.append([base, parameter["code"], str(why)])

    def _add_to(self, base: str, parameter: dict[str, Any]) -> None:
        code = parameter["code"]
        if parameter["type"] == "composite":
            self.composites.setdefault(base, []).append([code, self._bases(parameter, base)])
        else:
            branches = self._branches(parameter, base)
            targets = sorted(parameter.get("target", []))
            self.parameters[base].append([code, parameter["type"], [] if set(targets) >= set(self.resources) else targets, branches])
            if self._repeats(base, branches):
                self.repeating.setdefault(base, []).append(code)
        if (name := parameter["url"].removeprefix(PUBLISHED)) != f"{base}-{code}":
            self.names.setdefault(base, {})[code] = name

    def _branches(self, parameter: dict[str, Any], base: str) -> list[list[Any]]:
        kind, expression = parameter["type"], parameter.get("expression")
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

    def _bases(self, parameter: dict[str, Any], base: str) -> list[list[Any]]:
        """From each element that a composite starts from: its two components."""
        kinds = [self._kinds[component["definition"]] for component in parameter["component"]]
        if len(kinds) != 2:
            raise NotCompiled("not two components")
        found = []
        for part in parameter["expression"].split("|"):
            head, _, path = part.strip().partition(".")
            if head in self.resources and head != base:
                continue
            node, steps = base, []
            for name in filter(None, path.split(".")):
                key, node, _ = self._element(node, name, None)[0]
                steps.append(key)
            found.append(
                [steps, *(self._component(c["expression"], node, k, kinds) for c, k in zip(parameter["component"], kinds, strict=True))]
            )
        return found

    def _component(self, expression: str, node: str, kind: str, kinds: list[str]) -> list[Any]:
        """Its kind is that of its own definition; DocumentReference-relationship was published with the two swapped."""
        expression = expression.replace("DateTime", "dateTime")
        for tried in (kind, *kinds):
            branches = [branch for part in expression.split("|") for branch in self._walk(_calls(part.strip()), node, [], tried)]
            if branches:
                return [tried, branches]
        raise NotCompiled(f"no component {expression}")

    def _repeats(self, base: str, branches: list[list[Any]]) -> bool:
        """Whether one resource may have several values: an element on the way repeats, or there are several ways."""
        ways = set()
        for steps, _, _ in branches:
            node, way = base, []
            for place, step in enumerate(steps):
                if isinstance(step, list):
                    if step[0] == "true":
                        return False
                    continue
                if step == "first":
                    continue
                name, node, many = self._row(node, step)
                if many and "first" not in steps[place + 1 : place + 2]:
                    return True
                way.append(name)
            ways.add(tuple(way))
        return len(ways) > 1

    def _row(self, node: str, key: str) -> tuple[str, str, bool]:
        """Name and type of the element behind a JSON key, and whether it repeats."""
        for owner in self._owners(node):
            for row in self.nodes[owner]["rows"]:
                for type_ in (text.partition(":")[0].removeprefix("@") for text in row[3]):
                    if key in (row[0], row[0].removesuffix("[x]") + type_[0].upper() + type_[1:]):
                        return row[0], type_, row[2] != 1
        raise NotCompiled(f"no key {node}.{key}")

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
