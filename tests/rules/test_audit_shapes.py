"""An audit row as an AuditEvent, word for word: codes and displays of R4, DICOM and IHE BALP 1.1 as their documents write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from maillage.codes.r4 import validate
from maillage.record import balp, trail

DCM = "http://dicom.nema.org/resources/ontology/DCM"
REST = {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest", "display": "Restful Operation"}
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PART = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
SOURCE = {"coding": [{"system": DCM, "code": "110153", "display": "Source Role ID"}]}
DESTINATION = {"coding": [{"system": DCM, "code": "110152", "display": "Destination Role ID"}]}
APPLICATION = {"coding": [{"system": DCM, "code": "110150", "display": "Application"}]}
CUSTODIAN = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": "custodian", "display": "Custodian"}]
}
ROW: dict[str, Any] = {
    "id": "event-1",
    "at": datetime(2026, 11, 16, 8, 30, 0, 123456, UTC),
    "action": "R",
    "subtype": "read",
    "verb": "",
    "outcome": "0",
    "actor_kind": "person",
    "actor_id": "practitioner-1",
    "actor_name": "Élodie Un",
    "role_id": "role-1",
    "roles": "medecin referent",
    "organization": "org-a",
    "purpose": "TREAT",
    "software": "web",
    "address": "192.0.2.7",
    "server": "maillage.example",
    "res_type": "Task",
    "res_id": "task-1",
    "patient_id": "patient-1",
    "query": "",
    "request_id": "request-1",
}


def event(**changes: Any) -> dict[str, Any]:
    made = balp.render({**ROW, **changes})
    assert validate(made) == []
    return made


def entity(type_: str, type_display: str, role: str, role_display: str, **more: Any) -> dict[str, Any]:
    return {
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": type_, "display": type_display},
        "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": role, "display": role_display},
        **more,
    }


WHY = {"coding": [{"system": REASON, "code": "TREAT"}]}
USER = {
    "type": {"coding": [{"system": PART, "code": "IRCP", "display": "information recipient"}]},
    "role": [{"coding": [{"code": "medecin"}]}, {"coding": [{"code": "referent"}]}],
    "who": {"reference": "PractitionerRole/role-1", "display": "Élodie Un"},
    "name": "Élodie Un",
    "requestor": True,
    "purposeOfUse": [WHY],
}
AGENTS = [
    {
        "type": DESTINATION,
        "who": {"identifier": {"value": "web"}},
        "requestor": False,
        "network": {"address": "192.0.2.7", "type": "2"},
    },
    {
        "type": SOURCE,
        "who": {"identifier": {"value": "maillage"}, "display": "maillage"},
        "requestor": False,
        "network": {"address": "maillage.example", "type": "1"},
    },
    USER,
    {
        "type": {"coding": [{"system": PART, "code": "RESP", "display": "responsible party"}]},
        "who": {"reference": "Organization/org-a"},
        "requestor": False,
    },
]
PATIENT = entity("1", "Person", "1", "Patient", what={"reference": "Patient/patient-1"})
REQUEST = {
    "type": {"system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "code": "XrequestId"},
    "what": {"identifier": {"value": "request-1"}},
}


def test_a_doctor_reads_a_request_of_a_patient() -> None:
    assert event() == {
        "resourceType": "AuditEvent",
        "id": "event-1",
        "meta": {
            "versionId": "1",
            "lastUpdated": "2026-11-16T08:30:00.123+00:00",
            "profile": ["https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"],
        },
        "type": REST,
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "read"}],
        "action": "R",
        "recorded": "2026-11-16T08:30:00.123+00:00",
        "outcome": "0",
        "purposeOfEvent": [WHY],
        "agent": AGENTS,
        "source": {
            "observer": {"display": "maillage.example"},
            "type": [
                {"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4", "display": "Application Server"}
            ],
        },
        "entity": [entity("2", "System Object", "4", "Domain Resource", what={"reference": "Task/task-1"}), PATIENT, REQUEST],
    }


def test_a_machine_searches_and_nobody_stands_behind_it() -> None:
    made = event(
        action="E", subtype="search-type", res_id="", actor_kind="client", actor_id="labo", actor_name="", role_id=None, query="code=42"
    )
    client, server, *others = made["agent"]
    assert client == {
        "type": SOURCE,
        "who": {"identifier": {"value": "labo"}, "display": "labo"},
        "requestor": True,
        "network": {"address": "192.0.2.7", "type": "2"},
    }
    assert server["type"] == DESTINATION
    assert [agent["type"]["coding"][0]["code"] for agent in others] == ["RESP"]
    assert made["entity"][0] == entity("2", "System Object", "24", "Query", query="VGFzaz9jb2RlPTQy")
    assert event(subtype="search-system", action="E", query="_type=Task")["entity"][0]["query"] == "P190eXBlPVRhc2s="


@pytest.mark.parametrize("subtype", ["read", "vread", "history-instance", "history-type", "history-system", "export", "print"])
def test_what_is_read_goes_from_the_server_to_the_client(subtype: str) -> None:
    assert [agent["type"] for agent in event(subtype=subtype)["agent"][:2]] == [DESTINATION, SOURCE]


@pytest.mark.parametrize("subtype", ["create", "update", "patch", "operation", "search-type", "search-system", "login"])
def test_what_is_written_or_asked_goes_from_the_client_to_the_server(subtype: str) -> None:
    made = event(subtype=subtype, action="E")
    assert [agent["type"] for agent in made["agent"][:2]] == [SOURCE, DESTINATION]
    user = {"IRCP": "information recipient", "AUT": "author"}
    code = "IRCP" if subtype.startswith("search") else "AUT"
    assert made["agent"][2]["type"] == {"coding": [{"system": PART, "code": code, "display": user[code]}]}


def test_a_deletion_is_by_an_application_at_its_custodian() -> None:
    made = event(action="D", subtype="delete", verb="withdraw")
    assert [agent["type"] for agent in made["agent"][:2]] == [APPLICATION, CUSTODIAN]
    assert made["subtype"] == [{"system": "http://hl7.org/fhir/restful-interaction", "code": "delete"}]


@pytest.mark.parametrize(
    ("subtype", "patient", "pattern"),
    [
        *(("read", "p", "PatientRead"), ("vread", None, "Read"), ("search-type", "p", "PatientQuery"), ("search-system", None, "Query")),
        *(("update", "p", "PatientUpdate"), ("patch", None, "Update"), ("create", "p", "PatientCreate"), ("delete", None, "Delete")),
        *((name, "p", "") for name in ("history-instance", "operation", "login", "export")),
    ],
)
def test_an_event_claims_the_pattern_of_its_interaction(subtype: str, patient: str | None, pattern: str) -> None:
    claimed = event(subtype=subtype, patient_id=patient)["meta"].get("profile")
    assert claimed == ([f"https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.{pattern}"] if pattern else None)


@pytest.mark.parametrize("lacking", [{"outcome": "4"}, {"address": ""}, {"server": ""}, {"res_id": ""}])
def test_an_event_that_lacks_what_its_pattern_asks_claims_none(lacking: dict[str, str]) -> None:
    assert "profile" not in event(**lacking)["meta"]


SECURITY = [
    ("login", "110114", "User Authentication", {"system": DCM, "code": "110122", "display": "Login"}),
    ("logout", "110114", "User Authentication", {"system": DCM, "code": "110123", "display": "Logout"}),
    ("export", "110106", "Export", {"code": "export"}),
    ("print", "110106", "Export", {"code": "print"}),
    ("break-glass", "110113", "Security Alert", {"system": DCM, "code": "110127", "display": "Emergency Override Started"}),
    ("administration", "110113", "Security Alert", {"system": DCM, "code": "110137", "display": "User Security Attributes Changed"}),
    ("restore", "110113", "Security Alert", {"system": DCM, "code": "110131", "display": "Software Configuration"}),
    ("audit-log-used", "110101", "Audit Log Used", {"code": "audit-log-used"}),
]


@pytest.mark.parametrize(("subtype", "code", "display", "kind"), SECURITY)
def test_acts_that_are_no_interaction_are_told_as_dicom_tells_them(subtype: str, code: str, display: str, kind: dict[str, str]) -> None:
    made = event(subtype=subtype, verb="whatever")
    assert (made["type"], made["subtype"]) == ({"system": DCM, "code": code, "display": display}, [kind])


def test_every_act_that_is_no_interaction_is_listed() -> None:
    assert set(balp.SECURITY) == {name for name, *_ in SECURITY}


def test_a_verb_of_ours_stands_beside_the_interaction() -> None:
    made = event(subtype="operation", action="E", verb="accept")
    assert made["subtype"] == [{"system": "http://hl7.org/fhir/restful-interaction", "code": "operation"}, {"code": "accept"}]
    assert len(event(verb="read")["subtype"]) == 1


def test_a_failure_says_what_it_was() -> None:
    assert "outcomeDesc" not in event()
    assert event(outcome="4", verb="not-found")["outcomeDesc"] == "not-found"
    assert event(outcome="8")["outcomeDesc"] == "refused"


@pytest.mark.parametrize(
    ("changes", "who", "name"),
    [
        ({"actor_name": ""}, {"reference": "PractitionerRole/role-1", "display": "practitioner-1"}, "practitioner-1"),
        ({"actor_kind": "patient", "actor_id": "patient-1", "role_id": None}, {"reference": "Patient/patient-1"}, "Élodie Un"),
        (
            {"actor_kind": "system", "actor_id": "worker", "role_id": None, "actor_name": ""},
            {"identifier": {"value": "worker"}, "display": "system worker"},
            "worker",
        ),
    ],
)
def test_the_person_is_named_as_well_as_it_is_known(changes: dict[str, Any], who: dict[str, Any], name: str) -> None:
    user = event(**changes)["agent"][2]
    assert (user["who"], user["name"]) == (who, name)


def test_what_is_not_known_is_left_out() -> None:
    made = event(roles="", organization="", address="", server="", software="", request_id="", patient_id=None, res_id="")
    client, server, user = made["agent"]
    assert client == {"type": DESTINATION, "who": {"identifier": {"value": "person"}}, "requestor": False}
    assert server == {"type": SOURCE, "who": {"identifier": {"value": "maillage"}, "display": "maillage"}, "requestor": False}
    assert "role" not in user
    assert made["source"]["observer"] == {"display": "maillage"}
    assert "entity" not in made


def test_what_is_no_resource_is_named_by_its_identifier() -> None:
    assert event(res_type="Session", res_id="it")["entity"][0]["what"] == {"identifier": {"value": "it"}, "display": "Session"}
    assert event(res_type="AuditEvent", res_id="it")["entity"][0]["what"] == {"reference": "AuditEvent/it"}


@pytest.mark.parametrize(
    ("address", "type_"),
    [
        *(("192.0.2.7", "2"), ("192.0.2.7:8443", "2"), ("2001:db8::7", "2"), ("[2001:db8::7]", "2"), ("[2001:db8::7]:8443", "2")),
        *(("maillage.example", "1"), ("maillage.example:8443", "1"), ("7", "1"), ("1.2", "1")),
    ],
)
def test_a_network_is_an_address_or_a_name(address: str, type_: str) -> None:
    assert event(server=address)["agent"][1]["network"] == {"address": address, "type": type_}


def test_parameters_are_of_the_types_that_r4_gives_them() -> None:
    assert {
        **dict.fromkeys(("_id", "action", "agent-role", "outcome", "subtype", "type"), "token"),
        **dict.fromkeys(("address", "agent-name"), "string"),
        **dict.fromkeys(("agent", "entity", "patient"), "reference"),
        "date": "date",
    } == trail.PARAMETERS
