"""A valid R4 resource against the tree of a profile: every finding with its FHIRPath. What cannot be checked is information."""

from __future__ import annotations

from collections.abc import Container
from contextlib import suppress
from typing import Any, Final, Protocol

from maillage.codes.aliases import canonical
from maillage.codes.profiles.invariants import broken
from maillage.codes.profiles.nodes import NOTHING, REFERENCE, Constraint, Node
from maillage.codes.profiles.reading import Val, fits, same, values
from maillage.codes.profiles.slices import EXTENSIONS, Discriminators, codings
from maillage.codes.r4.references import parse
from maillage.codes.r4.tables import structure
from maillage.kernel.errors import Issue

MAX_ISSUES: Final = 200
R4: Final = "http://hl7.org/fhir/StructureDefinition/"
R4_SETS: Final = "http://hl7.org/fhir/ValueSet/"
ANYWHERE: Final = frozenset({"Element", "BackboneElement", "Resource", "DomainResource", "CanonicalResource", "MetadataResource"})
"""Contexts that any element or any resource satisfies."""


class Known(Protocol):
    """The loaded profiles and value sets."""

    def node(self, url: str) -> Node | None:
        """The tree of a profile."""
        ...

    def type_of(self, url: str) -> str:
        """The type that a profile constrains, R4 itself included; empty when it is not known."""
        ...

    def contexts(self, url: str) -> tuple[tuple[str, str], ...]:
        """Where an extension may stand: (type, expression)."""
        ...

    def contains(self, url: str, system: str, code: str) -> bool | None:
        """Whether a value set holds a code."""
        ...


class _Enough(Exception):
    """The cap of findings is reached."""


