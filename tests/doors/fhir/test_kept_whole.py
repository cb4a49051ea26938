"""What no room decides on lives here as on any FHIR server: each type is created, read as XML, updated, patched, found and deleted."""

from __future__ import annotations

from typing import Any

import pytest
from tests.doors.fhir.conftest import Caller

from maillage import directory
from maillage.codes.json import decode
from maillage.doors.fhir import xml
from maillage.doors.fhir.intake import READ_ONLY
from maillage.record import SERVED

pytestmark = pytest.mark.asyncio

TEXT = {"text": "x"}
HERE = {"reference": "Patient/elsewhere"}
ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}
CONDITION = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
SCOPE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]}
OTHER = {"coding": [{"system": "http://example.org/type", "code": "other"}]}

LEAST: dict[str, dict[str, Any]] = {
    "AllergyIntolerance": {"clinicalStatus": ACTIVE, "patient": HERE},
    "Appointment": {"status": "proposed", "participant": [{"actor": HERE, "status": "accepted"}]},
    "AppointmentResponse": {"appointment": {"reference": "Appointment/x"}, "participantStatus": "accepted", "actor": HERE},
    "Basic": {"code": TEXT},
    "CareTeam": {"name": "x"},
    "Communication": {"status": "completed"},
    "CommunicationRequest": {"status": "active"},
    "Composition": {"status": "final", "type": TEXT, "date": "2026-11-22", "author": [{"display": "x"}], "title": "x"},
    "Condition": {"clinicalStatus": CONDITION, "subject": HERE},
    "Consent": {"status": "active", "scope": SCOPE, "category": [TEXT], "patient": HERE, "policyRule": TEXT},
    "DiagnosticReport": {"status": "final", "code": TEXT},
    "DocumentReference": {"status": "current", "content": [{"attachment": {"title": "x"}}]},
    "Encounter": {"status": "planned", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
    "Endpoint": {"status": "active", "connectionType": OTHER["coding"][0], "payloadType": [TEXT], "address": "https://x.example/y"},
    "EpisodeOfCare": {"status": "active", "patient": HERE},
    "Group": {"type": "person", "actual": True},
    "HealthcareService": {"name": "x"},
    "List": {"status": "current", "mode": "working"},
    "Location": {"name": "x"},
    "Media": {"status": "completed", "content": {"title": "x"}},
    "MedicationStatement": {"status": "active", "medicationCodeableConcept": TEXT, "subject": HERE},
    "Observation": {"status": "final", "code": TEXT, "valueQuantity": {"value": 4.5}},
    "Organization": {"name": "x"},
    "OrganizationAffiliation": {"active": True},
    "Patient": {"name": [{"family": "x"}]},
    "PlanDefinition": {"status": "draft"},
    "Practitioner": {"name": [{"family": "x"}]},
    "PractitionerRole": {"active": True},
    "Procedure": {"status": "completed", "subject": HERE},
    "Questionnaire": {"status": "draft"},
    "QuestionnaireResponse": {"status": "completed"},
    "RelatedPerson": {"patient": HERE},
    "Schedule": {"actor": [{"display": "x"}]},
    "ServiceRequest": {"status": "active", "intent": "order", "subject": HERE},
    "Slot": {"schedule": {"reference": "Schedule/x"}, "status": "free", "start": "2026-12-01T08:00:00Z", "end": "2026-12-01T08:20:00Z"},
    "Subscription": {
        "status": "requested",
        "reason": "x",
        "criteria": "Task?",
        "channel": {"type": "rest-hook", "endpoint": "https://x.example"},
    },
    "Task": {"status": "requested", "intent": "order"},
}


@pytest.fixture
def language() -> list[dict[str, Any]]:
    return [{"op": "add", "path": "/language", "value": "fr"}]


async def test_the_life_of_each_type(ours: Caller, language: list[dict[str, Any]]) -> None:
    assert set(LEAST) == set(SERVED) - READ_ONLY
    for kind, least in LEAST.items():
        made = await ours.make({"resourceType": kind, **least})
        address = f"/fhir/{kind}/{made['id']}"
        as_xml = await ours.get(f"{address}?_format=xml")
        assert xml.read(as_xml.content) == decode((await ours.get(address)).content), kind
        tagged = {**made, "meta": {"tag": [{"system": "urn:x", "code": kind}]}}
        sent = xml.write(
            (await ours.get(address)).content.replace(b'"meta":{', b'"meta":{"tag":[{"system":"urn:x","code":"%s"}],' % kind.encode())
        )
        updated = await ours.put(address, content=sent, headers={"if-match": 'W/"1"', "content-type": "application/fhir+xml"})
        assert (updated.status_code, updated.json()["meta"]["tag"]) == (200, tagged["meta"]["tag"]), (kind, updated.text)
        patched = await ours.patch(address, json=language, headers={"if-match": 'W/"2"', "content-type": "application/json-patch+json"})
        assert (patched.status_code, patched.json().get("language")) == (200, "fr"), (kind, patched.text)
        assert [v["response"]["etag"] for v in (await ours.get(f"{address}/_history")).json()["entry"]] == ['W/"3"', 'W/"2"', 'W/"1"'], kind
        found = (await ours.get(f"/fhir/{kind}?_tag=urn:x|{kind}")).json()
        assert [entry["resource"]["id"] for entry in found["entry"]] == [made["id"]], kind
        deleted = await ours.delete(address, headers={"if-match": 'W/"3"'})
        if kind == "Patient" or kind in directory.KEPT_TYPES:
            assert (deleted.status_code, (await ours.get(address)).status_code) == (422, 200), kind
        else:
            assert (deleted.status_code, (await ours.get(address)).status_code) == (204, 410), kind
