"""Parts of a resource: `_summary` and `_elements` (https://hl7.org/fhir/R4/search.html#summary, #elements)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from maillage.codes.r4 import structure

SUMMARIES = ("true", "text", "data", "count", "false")
ALWAYS = frozenset({"resourceType", "id", "meta"})
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


@dataclass(frozen=True, slots=True)
class _Shape:
    """Of one structure: JSON key -> type of what is summary, and the keys that no part may lack."""

    summary: Mapping[str, str] = field(default_factory=dict)
    mandatory: frozenset[str] = frozenset()
    modifiers: frozenset[str] = frozenset()


def project(resource: dict[str, Any], *, summary: str | None, elements: tuple[str, ...] | None) -> dict[str, Any]:
    """What `_summary` or `_elements` leave of a resource, tagged SUBSETTED; the resource itself when they leave all of it.

    An element is named as in `name` or `Patient.name`. Mandatory and modifier elements stay, whatever is asked. `elements` win over `summary`.
    """
    kind = resource["resourceType"]
    if elements:
        asked = {name.removeprefix(f"{kind}.").partition(".")[0] for name in elements}
        kept = _only(resource, _keys(kind, asked) | _shape(kind).mandatory | _shape(kind).modifiers)
    elif summary == "true":
        kept = _summarised(resource, kind)
    elif summary == "text":
        kept = _only(resource, ALWAYS | {"text"} | _shape(kind).mandatory)
    elif summary == "data":
        kept = {key: value for key, value in resource.items() if key != "text"}
    else:
        return resource
    return {**kept, "meta": _tagged(resource.get("meta", {}))}


def _only(resource: dict[str, Any], keys: AbstractSet[str]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key.removeprefix("_") in keys}


def _keys(kind: str, names: set[str]) -> set[str]:
    """The JSON keys of the elements of these names: `value` and `value[x]` stand for each `valueQuantity`."""
    found = set(ALWAYS)
    for element in structure(kind).elements:
        keys = {key for key, _ in element.json_keys()}
        if names & (keys | {element.name, element.name.removesuffix("[x]")}):
            found |= keys if names & {element.name, element.name.removesuffix("[x]")} else keys & names
    return found


def _tagged(meta: dict[str, Any]) -> dict[str, Any]:
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != SUBSETTED["code"]]
    return {**meta, "tag": [*tags, SUBSETTED]}


def _summarised(item: dict[str, Any], name: str) -> dict[str, Any]:
    """The summary elements of one structure, and those that change its meaning, down to its leaves."""
    summary = _shape(name).summary
    kept: dict[str, Any] = {}
    for key, value in item.items():
        inner = summary.get(key.removeprefix("_"))
        if inner is None:
            continue
        if key.startswith("_") or not inner:
            kept[key] = value
        elif type(value) is list:
            kept[key] = [_summarised(one, inner) if type(one) is dict else one for one in value]
        else:
            kept[key] = _summarised(value, inner) if type(value) is dict else value
    return kept


@cache
def _shape(name: str) -> _Shape:
    elements = structure(name).elements
    summary = {key: _inner(type_) for element in elements if element.summary or element.modifier for key, type_ in element.json_keys()}
    return _Shape(
        {"resourceType": "", **summary},
        frozenset(key for element in elements if element.minimum for key, _ in element.json_keys()),
        frozenset(key for element in elements if element.modifier for key, _ in element.json_keys()),
    )


def _inner(type_: str) -> str:
    """The structure to go on with below an element; nothing for primitives, extensions and whole resources."""
    if type_ in ("Extension", "Resource"):
        return ""
    try:
        structure(type_)
    except KeyError:
        return ""
    return type_
