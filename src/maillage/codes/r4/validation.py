"""Is this JSON the R4 resource that it says it is? A walk over the resource with the published tables; every error with its FHIRPath."""

from __future__ import annotations

from contextlib import suppress
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from maillage.codes.json import encode
from maillage.codes.r4.nodes import NODES, Field, Node
from maillage.codes.r4.primitives import check_string, not_one_of
from maillage.codes.r4.references import parse
from maillage.codes.r4.tables import resource_type_set
from maillage.kernel.errors import Issue

MAX_ISSUES: Final = 100
MAX_DEPTH: Final = 64
MAX_HINTS: Final = 5

Path = tuple[Any, ...]
"""(parent path, FHIRPath segment, index or -1); the root is (None, type name, -1)."""


def validate(resource: Any, expected_type: str | None = None) -> list[Issue]:
    """Every fault of a resource, at most 100; an empty list means that it is valid R4."""
    if type(resource) is not dict:
        return [Issue("error", "structure", "not-an-object", "", "A resource must be a JSON object.")]
    name = resource.get("resourceType")
    fault = _type_fault(name, expected_type, hint=True)
    if fault:
        return [Issue("error", "structure", "resource-type", "", fault)]
    walk = _Walk(resource)
    with suppress(_Enough):
        walk.element(NODES[str(name)], resource, (None, name, -1), 0)
    return walk.issues


def _type_fault(name: Any, expected: str | None, *, hint: bool) -> str | None:
    if type(name) is not str:
        return "resourceType is missing: it must name the type of the resource."
    if name not in resource_type_set():
        close = get_close_matches(name[:60], resource_type_set(), 1) if hint else []
        return f"{name[:60]!r} is not a resource type of FHIR R4" + (f"; did you mean {close[0]}?" if close else ".")
    return None if expected in (None, name) else f"This is a {name}; a {expected} was expected."


def render(path: Path) -> str:
    """`Patient.name[0].family`"""
    parts: list[str] = []
    step: Any = path
    while step is not None:
        step, segment, index = step
        parts.append(segment if index < 0 else f"{segment}[{index}]")
    return ".".join(reversed(parts))


_CODED: Final = frozenset({"CodeableConcept", "Coding"})
_SHALLOW: Final = 20
MOST_SOUND, LONGEST_SOUND = 4000, 400
"""How many codes are known to be sound, each at its place, and of how many bytes at most: the same ones come in every second resource."""
_sound: set[tuple[int, bytes] | None] = set()


def _seen(field: Field, item: Any) -> tuple[int, bytes] | None:
    """What tells a code at its place from others; nothing where it may hold more than codes and texts."""
    try:
        told = encode(item)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return None
    return (id(field), told) if len(told) <= LONGEST_SOUND and b"xtension" not in told else None


class _Enough(Exception):
    """The cap of issues is reached."""


