"""A published snapshot as a tree: each element with its own rules, its slices and what is below it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from maillage.codes.aliases import canonical
from maillage.codes.r4.tables import Element, Structure, invariant_paths, invariants_of, structure

NOTHING: Final = object()
"""No fixed value and no pattern: None could be one."""

IN_R4: Final = frozenset({"dom-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "ele-1", "ext-1"})
"""Keys that the walk of R4 answers for, or that are no rule for a machine."""
MENDED: Final = (("http://fhir.fr/StructureDefinition/", "https://hl7.fr/ig/fhir/core/StructureDefinition/"),)
"""Roots under which published invariants never fire: they are evaluated under the right one, and warn (standards.md 16.2)."""

REFERENCE: Final = frozenset({"Reference", "canonical", "CodeableReference"})


@dataclass(frozen=True, slots=True)
class Typed:
    """One allowed type; `profiles` constrain its content, `targets` what it may point to."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant that R4 itself does not have."""

    key: str
    severity: str
    human: str
    expression: str


@dataclass(frozen=True, slots=True)
class Slicing:
    """How slices are told apart: (type, path) of each discriminator."""

    discriminators: tuple[tuple[str, str], ...]
    closed: bool


@dataclass(slots=True)
class Node:
    """One element of a snapshot. `maximum` None means many; a slice is a node too."""

    name: str
    path: str
    slice: str = ""
    minimum: int = 0
    maximum: int | None = None
    types: tuple[Typed, ...] = ()
    fixed: Any = NOTHING
    pattern: Any = NOTHING
    binding: tuple[str, str] | None = None
    constraints: tuple[Constraint, ...] = ()
    slicing: Slicing | None = None
    slices: dict[str, Node] = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)

    @property
    def is_choice(self) -> bool:
        """True for `value[x]`."""
        return self.name.endswith("[x]")

    def child(self, name: str) -> Node | None:
        """The element below, by its name or as a choice."""
        return self.children.get(name) or self.children.get(f"{name}[x]")


def compile_snapshot(definition: dict[str, Any]) -> Node:
    """The tree of a StructureDefinition."""
    elements = definition["snapshot"]["element"]
    root = Node(elements[0]["path"], elements[0]["path"], minimum=1)
    for element in elements:
        node = root
        for step in element["id"].split(".")[1:]:
            node = _step(node, step)
        _fill(node, element)
    _prune(root, root.path)
    return root


def _prune(node: Node, type_: str) -> None:
    """Drop what R4 says already: a snapshot repeats every element of its base. `type_` is the R4 type of the node, empty when it is not known."""
    published = _structure(type_)
    for name, child in list(node.children.items()):
        base = published.element(name) if published else None
        below = _type_below(child, base)
        _prune(child, below)
        for sliced in child.slices.values():
            _prune(sliced, below)
        if not _adds(child, base):
            del node.children[name]


def _structure(type_: str) -> Structure | None:
    try:
        return structure(type_) if type_ else None
    except KeyError:
        return None


def _type_below(child: Node, base: Element | None) -> str:
    if base is None or child.is_choice:
        return child.types[0].code if len(child.types) == 1 else ""
    return base.types[0] if len(base.types) == 1 else ""


def _adds(node: Node, base: Element | None) -> bool:
    """Whether an element asks for more than its base. Extensions stay: what is unknown among them is told."""
    if base is None or node.children or node.slices or node.constraints or node.name in ("extension", "modifierExtension"):
        return True
    if node.fixed is not NOTHING or node.pattern is not NOTHING or (node.binding and not _checked_by_r4(node)):
        return True
    if any(typed.profiles or typed.targets for typed in node.types) or (node.is_choice and len(node.types) != len(base.types)):
        return True
    narrowed = node.maximum == 0 or node.maximum not in (None, base.maximum)
    return node.minimum > base.minimum or narrowed


def _checked_by_r4(node: Node) -> bool:
    """A code bound as in R4: the walk of R4 has looked at it."""
    strength, url = node.binding or ("", "")
    return strength == "required" and url.startswith("http://hl7.org/fhir/ValueSet/") and [typed.code for typed in node.types] == ["code"]


def _step(node: Node, step: str) -> Node:
    name, _, slices = step.partition(":")
    below = node.children.get(name)
    if below is None:
        below = node.children[name] = Node(name, f"{node.path}.{name}")
    whole = ""
    for part in filter(None, slices.split("/")):
        whole = f"{whole}/{part}".lstrip("/")
        sliced = below.slices.get(whole)
        if sliced is None:
            sliced = below.slices[whole] = Node(name, below.path, whole)
        below = sliced
    return below


def _fill(node: Node, element: dict[str, Any]) -> None:
    node.minimum = element.get("min", 0)
    largest = str(element.get("max", "*"))
    node.maximum = int(largest) if largest.isdecimal() else None
    node.types = tuple(_typed(one) for one in element.get("type", []) if "code" in one)
    for key, value in element.items():
        if key.startswith("fixed"):
            node.fixed = NOTHING if key == "fixedUri" and ":" not in str(value) and node.name != "url" else value
        elif key.startswith("pattern"):
            node.pattern = value
    binding = element.get("binding", {})
    if binding.get("strength") in ("required", "extensible") and "valueSet" in binding:
        node.binding = (binding["strength"], canonical(binding["valueSet"]))
    node.constraints = tuple(_constraint(one) for one in element.get("constraint", []) if _own(one))
    if "slicing" in element:
        found = tuple((d["type"], d["path"]) for d in element["slicing"].get("discriminator", []))
        node.slicing = Slicing(found, element["slicing"].get("rules") == "closed")


def _typed(published: dict[str, Any]) -> Typed:
    return Typed(
        published["code"],
        tuple(canonical(url) for url in published.get("profile", [])),
        tuple(canonical(url) for url in published.get("targetProfile", [])),
    )


@cache
def _keys_of_r4() -> frozenset[str]:
    return IN_R4 | {key for path in invariant_paths() for key, _ in invariants_of(path)}


def _own(published: dict[str, Any]) -> bool:
    return bool(published.get("expression")) and published.get("key") not in _keys_of_r4()


def _constraint(published: dict[str, Any]) -> Constraint:
    expression, severity = published["expression"], published.get("severity", "error")
    for wrong, right in MENDED:
        if wrong in expression:
            expression, severity = expression.replace(wrong, right), "warning"
    return Constraint(published["key"], severity, published.get("human", published["key"]), expression)
