"""Audit rows as AuditEvents in the shape of IHE Basic Audit Log Patterns 1.1 (https://profiles.ihe.net/ITI/BALP)."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from typing import Any

from maillage.codes import systems
from maillage.record.types import SERVED

Json = dict[str, Any]

PROFILES = {
    **dict.fromkeys(("read", "vread"), "Read"),
    **dict.fromkeys(("search-type", "search-system"), "Query"),
    **dict.fromkeys(("update", "patch"), "Update"),
    "create": "Create",
    "delete": "Delete",
}
"""Interaction -> the pattern that its successful event follows; the others have none."""

SECURITY = {
    "login": ("110114", "User Authentication", "110122", "Login"),
    "logout": ("110114", "User Authentication", "110123", "Logout"),
    "export": ("110106", "Export", "", ""),
    "print": ("110106", "Export", "", ""),
    "break-glass": ("110113", "Security Alert", "110127", "Emergency Override Started"),
    "administration": ("110113", "Security Alert", "110137", "User Security Attributes Changed"),
    "restore": ("110113", "Security Alert", "110131", "Software Configuration"),
    "audit-log-used": ("110101", "Audit Log Used", "", ""),
}
"""Acts that are no interaction -> DICOM's code of the event and of its kind (DICOM PS3.15 A.5.1)."""

QUERIES = frozenset({"search-type", "search-system"})
SOURCE, DESTINATION = ("110153", "Source Role ID"), ("110152", "Destination Role ID")


def render(row: Any) -> Json:
    """One audit row as an AuditEvent; it claims its pattern when it has all that the pattern asks for."""
    at = row["at"].isoformat(timespec="milliseconds")
    type_, subtypes = _kind(row)
    event: Json = {"resourceType": "AuditEvent", "id": row["id"], "meta": {"versionId": "1", "lastUpdated": at}}
    if profile := _profile(row):
        event["meta"]["profile"] = [f"{systems.BALP}/StructureDefinition/IHE.BasicAudit.{profile}"]
    event |= {"type": type_, "subtype": subtypes, "action": row["action"], "recorded": at, "outcome": row["outcome"]}
    if row["outcome"] != "0":
        event["outcomeDesc"] = row["verb"] or "refused"
    event["purposeOfEvent"] = [_purpose(row)]
    event["agent"] = [agent for agent in (_client(row), _server(row), _user(row), _organization(row)) if agent]
    event["source"] = {
        "observer": {"display": row["server"] or "maillage"},
        "type": [{"system": systems.AUDIT_SOURCE_TYPE, "code": "4", "display": "Application Server"}],
    }
    if entities := [entity for entity in (_data(row), _query(row), _patient(row), _request(row)) if entity]:
        event["entity"] = entities
    return event


def _kind(row: Any) -> tuple[Json, list[Json]]:
    code = row["subtype"]
    if code in SECURITY:
        type_code, type_display, kind_code, kind_display = SECURITY[code]
        kind = {"system": systems.DICOM, "code": kind_code, "display": kind_display} if kind_code else {"code": code}
        return {"system": systems.DICOM, "code": type_code, "display": type_display}, [kind]
    rest = {"system": systems.AUDIT_EVENT_TYPE, "code": "rest", "display": "Restful Operation"}
    kinds: list[Json] = [{"system": systems.RESTFUL_INTERACTION, "code": code}]
    if row["verb"] and row["verb"] != code and code != "delete":  # the pattern of a deletion has one subtype
        kinds.append({"code": row["verb"]})
    return rest, kinds


def _profile(row: Any) -> str:
    pattern = PROFILES.get(row["subtype"])
    if pattern is None or row["outcome"] != "0" or not (row["address"] and row["server"]):
        return ""
    if pattern != "Query" and not row["res_id"]:
        return ""
    return f"Patient{pattern}" if row["patient_id"] else pattern


def _purpose(row: Any) -> Json:
    return {"coding": [{"system": systems.ACT_REASON, "code": row["purpose"]}]}


def _role(subtype: str, *, client: bool) -> Json:
    """The part that client or server has: what is read goes to the client, what is asked or written comes from it."""
    if subtype == "delete":
        if client:
            return {"coding": [{"system": systems.DICOM, "code": "110150", "display": "Application"}]}
        return {"coding": [{"system": systems.PROVENANCE_PARTICIPANT, "code": "custodian", "display": "Custodian"}]}
    to_client = subtype in {"read", "vread", "history-instance", "history-type", "history-system", "export", "print"}
    code, display = DESTINATION if client == to_client else SOURCE
    return {"coding": [{"system": systems.DICOM, "code": code, "display": display}]}


