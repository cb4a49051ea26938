"""References: their forms, what they may point at, contained resources, resources inside bundles."""

from typing import Any

import pytest

from maillage.codes.r4 import parse, validate


def faults(resource: Any) -> list[tuple[str, str]]:
    return [(issue.reason, issue.expression) for issue in validate(resource)]


def request(**more: Any) -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"reference": "Patient/1"}, **more}


@pytest.mark.parametrize(
    ("reference", "kind", "type_", "id_"),
    [
        ("Patient/1", "literal", "Patient", "1"),
        ("Patient/019a2b3c-7d00-7abc-8def-0123456789ab", "literal", "Patient", "019a2b3c-7d00-7abc-8def-0123456789ab"),
        ("Patient/1/_history/3", "literal", "Patient", "1"),
        ("https://a.example/fhir/Patient/1", "literal", "Patient", "1"),
        ("https://a.example/fhir/Patient/1/_history/2", "literal", "Patient", "1"),
        ("urn:uuid:019a2b3c-7d00-7abc-8def-0123456789ab", "absolute", "", ""),
        ("urn:oid:1.2.3", "absolute", "", ""),
        ("https://a.example/page", "absolute", "", ""),
        ("#p1", "local", "", "p1"),
        ("#", "local", "", ""),
        ("Patient?identifier=a|b", "conditional", "Patient", ""),
        ("Patient/", "unknown", "", ""),
        ("Patients/1", "unknown", "", ""),
        ("Patient/a b", "unknown", "", ""),
        ("1", "unknown", "", ""),
        ("some/Patient/1", "unknown", "", ""),
    ],
)
def test_a_reference_is_taken_apart(reference: str, kind: str, type_: str, id_: str) -> None:
    target = parse(reference)
    assert (target.kind, target.type, target.id) == (kind, type_, id_)


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ({"reference": "Patient/1"}, None),
        ({"reference": "Group/1"}, None),
        ({"reference": "https://a.example/fhir/Patient/1"}, None),
        ({"reference": "urn:uuid:019a2b3c-7d00-7abc-8def-0123456789ab"}, None),
        ({"identifier": {"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "1"}, "type": "Patient"}, None),
        ({"display": "M. Durand"}, None),
        ({"type": "https://a.example/own", "display": "x"}, None),
        ({"reference": "Practitioner/1"}, ("reference-target", "ServiceRequest.subject.reference")),
        ({"reference": "https://a.example/Organization/1"}, ("reference-target", "ServiceRequest.subject.reference")),
        ({"type": "Practitioner", "display": "x"}, ("reference-target", "ServiceRequest.subject.type")),
        ({"reference": "Malade/1"}, ("reference-form", "ServiceRequest.subject.reference")),
        ({"reference": "#nobody"}, ("ref-1", "ServiceRequest.subject.reference")),
        ({"reference": "#"}, ("ref-1", "ServiceRequest.subject.reference")),
        ({"reference": 4}, ("format", "ServiceRequest.subject.reference")),
        ({"reference": ""}, ("format", "ServiceRequest.subject.reference")),
        ({}, ("empty", "ServiceRequest.subject")),
        ("Patient/1", ("wrong-type", "ServiceRequest.subject")),
    ],
)
def test_a_reference_points_at_what_it_may(subject: Any, fault: tuple[str, str] | None) -> None:
    assert faults(request(subject=subject)) == ([fault] if fault else [])


def test_a_contained_resource_is_found_and_used() -> None:
    contained = {"resourceType": "Practitioner", "id": "p1", "name": [{"family": "Leclerc"}]}
    assert faults(request(contained=[contained], requester={"reference": "#p1"})) == []
    assert faults(request(contained=[contained], subject={"reference": "#p1"})) == [
        ("reference-target", "ServiceRequest.subject.reference")
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"id": "other"}, "dom-3"),
        ({"meta": {"versionId": "1"}}, "dom-4"),
        ({"meta": {"lastUpdated": "2026-11-22T09:30:00Z"}}, "dom-4"),
        ({"meta": {"security": [{"code": "R"}]}}, "dom-5"),
        (
            {"contained": [{"resourceType": "Organization", "id": "o", "name": "x"}], "extension": [{"url": "http://a", "valueUri": "#o"}]},
            "dom-2",
        ),
        ({"resourceType": "Praticien"}, "resource-type"),
        ({"nom": "x"}, "unknown-element"),
    ],
)
def test_a_contained_resource_follows_its_rules(change: dict[str, Any], fault: str | None) -> None:
    contained = {"resourceType": "Practitioner", "id": "p1", "name": [{"family": "Leclerc"}], **change}
    found = {reason for reason, _ in faults(request(contained=[contained], requester={"reference": "#p1"}))}
    assert fault in found if fault else not found


def test_a_contained_resource_may_point_at_its_container() -> None:
    provenance = {
        "resourceType": "Provenance",
        "id": "v",
        "target": [{"reference": "#"}],
        "recorded": "2026-11-22T09:30:00Z",
        "agent": [{"who": {"display": "x"}}],
    }
    assert faults(request(contained=[provenance])) == []


def bundle(*resources: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}


def test_each_resource_of_a_bundle_has_its_own_contained_ones() -> None:
    inner = request(contained=[{"resourceType": "Practitioner", "id": "p1", "active": True}], requester={"reference": "#p1"})
    assert faults(bundle(inner, request())) == []
    assert faults(bundle(inner, request(requester={"reference": "#p1"}))) == [("ref-1", "Bundle.entry[1].resource.requester.reference")]


def test_faults_inside_a_bundle_have_their_full_path() -> None:
    assert faults(bundle({"resourceType": "Patient", "gender": "M"})) == [("code-unknown", "Bundle.entry[0].resource.gender")]
    assert faults(bundle({"gender": "male"})) == [("resource-type", "Bundle.entry[0].resource")]
    assert faults(bundle([])) == [("wrong-type", "Bundle.entry[0].resource")]
