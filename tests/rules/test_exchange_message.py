"""A step as FHIR: what a peer is given of a patient, of a request, of what was brought with a verb."""

from __future__ import annotations

from typing import Any

from maillage import referrals
from maillage.journeys.exchange import bundle, named_patient, parameters

DECLARED = {operation.name: operation.parameters for operation in referrals.OPERATIONS}


def told(verb: str, given: dict[str, Any], *, diary_there: bool = False) -> list[dict[str, Any]]:
    return list(parameters(verb, DECLARED[verb], given, diary_there=diary_there).get("parameter", []))


def test_a_patient_keeps_what_is_known_and_gets_our_id_of_it_as_an_identifier() -> None:
    patient = {"resourceType": "Patient", "id": "p1", "meta": {"versionId": "3"}, "identifier": [{"value": "1"}], "gender": "female"}
    there, condition = named_patient(patient)
    assert there == {
        "resourceType": "Patient",
        "identifier": [{"value": "1"}, {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:p1"}],
        "gender": "female",
    }
    assert condition == "identifier=urn:ietf:rfc:3986|urn:uuid:p1"


def test_a_request_goes_as_a_draft_for_the_services_of_the_peer_about_the_patient_as_it_is_named_there() -> None:
    request = {
        "resourceType": "ServiceRequest",
        "id": "r1",
        "meta": {"versionId": "2"},
        "status": "revoked",
        "subject": {"reference": "Patient/p1"},
        "performer": [{"reference": "HealthcareService/a"}, {"reference": "HealthcareService/b"}],
        "supportingInfo": [{"reference": "DocumentReference/photo"}],
    }
    form = {"resourceType": "QuestionnaireResponse", "id": "q1", "status": "completed", "subject": {"reference": "Patient/p1"}}
    made = bundle(request, form, ["b"], "p9")
    draft, answers = (entry["resource"] for entry in made["entry"])
    assert [entry["request"]["url"] for entry in made["entry"]] == ["ServiceRequest/r1", "QuestionnaireResponse/q1"]
    assert (draft["status"], draft["performer"]) == ("draft", [{"reference": "HealthcareService/b"}])
    assert draft["subject"] == answers["subject"] == {"reference": "Patient/p9"}
    assert not {"meta", "supportingInfo"} & draft.keys()
    assert len(bundle(request, None, ["b"], "p9")["entry"]) == 1


def test_what_was_brought_is_told_in_its_types() -> None:
    assert told("accept", {"priority": "urgent", "reason": "worsened"}) == [
        {"name": "priority", "valueCode": "urgent"},
        {"name": "reason", "valueCode": "worsened"},
    ]
    assert told("answer-info", {"answers": [{"number": 1, "answer": "non"}, {"number": 2, "cannot": True}]}) == [
        {"name": "answers", "part": [{"name": "number", "valueInteger": 1}, {"name": "answer", "valueString": "non"}]},
        {"name": "answers", "part": [{"name": "number", "valueInteger": 2}, {"name": "cannot", "valueBoolean": True}]},
    ]
    assert told("redirect", {"service": "percy-hge", "reason": "age"})[0] == {
        "name": "service",
        "valueReference": {"reference": "HealthcareService/percy-hge"},
    }
    assert told("open", {}) == []


def test_an_appointment_is_named_only_where_the_diary_is_not() -> None:
    place = {"appointment_id": "a1", "start": "2026-12-01T13:00:00Z", "end": "2026-12-01T13:20:00Z", "contact": "appel"}
    assert [part["name"] for part in told("book", place)] == ["appointment_id", "start", "end", "contact"]
    assert [part["name"] for part in told("book", place, diary_there=True)] == ["contact"]
    seen = {"start": "2026-12-01T13:00:00Z", "encounter_id": "e1", "encounter_class": "AMB"}
    assert [part["name"] for part in told("mark-seen", seen)] == ["start"], "a visit is written on each side"
