"""What IHE Basic Audit Log Patterns 1.1.3 asks of an event, written out from its profiles: the package itself is on no registry that set-up reaches."""

from __future__ import annotations

from typing import Any

PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
ENTITY, ROLE = "http://terminology.hl7.org/CodeSystem/audit-entity-type", "http://terminology.hl7.org/CodeSystem/object-role"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CUSTODIAN = ("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian")
SOURCE, DESTINATION, APPLICATION = (DCM, "110153"), (DCM, "110152"), (DCM, "110150")
DATA_SOURCES = {"AUT", "INF", "CST"}
PATTERNS: dict[str, tuple[str, set[str], Any, Any, set[str]]] = {
    "Create": ("C", {"create"}, SOURCE, DESTINATION, DATA_SOURCES),
    "Read": ("R", {"read", "vread"}, DESTINATION, SOURCE, {"IRCP"}),
    "Update": ("U", {"update", "patch"}, SOURCE, DESTINATION, DATA_SOURCES),
    "Delete": ("D", {"delete"}, APPLICATION, CUSTODIAN, DATA_SOURCES),
    "Query": ("E", {"search", "search-type", "search-system"}, SOURCE, DESTINATION, {"IRCP"}),
}
"""Pattern -> action, one of these interactions, type of client, of server, types of a user."""


def pattern_of(event: dict[str, Any]) -> str:
    """The pattern that an event claims."""
    [claimed] = event["meta"].get("profile", [""])
    return str(claimed).removeprefix(PROFILE)


def faults(event: dict[str, Any]) -> list[str]:
    """What of the claimed pattern does not hold."""
    name = pattern_of(event)
    action, interactions, client, server, users = PATTERNS[name.removeprefix("Patient")]
    held = {
        "type": _coding(event["type"]) == ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest"),
        "subtype": bool(
            {c["code"] for c in event["subtype"] if c.get("system") == "http://hl7.org/fhir/restful-interaction"} & interactions
        ),
        "one subtype": name.removeprefix("Patient") != "Delete" or len(event["subtype"]) == 1,
        "action": event["action"] == action,
        "recorded": bool(event["recorded"]),
        "outcome": event["outcome"] == "0",
        "agents": len(event["agent"]) >= 2,
        "client": _is_machine(event, client),
        "server": _is_machine(event, server),
        "user": all(_is_user(agent) for agent in _agents(event, PARTICIPATION) if agent["type"]["coding"][0]["code"] in users),
        "a requestor": any(agent["requestor"] for agent in event["agent"]),
        "transaction": all(entity["what"]["identifier"]["value"] for entity in _entities(event, "XrequestId")),
        **_entity_rules(event, name),
    }
    return [rule for rule, kept in held.items() if not kept]


def _entity_rules(event: dict[str, Any], name: str) -> dict[str, bool]:
    objects, people = _entities(event, "2"), _entities(event, "1")
    rules = {"one object": len(objects) == 1}
    if name.endswith("Query"):
        rules["query"] = all(e["role"]["code"] == "24" and e["query"] and "what" not in e for e in objects)
    else:
        rules["data"] = all(e["role"]["code"] in {"3", "4", "20"} and e["what"] for e in objects)
    if name.startswith("Patient"):
        rules["patient"] = [e["what"]["reference"].startswith("Patient/") and e["role"] == people[0]["role"] for e in people] == [True]
        rules["role of the patient"] = _coding(people[0]["role"]) == (ROLE, "1") if people else False
    return rules


def _coding(coding: dict[str, Any]) -> tuple[str, str]:
    return coding["system"], coding["code"]


def _agents(event: dict[str, Any], system: str) -> list[dict[str, Any]]:
    return [agent for agent in event["agent"] if agent["type"]["coding"][0]["system"] == system]


def _is_machine(event: dict[str, Any], wanted: tuple[str, str]) -> bool:
    found = [agent for agent in event["agent"] if _coding(agent["type"]["coding"][0]) == wanted]
    return len(found) == 1 and bool(found[0]["who"]) and bool(found[0]["network"]["address"]) and "media" not in found[0]


def _is_user(agent: dict[str, Any]) -> bool:
    return bool(agent["who"]) and agent["requestor"] is True and not {"media", "network"} & set(agent)


def _entities(event: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [entity for entity in event.get("entity", []) if entity["type"]["code"] == code]