class _Walk:
    """One validation: the issues so far, and the resource that local references are looked up in."""

    __slots__ = ("contained", "in_contained", "issues")

    def __init__(self, root: dict[str, Any]) -> None:
        self.issues: list[Issue] = []
        self.contained = _contained_types(root)
        self.in_contained = False

    def say(self, code: str, reason: str, path: Path, sentence: str) -> None:
        self.issues.append(Issue("error", code, reason, render(path), sentence))
        if len(self.issues) >= MAX_ISSUES:
            raise _Enough

    # --- one object ---------------------------------------------------------------
    def element(self, node: Node, value: Any, path: Path, depth: int) -> None:
        if type(value) is not dict:
            return self.say("structure", "wrong-type", path, f"{path[1]} must be an object ({node.name.partition('.top')[0]}).")
        if depth > MAX_DEPTH:
            return self.say("structure", "too-deep", path, f"The resource is nested more than {MAX_DEPTH} levels deep.")
        if not value or (len(value) == 1 and "id" in value):
            return self.say("structure", "empty", path, f"{path[1]} must not be empty: leave it out, or give it a value.")
        self.keys(node, value, path, depth)
        for first, keys, name in node.required:
            if first not in value and not any(key in value for key in keys):
                self.say("required", "required", (path, name, -1), f"{name} is required.")
        for rule in node.rules:
            for segment, index in rule.broken(value):
                where = (path, segment, index) if segment else path
                self.say("invariant", rule.key, where, f"{rule.human.rstrip('.')} ({rule.key}).")
        return None

    def keys(self, node: Node, value: dict[str, Any], path: Path, depth: int) -> None:
        get = node.fields.get
        chosen: dict[str, str] | None = None
        for key, item in value.items():
            field = get(key)
            if field is None:
                self.unknown(node, key, path)
                continue
            check = field.check
            if check is None:
                _HANDLERS[field.handler](self, field, item, value, path, depth)
            elif (fault := check(item)) is not None:
                self.primitive(field, item, path, -1, fault)
            if field.choice:
                chosen = chosen or {}
                if chosen.setdefault(field.choice, field.segment) != field.segment:
                    self.say(
                        "structure", "choice-conflict", (path, field.choice, -1), f"{field.choice}[x] must be given once, with one type."
                    )

    def unknown(self, node: Node, key: Any, path: Path) -> None:
        hint = "."
        if len(self.issues) < MAX_HINTS:  # looking for a likeness is slow
            close = get_close_matches(str(key)[:60], [k for k in node.fields if not k.startswith("_")], 1)
            hint = f"; did you mean {close[0]}?" if close else "."
        name = node.name.partition(".top")[0]
        self.say("structure", "unknown-element", (path, str(key)[:60], -1), f"{name} has no element {str(key)[:60]!r}{hint}")

    def primitive(self, field: Field, value: Any, path: Path, index: int, fault: str) -> None:
        where = (path, field.segment, index)
        name = field.segment.partition(".")[0]
        if value is None:
            return self.say("structure", "null", where, f"{name} must not be null: leave it out.")
        if type(value) is list or type(value) is dict:
            return self.say("structure", "wrong-type", where, f"{name} must be a single value ({field.type}).")
        code = "code-invalid" if "not one of" in fault else "value"
        return self.say(code, "code-unknown" if code == "code-invalid" else "format", where, f"{name} {fault}.")

    # --- one key ----------------------------------------------------------------------
    def values(self, field: Field, items: Any, owner: dict[str, Any], path: Path, _depth: int) -> None:
        if not self.is_list(field, items, path):
            return
        check = field.each
        siblings = owner.get(field.sibling)
        for index, item in enumerate(items):
            if item is None:
                if type(siblings) is not list or index >= len(siblings) or siblings[index] is None:
                    self.say("structure", "null", (path, field.segment, index), "null stands only where the value has an extension.")
            elif check is not None and (fault := check(item)) is not None:
                self.primitive(field, item, path, index, fault)

    def sibling(self, field: Field, item: Any, owner: dict[str, Any], path: Path, depth: int) -> None:
        self.beside(item, owner.get(field.sibling), (path, field.segment, -1), depth)

    def siblings(self, field: Field, items: Any, owner: dict[str, Any], path: Path, depth: int) -> None:
        if not self.is_list(field, items, path):
            return
        listed = owner.get(field.sibling)
        values = listed if type(listed) is list else []
        if values and len(values) != len(items):
            self.say("structure", "length", (path, field.segment, -1), f"{field.sibling} and _{field.sibling} must have the same length.")
        for index, item in enumerate(items):
            where = (path, field.segment, index)
            if item is not None:
                self.beside(item, values[index] if index < len(values) else None, where, depth)
            elif not values:
                self.say("structure", "null", where, "null stands only beside a value.")

    def beside(self, item: Any, value: Any, path: Path, depth: int) -> None:
        """The id and extensions of a primitive; an id alone is enough when there is a value."""
        if type(item) is dict and value is not None and list(item) == ["id"]:
            if (fault := check_string(item["id"])) is not None:
                self.say("value", "format", (path, "id", -1), f"id {fault}.")
        else:
            self.element(NODES["Element"], item, path, depth + 1)

    def one(self, field: Field, item: Any, _owner: dict[str, Any], path: Path, depth: int) -> None:
        where = (path, field.segment, -1)
        if type(item) is list:
            self.say("structure", "wrong-type", where, f"{field.segment} must be a single object, not a list.")
            return
        self.concept(field, NODES[field.type], item, where, depth)

    def concept(self, field: Field, node: Node, item: Any, where: Path, depth: int) -> None:
        """An element of its own; a code that was found sound at the same place lately is not walked again."""
        seen = _seen(field, item) if field.type in _CODED and depth < _SHALLOW else None
        if seen in _sound:
            return
        before = len(self.issues)
        self.element(node, item, where, depth + 1)
        if field.special and type(item) is dict:
            self.special(field, item, where)
        if seen and len(self.issues) == before:
            if len(_sound) >= MOST_SOUND:
                _sound.clear()
            _sound.add(seen)

    def many(self, field: Field, items: Any, _owner: dict[str, Any], path: Path, depth: int) -> None:
        if not self.is_list(field, items, path):
            return
        node = NODES[field.type]
        for index, item in enumerate(items):
            self.concept(field, node, item, (path, field.segment, index), depth)

    def is_list(self, field: Field, items: Any, path: Path) -> bool:
        if type(items) is list and items:
            return True
        where = (path, field.segment, -1)
        if type(items) is list:
            self.say("structure", "empty", where, f"{field.segment} must not be an empty list: leave it out.")
        else:
            self.say("structure", "wrong-type", where, f"{field.segment} must be a list.")
        return False

    def special(self, field: Field, item: dict[str, Any], path: Path) -> None:
        """What the walk checks beside the structure: references and bound concepts."""
        if field.type == "Reference":
            self.reference(field, item, path)
        else:
            self.coded(field, item, path)

    def coded(self, field: Field, item: dict[str, Any], path: Path) -> None:
        """A required value set on a concept: one of its codings must belong to it."""
        codings = item.get("coding", []) if field.type == "CodeableConcept" else [item]
        if type(codings) is not list:
            return
        given = [(c.get("system"), c.get("code")) for c in codings if type(c) is dict]
        texts = [pair for pair in given if type(pair[0]) is str and type(pair[1]) is str]
        if not any(pair in field.codes for pair in texts) and "extension" not in item:
            shown = str(texts[0][1]) if texts else ""
            sentence = not_one_of(shown, frozenset(code for _, code in field.codes))
            self.say("code-invalid", "code-unknown", path, f"{field.segment} {sentence}.")

    # --- references -----------------------------------------------------------------------
    def reference(self, field: Field, item: dict[str, Any], path: Path) -> None:
        literal, stated = item.get("reference"), item.get("type")
        if type(stated) is str and field.targets and stated in resource_type_set() and stated not in field.targets:
            self.target(field, stated, (path, "type", -1))
        if type(literal) is not str or not literal:
            return
        where = (path, "reference", -1)
        target = parse(literal)
        if target.kind == "unknown":
            self.say(
                "value", "reference-form", where, f"{literal[:80]!r} is no reference: write Type/id, an absolute URL, urn:uuid:... or #id."
            )
        elif target.kind == "local":
            self.local(field, target.id, where)
        elif target.type and field.targets and target.type not in field.targets:
            self.target(field, target.type, where)

    def local(self, field: Field, id_: str, path: Path) -> None:
        if not id_ and self.in_contained:
            return
        if id_ not in self.contained:
            self.say("invariant", "ref-1", path, f"#{id_[:64]} is not among the contained resources (ref-1).")
        elif field.targets and self.contained[id_] not in field.targets:
            self.target(field, self.contained[id_], path)

    def target(self, field: Field, type_: str, path: Path) -> None:
        allowed = ", ".join(sorted(field.targets))
        self.say("value", "reference-target", path, f"{field.segment} cannot point to a {type_}; it points to: {allowed}.")

    # --- resources ------------------------------------------------------------------------
    def inner(self, field: Field, item: Any, _owner: dict[str, Any], path: Path, depth: int) -> None:
        """Bundle.entry.resource, Parameters.parameter.resource: a resource of its own."""
        where = (path, field.segment, -1)
        if not self.has_type(item, where):
            return
        outer, was = self.contained, self.in_contained
        self.contained, self.in_contained = _contained_types(item), False
        self.element(NODES[item["resourceType"]], item, where, depth + 1)
        self.contained, self.in_contained = outer, was

    def inners(self, field: Field, items: Any, owner: dict[str, Any], path: Path, depth: int) -> None:
        """DomainResource.contained: parts of the resource that holds them."""
        if not self.is_list(field, items, path):
            return
        pointed = _fragments(owner)
        was, self.in_contained = self.in_contained, True
        for index, item in enumerate(items):
            where = (path, field.segment, index)
            if self.has_type(item, where):
                self.contained_rules(item, where, pointed, nested=was)
                self.element(NODES[item["resourceType"]], item, where, depth + 1)
        self.in_contained = was

    def contained_rules(self, item: dict[str, Any], path: Path, pointed: set[str], *, nested: bool) -> None:
        meta = item.get("meta")
        keys = meta if type(meta) is dict else {}
        if nested:
            self.say("invariant", "dom-2", path, "A contained resource must not contain resources itself (dom-2).")
        if "versionId" in keys or "lastUpdated" in keys:
            self.say("invariant", "dom-4", path, "A contained resource must not have meta.versionId or meta.lastUpdated (dom-4).")
        if "security" in keys:
            self.say("invariant", "dom-5", path, "A contained resource must not have a security label (dom-5).")
        if f"#{item.get('id')}" not in pointed and "#" not in _fragments(item):
            self.say("invariant", "dom-3", path, "A contained resource must be referred to from the resource that holds it (dom-3).")

    def has_type(self, item: Any, path: Path) -> bool:
        if type(item) is not dict:
            self.say("structure", "wrong-type", path, f"{path[1]} must be a resource (an object).")
            return False
        fault = _type_fault(item.get("resourceType"), None, hint=len(self.issues) < MAX_HINTS)
        if fault:
            self.say("structure", "resource-type", path, fault)
        return fault is None


_HANDLERS: Final[dict[str, Any]] = {
    "values": _Walk.values,
    "sibling": _Walk.sibling,
    "siblings": _Walk.siblings,
    "element": _Walk.one,
    "elements": _Walk.many,
    "resource": _Walk.inner,
    "resources": _Walk.inners,
}


def _contained_types(resource: dict[str, Any]) -> dict[str, str]:
    """Id -> type of the contained resources, for those that have both."""
    listed = resource.get("contained")
    found = {}
    for item in listed if type(listed) is list else ():
        if type(item) is dict and type(item.get("id")) is str and type(item.get("resourceType")) is str:
            found[item["id"]] = item["resourceType"]
    return found


def _fragments(resource: dict[str, Any]) -> set[str]:
    """Every text that starts with #, anywhere inside: local references."""
    found: set[str] = set()
    todo: list[Any] = [resource]
    while todo:
        value = todo.pop()
        if type(value) is str:
            if value.startswith("#"):
                found.add(value)
        elif type(value) is dict:
            todo.extend(value.values())
        elif type(value) is list:
            todo.extend(value)
    return found