def _network(address: str) -> Json:
    """Type 2 is an address, 1 a name (https://hl7.org/fhir/R4/valueset-network-type.html); either may bear a port."""
    return {"network": {"address": address, "type": "2" if _is_address(address) else "1"}} if address else {}


def _is_address(text: str) -> bool:
    host = text.partition(":")[0] if text.count(":") == 1 else text.partition("]")[0].removeprefix("[")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _client(row: Any) -> Json:
    machine = row["actor_kind"] == "client"
    who = row["actor_id"] if machine else row["software"] or row["actor_kind"]
    agent = {"type": _role(row["subtype"], client=True), "who": {"identifier": {"value": who}}}
    if machine:
        agent["who"] |= {"display": row["actor_name"] or who}
    return agent | {"requestor": machine} | _network(row["address"])


def _server(row: Any) -> Json:
    who = {"identifier": {"value": "maillage"}, "display": "maillage"}
    return {"type": _role(row["subtype"], client=False), "who": who, "requestor": False} | _network(row["server"])


def _user(row: Any) -> Json:
    """The person who asked, with name, role and purpose; a machine client has nobody behind it."""
    if row["actor_kind"] == "client":
        return {}
    reads = row["action"] == "R" or row["subtype"] in QUERIES
    code, display = ("IRCP", "information recipient") if reads else ("AUT", "author")
    agent: Json = {"type": {"coding": [{"system": systems.PARTICIPATION_TYPE, "code": code, "display": display}]}}
    if row["roles"]:
        agent["role"] = [{"coding": [{"code": role}]} for role in row["roles"].split()]
    agent |= {"who": _person(row), "name": row["actor_name"] or row["actor_id"]}
    return agent | {"requestor": True, "purposeOfUse": [_purpose(row)]}


def _organization(row: Any) -> Json:
    """For whom it was done."""
    if not row["organization"]:
        return {}
    type_ = {"coding": [{"system": systems.PARTICIPATION_TYPE, "code": "RESP", "display": "responsible party"}]}
    return {"type": type_, "who": {"reference": f"Organization/{row['organization']}"}, "requestor": False}


def _person(row: Any) -> Json:
    if row["role_id"]:
        return {"reference": f"PractitionerRole/{row['role_id']}", "display": row["actor_name"] or row["actor_id"]}
    if row["actor_kind"] == "patient":
        return {"reference": f"Patient/{row['actor_id']}"}
    return {"identifier": {"value": row["actor_id"]}, "display": f"{row['actor_kind']} {row['actor_id']}"}


def _data(row: Any) -> Json:
    if not row["res_id"] or row["subtype"] in QUERIES:
        return {}
    named = row["res_type"] in SERVED or row["res_type"] == "AuditEvent"
    what = (
        {"reference": f"{row['res_type']}/{row['res_id']}"}
        if named
        else {"identifier": {"value": row["res_id"]}, "display": row["res_type"]}
    )
    return _entity("2", "System Object", "4", "Domain Resource") | {"what": what}


def _query(row: Any) -> Json:
    if row["subtype"] not in QUERIES:
        return {}
    asked = f"{row['res_type']}?{row['query']}" if row["subtype"] == "search-type" else f"?{row['query']}"
    return _entity("2", "System Object", "24", "Query") | {"query": b64encode(asked.encode()).decode()}


def _patient(row: Any) -> Json:
    if not row["patient_id"]:
        return {}
    return _entity("1", "Person", "1", "Patient") | {"what": {"reference": f"Patient/{row['patient_id']}"}}


def _request(row: Any) -> Json:
    if not row["request_id"]:
        return {}
    return {"type": {"system": systems.BALP_ENTITY_TYPE, "code": "XrequestId"}, "what": {"identifier": {"value": row["request_id"]}}}


def _entity(type_: str, type_display: str, role: str, role_display: str) -> Json:
    return {
        "type": {"system": systems.AUDIT_ENTITY_TYPE, "code": type_, "display": type_display},
        "role": {"system": systems.OBJECT_ROLE, "code": role, "display": role_display},
    }
