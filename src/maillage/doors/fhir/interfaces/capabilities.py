"""The CapabilityStatement of one interface, made from what it serves."""

from __future__ import annotations

from typing import Any

from maillage.codes.json import encode
from maillage.codes.r4.search import search_parameters
from maillage.codes.systems import ROOT
from maillage.doors.fhir.interactions.capabilities import PUBLISHED
from maillage.doors.fhir.interfaces.served import Interface, Served


def statement(interface: Interface, base: str) -> bytes:
    """What is served under the address of this interface (https://hl7.org/fhir/R4/capabilitystatement.html)."""
    rest: dict[str, Any] = {"mode": "server", "resource": [_resource(kind, served) for kind, served in sorted(interface.types.items())]}
    if interface.root:
        rest["interaction"] = [{"code": "transaction"}]
    return encode(
        {
            "resourceType": "CapabilityStatement",
            "url": f"{ROOT}/CapabilityStatement/{interface.name}",
            "name": f"Maillage{interface.name.capitalize()}",
            "status": "active",
            "date": PUBLISHED,
            "kind": "instance",
            "instantiates": list(interface.guides),
            "software": {"name": "maillage"},
            "implementation": {"description": f"FHIR R4 interface {interface.name}", "url": base},
            "fhirVersion": "4.0.1",
            "format": ["json", "application/fhir+json"],
            "rest": [rest],
        }
    )


def _resource(kind: str, served: Served) -> dict[str, Any]:
    known = {p.code: p for p in search_parameters(kind)}
    named = [known[code] for code in served.parameters if code in known]
    made = {
        "type": kind,
        "interaction": [{"code": code} for code in served.codes()],
        "conditionalUpdate": "PUT" in served.where,
        "searchParam": [{"name": p.code, "definition": p.url, "type": p.kind} for p in named],
    }
    return {key: value for key, value in made.items() if value not in ([], False)}