class Walk:
    """One validation of one resource against one profile."""

    def __init__(self, known: Known, root: dict[str, Any], without: Container[str] = ()) -> None:
        self.known, self.root, self.without = known, root, without
        self.issues: list[Issue] = []
        self.told: set[tuple[str, str, str]] = set()
        self.within: set[tuple[str, int]] = set()
        self.tell_apart = Discriminators(known.node, known.contains, self._conforms)

    def resource(self, node: Node) -> list[Issue]:
        """Every finding about the whole resource."""
        with suppress(_Enough):
            self.value(node, Val(self.root, None, "", self.root["resourceType"]), node.path.partition(".")[0])
        return self.issues

    def say(self, severity: str, code: str, reason: str, path: str, details: str) -> None:
        """One finding, once."""
        key = (reason, path, details if reason in ("extension-unknown", "binding-unknown", "slice-required") else "")
        if key in self.told:
            return
        self.told.add(key)
        self.issues.append(Issue(severity, code, reason, path, details))
        if len(self.issues) >= MAX_ISSUES:
            raise _Enough

    # --- one element ------------------------------------------------------------------
    def element(self, node: Node, owner: Val, place: str) -> None:
        """Cardinality, values and slices of one element of `owner`; `place` is its path in R4, for the context of extensions."""
        found = values(owner.owner, node.name, owner.path)
        path = f"{owner.path}.{node.name.removesuffix('[x]')}"
        if len(found) < node.minimum:
            self.say("error", "required", "profile-required", path, f"{node.name} is required here ({node.minimum} at least).")
        if node.maximum is not None and len(found) > node.maximum:
            told = f"at most {node.maximum} allowed here" if node.maximum else "not allowed here"
            self.say("error", "structure", "profile-too-many", path, f"{node.name}: {told}.")
        for val in found:
            self.value(node, val, f"{place}.{node.name.removesuffix('[x]')}")
        if node.slices:
            self.sliced(node, found, path, place)

    def sliced(self, node: Node, found: list[Val], path: str, place: str) -> None:
        """Each value against its slice; slices that are missing or too many."""
        counts = dict.fromkeys(node.slices, 0)
        sure = True
        for val in found:
            one, certain = self.tell_apart.slice_of(node, val)
            sure = sure and certain
            if one is not None:
                counts[one.slice] += 1
                self.value(one, val, f"{place}.{node.name.removesuffix('[x]')}")
                if one.slices:
                    self.sliced(one, [val], path, place)
            elif certain and node.slicing and node.slicing.closed:
                self.say("error", "structure", "slice-closed", val.path, f"{node.name} must be one of: {', '.join(node.slices)}.")
        for name, one in node.slices.items():
            if sure and counts[name] < one.minimum:
                self.say("error", "required", "slice-required", path, f"{node.name} must hold {one.minimum} {name} ({self._hint(one)}).")
            if one.maximum is not None and counts[name] > one.maximum:
                told = f"{node.name} may hold {one.maximum} {name} at most; there are {counts[name]}."
                self.say("error", "structure", "slice-too-many", path, told)
        if not sure:
            self.say("information", "informational", "slice-unknown", path, f"The slices of {node.name} cannot all be told apart here.")

    def _hint(self, node: Node) -> str:
        if node.name in EXTENSIONS:
            return self.tell_apart.url_of(node) or node.slice
        said = [f"{name} = {_shown(below)}" for name, below in node.children.items() if _shown(below)]
        return ", ".join(said[:3]) or "see the profile"

    # --- one value ----------------------------------------------------------------------
    def value(self, node: Node, val: Val, place: str) -> None:
        """Type, fixed value, pattern, binding, targets, what is below, and invariants."""
        if node.is_choice and node.types and val.type and val.type not in {typed.code for typed in node.types}:
            allowed = ", ".join(typed.code for typed in node.types)
            self.say("error", "structure", "profile-type", val.path, f"{node.name} must be one of: {allowed}.")
        if val.value is not None:
            self.literal(node, val)
        self.typed(node, val, place)
        for name, child in node.children.items():
            if name != "id":
                self.element(child, val, val.type or place)
        if node.name in EXTENSIONS and type(val.value) is dict:
            self.extension(val, place)
        for constraint in node.constraints:
            if constraint.key not in self.without:
                self.invariant(constraint, val)

    def literal(self, node: Node, val: Val) -> None:
        """Fixed value, pattern, binding."""
        if node.fixed is not NOTHING and not same(node.fixed, val.value):
            self.say("error", "value", "profile-fixed", val.path, f"must be {_text(node.fixed)}.")
        if node.pattern is not NOTHING and not fits(node.pattern, val.value):
            self.say("error", "value", "profile-pattern", val.path, f"must hold {_text(node.pattern)}.")
        if node.binding:
            self.bound(*node.binding, val)

    def bound(self, strength: str, url: str, val: Val) -> None:
        """required: an error; extensible: a warning; a value set that is not held: information."""
        given = codings(val)
        if not given:
            if strength == "required" and type(val.value) is dict and "extension" not in val.owner:
                self.say("error", "code-invalid", "profile-code", val.path, f"a code of {url} is required.")
            return
        if strength == "required" and url.startswith(R4_SETS) and type(val.value) is str:
            return  # the walk of R4 has checked it
        answers = [self.known.contains(url, system, code) for system, code in given]
        if True in answers:
            return
        shown = ", ".join(f"{system}|{code}" if system else code for system, code in given[:3])
        if None in answers:
            self.say("information", "informational", "binding-unknown", val.path, f"{url} cannot be checked here.")
        elif strength == "required":
            self.say("error", "code-invalid", "profile-code", val.path, f"{shown} is not in {url}.")
        else:
            self.say(
                "warning", "code-invalid", "profile-code-other", val.path, f"{shown} is not in {url}; use one of its codes when one fits."
            )

    def typed(self, node: Node, val: Val, place: str) -> None:
        """Targets of references, and the profiles that the type of the value must conform to."""
        chosen = [typed for typed in node.types if not val.type or typed.code == val.type]
        targets = [url for typed in chosen if typed.code in REFERENCE for url in typed.targets]
        if targets and type(val.value) is dict:
            self.target(targets, val)
        profiles = [url for typed in chosen for url in typed.profiles if node.name not in EXTENSIONS or not val.owner.get("url")]
        loaded = [(url, tree) for url in profiles if (tree := self.known.node(url))]
        if len(loaded) == 1 and len(profiles) == 1:
            self.inside(*loaded[0], val, place)
        elif loaded and len(loaded) == len(profiles) and not any(self._conforms(val, url) for url in profiles):
            self.say("error", "structure", "profile-none", val.path, f"conforms to none of: {', '.join(profiles)}.")

    def inside(self, url: str, tree: Node, val: Val, place: str) -> None:
        """A value against the profile of its type, once."""
        key = (url, id(val.value))
        if key in self.within:
            return
        self.within.add(key)
        self.value(tree, val, place)

    def _conforms(self, val: Val, url: str) -> bool | None:
        tree = self.known.node(url)
        if tree is None:
            return None
        other = Walk(self.known, self.root)
        with suppress(_Enough):
            other.inside(url, tree, val, tree.path)
        return not any(issue.severity == "error" for issue in other.issues)

    def target(self, targets: list[str], val: Val) -> None:
        """A literal reference must lead to a type that one of the profiles constrains."""
        types = {self.known.type_of(url) for url in targets}
        found = parse(str(val.value.get("reference", ""))).type
        if not found or "" in types or found in types or "Resource" in types:
            return
        self.say("error", "value", "profile-target", f"{val.path}.reference", f"must point to: {', '.join(sorted(types))}.")

    # --- extensions -----------------------------------------------------------------------
    def extension(self, val: Val, place: str) -> None:
        """An extension against its own definition and its context; one that nobody published here is information."""
        url = str(val.value.get("url", ""))
        if ":" not in url:
            return
        tree = self.known.node(url)
        if tree is None:
            self.say("information", "informational", "extension-unknown", val.path, f"{url} is not known here: it was not checked.")
            return
        self.inside(canonical(url), tree, val, place)
        self.context(url, val, place)

    def context(self, url: str, val: Val, place: str) -> None:
        """Whether the extension may stand here. Contexts that are FHIRPath are not evaluated."""
        contexts = self.known.contexts(url)
        if not contexts or any(kind != "element" for kind, _ in contexts):
            return
        where = place.rpartition(".")[0]
        if not any(self._stands(expression, where) for _, expression in contexts):
            allowed = ", ".join(expression for _, expression in contexts)
            self.say("error", "structure", "extension-context", val.path, f"{url} stands on: {allowed}.")

    def _stands(self, expression: str, where: str) -> bool:
        name = expression.rpartition("/")[2].replace("[x]", "")
        if name in ANYWHERE or "#" in name or self.known.type_of(expression) == where:
            return True
        steps = where.split(".")
        return any(".".join(filter(None, (type_at(".".join(steps[:n])), *steps[n:]))) == name for n in range(1, len(steps) + 1))

    # --- invariants --------------------------------------------------------------------------
    def invariant(self, constraint: Constraint, val: Val) -> None:
        """One invariant of the profile."""
        answer = broken(constraint.expression, self.root, val.value, val.path)
        if answer is None:
            told = f"{constraint.key} cannot be checked here."
            self.say("information", "informational", f"{constraint.key}-unknown", val.path, told)
        elif answer:
            self.say(constraint.severity, "invariant", constraint.key, val.path, f"{constraint.human} ({constraint.key}).")


def _shown(node: Node) -> str:
    literal = node.fixed if node.fixed is not NOTHING else node.pattern
    return "" if literal is NOTHING else _text(literal)


def _text(literal: Any) -> str:
    if type(literal) is dict and type(literal.get("coding")) is list:
        return ", ".join(f"{one.get('system', '')}|{one.get('code', '')}" for one in literal["coding"])
    return str(literal)[:200]


def type_at(place: str) -> str:
    """The datatype at a path of R4: `HumanName` for `Patient.name`; empty when the path is not known."""
    type_ = ""
    for step in place.split("."):
        if not type_:
            type_ = step
            continue
        try:
            found = structure(type_).element(step) or structure(type_).element(f"{step}[x]")
        except KeyError:
            return ""
        if found is None:
            return ""
        type_ = found.types[0] if len(found.types) == 1 else ""
        if not type_:
            return ""
    return type_
