"""Capabilities: made from the code that serves, so that it cannot promise more (https://hl7.org/fhir/R4/http.html#capabilities)."""

from __future__ import annotations

from typing import Any

from maillage import __name__ as software
from maillage.codes.json import encode
from maillage.codes.r4.search import SearchParameter, compartments, search_parameters
from maillage.codes.systems import ROOT
from maillage.directory import KEPT_TYPES
from maillage.doors.fhir import negotiation, patches
from maillage.doors.fhir.context import AUDIT_TYPE, READABLE, Registry
from maillage.doors.fhir.intake import READ_ONLY
from maillage.doors.fhir.interactions.definitions import PARAMETERS as DEFINITION_PARAMETERS
from maillage.doors.fhir.kinds import DEFINITIONS
from maillage.doors.fhir.oauth import discovery
from maillage.doors.fhir.operations.table import OPERATIONS as DOOR_OPERATIONS
from maillage.doors.fhir.operations.table import SYSTEM, DoorOperation
from maillage.kernel.operations import Operation
from maillage.messaging import subscriptions
from maillage.record import AUDIT_PARAMETERS, index
from maillage.record.criteria import NOT_SERVED, modifiers

PUBLISHED = "2026-11-22"
COMMON = ("_id", "_lastUpdated", "_profile", "_security", "_source", "_tag")
SEARCHED = (
    "Searches: chains and _has, several levels deep; _include and _revinclude with :iterate and *; _sort on several keys; pages of at most 200. "
    f"Refused with 400, as they would be ignored elsewhere: {', '.join(sorted(NOT_SERVED - {'_type'}))}."
)
READS = ("read", "vread", "history-instance", "history-type", "search-type")
TOKENS = (
    "Bearer token, had by SMART backend services (private_key_jwt, five minutes). Scopes in the first form (system/Task.read) or the second, with a query "
    "(system/Observation.rs?category=laboratory): it holds on every path, and what it cannot hold on is not granted. A client is pinned to organisations. "
    "A client may be given a prefix: it then creates resources by PUT under ids that begin with it."
)


def statement(registry: Registry, base: str) -> bytes:
    """The CapabilityStatement."""
    resource = {
        "resourceType": "CapabilityStatement",
        "url": f"{ROOT}/CapabilityStatement/maillage",
        "name": "Maillage",
        "title": "maillage: coordination of care in one territory",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": software},
        "implementation": {"description": "FHIR R4 interface", "url": base},
        "fhirVersion": "4.0.1",
        "format": list(negotiation.FORMATS),
        "patchFormat": list(patches.FORMATS),
        "implementationGuide": ["https://hl7.fr/ig/fhir/core/ImplementationGuide/hl7.fhir.fr.core"],
        "rest": [_rest(registry, base)],
    }
    return encode(resource)


def _rest(registry: Registry, base: str) -> dict[str, Any]:
    whole = [_published(operation) for operation in DOOR_OPERATIONS if SYSTEM in operation.levels]
    return {
        "mode": "server",
        "documentation": SEARCHED,
        "security": _security(base),
        "resource": [_described(registry, kind) for kind in sorted(READABLE | DEFINITIONS | {"Binary"})],
        "interaction": [{"code": code} for code in ("transaction", "batch", "history-system", "search-system")],
        "operation": whole,
        "searchParam": [_parameter(p) for p in search_parameters("Basic") if p.code in COMMON],
        "compartment": [f"http://hl7.org/fhir/CompartmentDefinition/{name.lower()}" for name in compartments()],
    }


TOPICS = [
    {"url": f"{subscriptions.BACKPORT}capabilitystatement-subscriptiontopic-canonical", "valueCanonical": topic.url}
    for topic in subscriptions.TOPICS
]
FOLLOWED = (
    "Topic-based subscriptions (R5 Backport STU 1.1): rest-hook to an address that the operator approved, id-only or empty, signed as Standard Webhooks say. "
    + " ".join(f"{topic.url} takes {', '.join(sorted(topic.filters))}." for topic in subscriptions.TOPICS)
)
BINARIES = "The bytes of a document, to who may read the DocumentReference of the same id; always as a Binary resource, never bare."


def _security(base: str) -> dict[str, Any]:
    """SMART: how scopes are read and where tokens are had, as `.well-known/smart-configuration` says it."""
    return {
        "extension": discovery.extensions(base),
        "cors": False,
        "service": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}]}],
        "description": TOKENS,
    }


