"""The code systems and value sets of R4 without their prose: what `$lookup`, `$expand` and `$validate-code` answer from."""

from __future__ import annotations

from typing import Any

import msgspec

KINDS = ("CodeSystem", "ValueSet")
KEPT = {
    "CodeSystem": (
        "resourceType",
        "id",
        "url",
        "version",
        "name",
        "title",
        "status",
        "caseSensitive",
        "valueSet",
        "hierarchyMeaning",
        "content",
    ),
    "ValueSet": ("resourceType", "id", "url", "version", "name", "title", "status", "immutable", "compose"),
}
PROPERTIES = frozenset({"child", "parent", "subsumedBy", "notSelectable", "inactive", "status"})
NOT_OURS = ("http://acme.com/", "http://hl7.org/fhir/CodeSystem/example", "http://hl7.org/fhir/ValueSet/example")
"""Examples that the definitions are published with."""


def compile_terminology(resources: list[dict[str, Any]]) -> bytes:
    """Type -> URL -> the JSON of the resource; the first of two that share a URL is kept, as the structures do."""
    tables: dict[str, dict[str, bytes]] = {kind: {} for kind in KINDS}
    ids: set[tuple[str, str]] = set()
    for resource in resources:
        kind, url = resource["resourceType"], resource["url"]
        if url.startswith(NOT_OURS) or url in tables[kind] or (kind, resource["id"]) in ids:
            continue
        ids.add((kind, resource["id"]))
        tables[kind][url] = msgspec.json.encode(_bare(resource))
    return msgspec.msgpack.encode(tables)


def _bare(resource: dict[str, Any]) -> dict[str, Any]:
    kind = resource["resourceType"]
    kept = {key: resource[key] for key in KEPT[kind] if key in resource}
    if kind == "ValueSet":
        return _without_extensions(kept)
    if concepts := resource.get("concept"):
        kept["concept"] = [_concept(concept) for concept in concepts]
    return kept


def _concept(concept: dict[str, Any]) -> dict[str, Any]:
    kept = {key: concept[key] for key in ("code", "display", "definition") if key in concept}
    if properties := [p for p in concept.get("property", []) if p["code"] in PROPERTIES]:
        kept["property"] = properties
    if below := concept.get("concept"):
        kept["concept"] = [_concept(one) for one in below]
    return kept


def _without_extensions(value: Any) -> Any:
    if type(value) is dict:
        return {key: _without_extensions(child) for key, child in value.items() if key not in ("extension", "designation")}
    return [_without_extensions(child) for child in value] if type(value) is list else value
