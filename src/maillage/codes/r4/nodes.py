"""The structures as the validator walks them: one dictionary lookup per JSON key. Each node is built when it is first met."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from maillage.codes.r4 import primitives
from maillage.codes.r4.invariants import Rule, rules_of
from maillage.codes.r4.primitives import Check
from maillage.codes.r4.tables import Element, codes_of, resource_type_set, structure

TOP_EXTENSION: Final = "Extension.top"
"""An extension that is not inside another one: its url must be absolute."""

FORMS: Final[dict[str, Check]] = {
    "http://hl7.org/fhir/ValueSet/mimetypes": primitives.MIME_TYPE,
    "http://hl7.org/fhir/ValueSet/currencies": primitives.CURRENCY,
}
"""Required value sets too large to list: the form is checked."""


@dataclass(frozen=True, slots=True)
class Field:
    """One JSON key: a single primitive (`check`), or what `handler` says (values, sibling, siblings, element, elements, resource, resources)."""

    handler: str
    type: str
    segment: str
    check: Check | None = None
    each: Check | None = None
    sibling: str = ""
    choice: str = ""
    targets: frozenset[str] = frozenset()
    codes: frozenset[tuple[str, str]] = frozenset()
    special: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A resource, a datatype or a nested part."""

    name: str
    fields: dict[str, Field]
    required: tuple[tuple[str, tuple[str, ...], str], ...]
    rules: tuple[Rule, ...] = field(default=())


class _Nodes(dict[str, Node]):
    def __missing__(self, name: str) -> Node:
        node = self[name] = _build(name)
        return node


NODES: Final = _Nodes()


def _build(name: str) -> Node:
    fields: dict[str, Field] = {}
    required = []
    published = structure("Extension" if name == TOP_EXTENSION else name)
    for element in published.elements:
        keys = [key for key, _ in element.json_keys()]
        for key, type_ in element.json_keys():
            fields |= _fields(element, key, type_, name)
        if element.minimum:
            shown = element.name.removesuffix("[x]")
            required.append((keys[0], tuple(k for key in keys for k in (key, "_" + key)), shown))
    if name in resource_type_set():
        fields["resourceType"] = Field("scalar", "code", "resourceType", check=primitives.check_code)
    return Node(name, fields, tuple(required), rules_of(name))


def _fields(element: Element, key: str, type_: str, owner: str) -> dict[str, Field]:
    choice = element.name[:-3] if element.is_choice else ""
    segment = f"{choice}.ofType({type_})" if choice else key
    many = element.maximum != 1
    if type_ in primitives.CHECKS:
        check = _check(element, type_)
        values = Field("values", type_, segment, each=check, sibling="_" + key)
        value = Field("scalar", type_, segment, check, choice=choice)
        sibling = Field("siblings" if many else "sibling", "Element", segment, sibling=key, choice=choice)
        return {key: values if many else value, "_" + key: sibling}
    if type_ == "Resource" or type_ in resource_type_set():
        return {key: Field("resources" if many else "resource", type_, segment)}
    if type_ == "Extension" and owner not in ("Extension", TOP_EXTENSION):
        type_ = TOP_EXTENSION
    codes = codes_of(element.value_set) if type_ in ("CodeableConcept", "Coding") else {}
    pairs = frozenset((system, code) for system, listed in codes.items() for code in listed)
    handler = "elements" if many else "element"
    special = type_ == "Reference" or bool(pairs)
    return {key: Field(handler, type_, segment, choice=choice, targets=element.targets, codes=pairs, special=special)}


def _check(element: Element, type_: str) -> Check:
    if type_ == "code" and element.value_set:
        codes = frozenset().union(*codes_of(element.value_set).values())
        if codes:
            return primitives.bound(codes)
        return FORMS.get(element.value_set.partition("|")[0], primitives.check_code)
    return primitives.CHECKS[type_]
