"""What all resources of this room are made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from maillage.codes import systems

Resource = dict[str, Any]
Row = Any


def instant(at: datetime | None) -> str | None:
    """An instant as FHIR writes it."""
    return at.isoformat() if at else None


def reference(kind: str, id: str | None) -> Resource | None:
    """A literal reference, or nothing."""
    return {"reference": f"{kind}/{id}"} if id else None


def concept(system: str, code: str, display: str = "") -> Resource:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def without_empty(resource: Mapping[str, Any]) -> Resource:
    """FHIR has no null, no empty list and no empty object."""
    return {key: value for key, value in resource.items() if value is not None and value not in ([], {}, "")}


def flagged(url: str, value: bool) -> list[Resource]:
    """An extension that says yes; nothing for no."""
    return [{"url": url, "valueBoolean": True}] if value else []


def own_identifier(kind: str, system: str, id: str) -> list[Resource]:
    """The one identifier that we give to a resource, with what kind it is."""
    return [{"type": concept(systems.IDENTIFIER_TYPE, kind), "system": system, "value": id}]