def _described(registry: Registry, kind: str) -> dict[str, Any]:
    if kind in DEFINITIONS:
        return _definition_type(kind)
    if kind == "Binary":
        return {"type": kind, "documentation": BINARIES, "interaction": [{"code": "read"}], "versioning": "no-version"}
    return _audit_type() if kind == AUDIT_TYPE else _resource(registry, kind)


def _definition_type(kind: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "searchParam": [{"name": name, "type": type_} for name, type_ in DEFINITION_PARAMETERS],
        "operation": [_published(operation) for operation in DOOR_OPERATIONS if operation.serves(kind)],
    }
    return {key: value for key, value in described.items() if value != []}


def _resource(registry: Registry, kind: str) -> dict[str, Any]:
    profiles = [one["url"] for one in registry.definitions.profiles.resources() if one["type"] == kind]
    described: dict[str, Any] = {"type": kind, "supportedProfile": profiles}
    claim = registry.intake.get(kind)
    if kind == "Subscription":
        described |= {"extension": TOPICS, "documentation": FOLLOWED}
    elif claim:
        described["documentation"] = (
            "A resource addressed to a service of ours is moved by verbs: a create becomes the verb of its room, "
            "an update is answered by 422 and the name of the verb. Any other is kept whole."
        )
    described |= {
        "interaction": [{"code": code} for code in _interactions(kind)],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": kind not in READ_ONLY,
        "conditionalRead": "full-support",
        "conditionalUpdate": kind not in READ_ONLY,
        "conditionalDelete": _conditional_delete(registry, kind),
        "referencePolicy": ["literal", "logical", "local"],
        "searchInclude": ["*", *(f"{kind}:{code}" for code in index.reference_codes(kind))],
        "searchRevInclude": _reverse(kind),
        "searchParam": _parameters(kind),
    }
    operations = [_operation(operation) for key, operation in sorted(registry.operations.items()) if key[0] == kind]
    described["operation"] = [*operations, *(_published(operation) for operation in DOOR_OPERATIONS if operation.serves(kind))]
    return {key: value for key, value in described.items() if value != []}


def _interactions(kind: str) -> tuple[str, ...]:
    if kind in READ_ONLY:
        return READS
    if kind == "Patient" or kind in KEPT_TYPES:
        return (*READS, "create", "update", "patch")
    return (*READS, "create", "update", "patch", "delete")


def _conditional_delete(registry: Registry, kind: str) -> str:
    if "delete" not in _interactions(kind):
        return "not-supported"
    return "multiple" if registry.policy.delete_several else "single"


def _parameters(kind: str) -> list[dict[str, Any]]:
    common = [_parameter(p) for p in search_parameters(kind) if p.code in COMMON]
    return [*common, *(_parameter(p, modifiers(p)) for p in index.parameters(kind).values())]


def _parameter(parameter: SearchParameter, known: tuple[str, ...] = ()) -> dict[str, Any]:
    """A parameter under its published address, with the modifiers that it takes."""
    made = {"name": parameter.code, "definition": parameter.url, "type": parameter.kind}
    return made | ({"documentation": f"Modifiers: {', '.join(known)}."} if known else {})


def _reverse(kind: str) -> list[str]:
    return [
        f"{source}:{code}"
        for source in sorted(READABLE - {AUDIT_TYPE})
        for code in index.reference_codes(source)
        if kind in index.targets(index.parameters(source)[code])
    ]


def _operation(operation: Operation) -> dict[str, Any]:
    level = "[id]/" if operation.on_instance else ""
    return {
        "name": operation.name,
        "definition": f"{ROOT}/OperationDefinition/{operation.type}-{operation.name}",
        "documentation": f"{'POST' if operation.writes else 'GET or POST'} {operation.type}/{level}${operation.name}: {_signature(operation)}",
    }


def _published(operation: DoorOperation) -> dict[str, Any]:
    return {"name": operation.name, "definition": operation.definition}


def _signature(operation: Operation) -> str:
    def one(name: str, type_: str, *, required: bool, many: bool) -> str:
        return f"{name} ({type_}{', required' if required else ''}{', repeats' if many else ''})"

    listed = [one(p.name, p.type, required=p.required, many=p.many) for p in operation.parameters]
    return ", ".join(listed) or "no parameter"


def _audit_type() -> dict[str, Any]:
    return {
        "type": AUDIT_TYPE,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": name, "type": type_} for name, type_ in AUDIT_PARAMETERS.items()],
    }
