"""Compartments: what belongs to a patient, a practitioner, an encounter (https://hl7.org/fhir/R4/compartmentdefinition.html)."""

from __future__ import annotations

from maillage.codes.r4.search import compartment
from maillage.record import index
from maillage.record.criteria.notation import either
from maillage.record.criteria.query import Query
from maillage.record.types import SERVED


def kinds_in(name: str) -> tuple[str, ...]:
    """The served types that may belong to a compartment."""
    members = compartment(name)
    return tuple(kind for kind in SERVED if kind == name or _codes(kind, members.get(kind, ())))


def belongs(query: Query, kind: str, alias: str, name: str, id: str) -> str:
    """The condition that a resource is in the compartment of `name/id`; the compartment of a resource holds the resource itself."""
    reference = query.array([f"{name}/{id}"])
    codes = _codes(kind, compartment(name).get(kind, ()))
    parts = [f"{alias}.{index.first_column(kind, code)} && {reference}" for code in codes]
    if kind == name:
        parts.append(f"{alias}.id = {query.params.add(id)}")
    return either(parts)


def _codes(kind: str, codes: tuple[str, ...]) -> list[str]:
    return [code for code in codes if (parameter := index.parameter(kind, code)) and parameter.kind == "reference"]
