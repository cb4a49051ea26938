"""Which slice a value belongs to: value, pattern, type, exists and profile discriminators. None says that it cannot be told here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from maillage.codes.aliases import canonical
from maillage.codes.profiles.nodes import NOTHING, Node
from maillage.codes.profiles.reading import Val, fits, same, values

Answer = bool | None
EXTENSIONS: Final = frozenset({"extension", "modifierExtension"})
BY_URL: Final = (("value", "url"),)
"""How extensions are told apart, also where a snapshot does not say it."""

_EXTENSION: Final = re.compile(r"extension\('([^']+)'\)")
_STEP: Final = re.compile(r"(?:[^.(]|\([^)]*\))+")


class Discriminators:
    """`node_of` gives the tree of a loaded profile; `contains` tells whether a value set holds a code; `conforms` whether a value fits a profile."""

    def __init__(
        self,
        node_of: Callable[[str], Node | None],
        contains: Callable[[str, str, str], Answer],
        conforms: Callable[[Val, str], Answer],
    ) -> None:
        self.node_of, self.contains, self.conforms = node_of, contains, conforms

    def slice_of(self, node: Node, val: Val) -> tuple[Node | None, bool]:
        """The slice of a value, and whether that is sure: with an answer that cannot be given, no slice is counted as missing."""
        unsure = False
        found = node.slicing.discriminators if node.slicing else BY_URL if node.name in EXTENSIONS else ()
        for one in node.slices.values():
            answers = [self._tells(one, kind, path, val) for kind, path in found]
            if answers and all(answers):
                return one, True
            unsure = unsure or not answers or (None in answers and False not in answers)
        return None, not unsure

    def _tells(self, node: Node, kind: str, path: str, val: Val) -> Answer:
        steps = [] if path == "$this" else _STEP.findall(path)
        if any(step.startswith("resolve") for step in steps):
            return None
        expected, found = self._expected(node, steps), self._found([val], steps)
        if kind == "type":
            return self._type(expected, found)
        if kind == "profile":
            return self._profile(expected, found)
        if kind == "exists":
            return self._exists(expected, present=bool(found))
        if not expected:
            return None
        return self._any(expected, found)

    def _any(self, expected: list[Any], found: list[Val]) -> Answer:
        if not found:
            return False
        answers = [self._satisfies(one, val) for val in found for one in expected]
        return True if True in answers else None if None in answers else False

    @staticmethod
    def _type(expected: list[Any], found: list[Val]) -> Answer:
        codes = {typed.code for one in expected if isinstance(one, Node) for typed in one.types}
        types = {val.type or val.owner.get("resourceType", "") for val in found}
        return None if not codes or "" in types else bool(codes & types)

    def _profile(self, expected: list[Any], found: list[Val]) -> Answer:
        profiles = [url for one in expected if isinstance(one, Node) for typed in one.types for url in typed.profiles]
        answers = [self.conforms(val, url) for val in found for url in profiles]
        return True if True in answers else None if None in answers or not profiles else False

    @staticmethod
    def _exists(expected: list[Any], *, present: bool) -> Answer:
        nodes = [one for one in expected if isinstance(one, Node)]
        if any(node.maximum == 0 for node in nodes):
            return not present
        return present if any(node.minimum for node in nodes) else None

    # --- what a definition says at a path ------------------------------------------
    def _expected(self, node: Node, steps: list[str]) -> list[Any]:
        """Nodes, or bare values of a pattern, that the path leads to from a slice."""
        found: list[Any] = [node]
        for step in steps:
            found = [after for one in found for after in self._after(one, step)]
        return found

    def _after(self, one: Any, step: str) -> list[Any]:
        if not isinstance(one, Node):
            items = one.get(step, []) if type(one) is dict else []
            return items if type(items) is list else [items]
        if step.startswith("ofType("):
            return [one]
        if match := _EXTENSION.match(step):
            return self._extension(one, match[1])
        below = one.child(step)
        if below is not None and (self._says(below) or not self._given(one, step)):
            return [sliced for sliced in below.slices.values() if sliced.minimum] or [below]
        return self._given(one, step) or self._of_type(one, step)

    @staticmethod
    def _given(node: Node, step: str) -> list[Any]:
        """What the fixed value or the pattern of a node says one step below."""
        for whole in (node.fixed, node.pattern):
            if type(whole) is dict and step in whole:
                return whole[step] if type(whole[step]) is list else [whole[step]]
        return []

    def _of_type(self, node: Node, step: str) -> list[Any]:
        if step == "url" and node.name in EXTENSIONS:
            return [url for typed in node.types for url in typed.profiles]
        roots = [self.node_of(url) for typed in node.types for url in typed.profiles]
        return [below for root in roots if root and (below := root.child(step))]

    def _extension(self, node: Node, url: str) -> list[Any]:
        below = node.children.get("extension")
        return [one for one in below.slices.values() if self.url_of(one) == canonical(url)] if below else []

    def url_of(self, node: Node) -> str:
        """The URL that an extension slice is for, empty when it does not say."""
        url = node.children.get("url")
        if url is not None and type(url.fixed) is str:
            return canonical(url.fixed)
        return next((profile for typed in node.types for profile in typed.profiles), "")

    def _says(self, node: Node, depth: int = 0) -> bool:
        if node.fixed is not NOTHING or node.pattern is not NOTHING or node.binding or depth > 4:
            return True
        return any(self._says(child, depth + 1) for child in (*node.children.values(), *node.slices.values()))

    # --- what a resource holds at a path -----------------------------------------------
    def _found(self, vals: list[Val], steps: list[str]) -> list[Val]:
        for step in steps:
            if step.startswith("ofType("):
                vals = [val for val in vals if val.type == step[7:-1]]
            elif match := _EXTENSION.match(step):
                url = canonical(match[1])
                listed = [one for val in vals for one in values(val.owner, "extension", val.path)]
                vals = [one for one in listed if canonical(str(one.owner.get("url", ""))) == url]
            else:
                vals = [one for val in vals for one in values(val.owner, step, val.path) or values(val.owner, f"{step}[x]", val.path)]
        return vals

    def _satisfies(self, expected: Any, val: Val) -> Answer:
        if not isinstance(expected, Node):
            return fits(expected, val.value)
        if expected.fixed is not NOTHING:
            return same(expected.fixed, val.value)
        if expected.pattern is not NOTHING:
            return fits(expected.pattern, val.value)
        answers: list[Answer] = []
        if expected.binding and expected.binding[0] == "required":
            answers.append(self._bound(expected.binding[1], val))
        for child in expected.children.values():
            if child.name not in ("id", "extension") and self._says(child):
                below = values(val.owner, child.name, val.path)
                answers += [self._satisfies(child, one) for one in below] if below else [False] if child.minimum else []
        if False in answers:
            return False
        return True if answers and None not in answers else None

    def _bound(self, url: str, val: Val) -> Answer:
        answers = [self.contains(url, system, code) for system, code in codings(val)]
        return True if True in answers else None if None in answers else False


def codings(val: Val) -> list[tuple[str, str]]:
    """(system, code) of a coded value; the system of a bare code is empty."""
    if type(val.value) is str:
        return [("", val.value)]
    listed = val.owner.get("coding") if "coding" in val.owner else [val.owner]
    found = listed if type(listed) is list else []
    return [(str(one.get("system", "")), str(one["code"])) for one in found if type(one) is dict and "code" in one]
