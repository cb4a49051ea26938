"""R4 structure: each fault of a resource is found, named and placed; all of them at once."""

from typing import Any

import pytest

from maillage.codes.r4 import resource_types, structure, validate

PATIENT = {"resourceType": "Patient", "name": [{"family": "Durand"}]}
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "Poids"}}


def faults(resource: Any, expected: str | None = None) -> list[tuple[str, str]]:
    return [(issue.reason, issue.expression) for issue in validate(resource, expected)]


def patient(**more: Any) -> dict[str, Any]:
    return {**PATIENT, **more}


def observation(**more: Any) -> dict[str, Any]:
    return {**OBSERVATION, **more}


def test_there_are_146_resource_types_each_with_its_structure() -> None:
    assert len(resource_types()) == 146
    for name in resource_types():
        elements = structure(name).elements
        assert elements
        assert len({e.name for e in elements}) == len(elements)


@pytest.mark.parametrize(
    ("resource", "fault"),
    [
        (patient(nom="Durand"), ("unknown-element", "Patient.nom")),
        (patient(contact=[{"nam": {"text": "x"}, "name": {"text": "y"}}]), ("unknown-element", "Patient.contact[0].nam")),
        (patient(name={"family": "Durand"}), ("wrong-type", "Patient.name")),
        (patient(name=[]), ("empty", "Patient.name")),
        (patient(name=[{}]), ("empty", "Patient.name[0]")),
        (patient(name=[{"id": "a"}]), ("empty", "Patient.name[0]")),
        (patient(name=["Durand"]), ("wrong-type", "Patient.name[0]")),
        (patient(name=[None]), ("wrong-type", "Patient.name[0]")),
        (patient(birthDate=["1974-12-25"]), ("wrong-type", "Patient.birthDate")),
        (patient(birthDate=None), ("null", "Patient.birthDate")),
        (patient(birthDate={"value": "1974"}), ("wrong-type", "Patient.birthDate")),
        (patient(birthDate=""), ("format", "Patient.birthDate")),
        (patient(active="true"), ("format", "Patient.active")),
        (patient(gender="M"), ("code-unknown", "Patient.gender")),
        (patient(gender=["male"]), ("wrong-type", "Patient.gender")),
        (patient(maritalStatus=[{"text": "x"}]), ("wrong-type", "Patient.maritalStatus")),
        (patient(deceasedBoolean=True, deceasedDateTime="2026"), ("choice-conflict", "Patient.deceased")),
        (patient(deceased=True), ("unknown-element", "Patient.deceased")),
        (patient(multipleBirthInteger=1, _multipleBirthBoolean={"id": "a"}), ("choice-conflict", "Patient.multipleBirth")),
        (patient(communication=[{"preferred": True}]), ("required", "Patient.communication[0].language")),
        (patient(id="a b"), ("format", "Patient.id")),
        (patient(id="x" * 65), ("format", "Patient.id")),
        (patient(meta={"profile": "x"}), ("wrong-type", "Patient.meta.profile")),
        (patient(fhir_comments=["x"]), ("unknown-element", "Patient.fhir_comments")),
        (patient(name=[{"family": "D", "resourceType": "HumanName"}]), ("unknown-element", "Patient.name[0].resourceType")),
        ({"resourceType": "Observation", "code": {"text": "x"}}, ("required", "Observation.status")),
        ({"resourceType": "Observation", "status": "final"}, ("required", "Observation.code")),
        (observation(valueQuantity="4.2"), ("wrong-type", "Observation.value.ofType(Quantity)")),
        (observation(valueQuantity={"value": "4.2"}), ("format", "Observation.value.ofType(Quantity).value")),
        (observation(valueAddress={"text": "x"}), ("unknown-element", "Observation.valueAddress")),
        (observation(valueInteger=1, valueString="x"), ("choice-conflict", "Observation.value")),
        ({"resourceType": "Provenance"}, ("required", "Provenance.target")),
        ({"resourceType": "Appointment", "status": "booked"}, ("required", "Appointment.participant")),
    ],
)
def test_one_fault_is_found_where_it_is(resource: dict[str, Any], fault: tuple[str, str]) -> None:
    assert fault in faults(resource)


@pytest.mark.parametrize(
    "resource",
    [
        PATIENT,
        {"resourceType": "Patient"},
        patient(birthDate="1974-12-25", _birthDate={"extension": [{"url": "http://a", "valueString": "x"}]}),
        patient(_birthDate={"extension": [{"url": "http://a", "valueCode": "unknown"}]}),
        patient(_gender={"id": "a"}, gender="male"),
        patient(name=[{"given": ["Jean", None], "_given": [None, {"extension": [{"url": "http://a", "valueCode": "masked"}]}]}]),
        patient(name=[{"_given": [{"extension": [{"url": "http://a", "valueCode": "masked"}]}]}]),
        observation(_status={"extension": [{"url": "http://a", "valueCode": "unknown"}], "id": "s"}),
        {
            "resourceType": "Observation",
            "_status": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]},
            "code": {"text": "x"},
        },
        patient(multipleBirthInteger=2, _multipleBirthInteger={"id": "a"}),
        {"resourceType": "Binary", "contentType": "text/plain", "data": "SGVsbG8="},
        {"resourceType": "Parameters", "parameter": [{"name": "a", "part": [{"name": "b", "valueCode": "c"}]}]},
    ],
)
def test_what_the_specification_allows_is_accepted(resource: dict[str, Any]) -> None:
    assert validate(resource) == []


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ({"given": [None]}, ("null", "Patient.name[0].given[0]")),
        ({"given": ["A"], "_given": [None, {"id": "x"}]}, ("length", "Patient.name[0].given")),
        ({"given": [None], "_given": [None]}, ("null", "Patient.name[0].given[0]")),
        ({"_given": [None]}, ("null", "Patient.name[0].given[0]")),
        ({"given": ["A"], "_given": {"id": "x"}}, ("wrong-type", "Patient.name[0].given")),
        ({"given": [["A"]]}, ("wrong-type", "Patient.name[0].given[0]")),
        ({"given": "A"}, ("wrong-type", "Patient.name[0].given")),
        ({"_family": {"value": "x"}}, ("unknown-element", "Patient.name[0].family.value")),
        ({"_family": {}}, ("empty", "Patient.name[0].family")),
        ({"_family": {"id": "only"}}, ("empty", "Patient.name[0].family")),
        ({"_family": [{"id": "x"}]}, ("wrong-type", "Patient.name[0].family")),
        ({"_period": {"id": "x"}, "text": "x"}, ("unknown-element", "Patient.name[0]._period")),
    ],
)
def test_primitive_extensions_stand_beside_their_values(names: dict[str, Any], fault: tuple[str, str]) -> None:
    assert fault in faults(patient(name=[names]))


def test_every_fault_is_told_at_once() -> None:
    wrong = patient(gender="M", birthDate="1974-13-01", nom="x", telecom=[{"system": "phone", "rank": 0}])
    assert set(faults(wrong)) == {
        ("code-unknown", "Patient.gender"),
        ("format", "Patient.birthDate"),
        ("unknown-element", "Patient.nom"),
        ("format", "Patient.telecom[0].rank"),
    }


def test_a_sentence_helps_the_person_who_reads_it() -> None:
    said = {issue.expression: issue.details for issue in validate(patient(nam=[], gender="M"))}
    assert said["Patient.nam"] == "Patient has no element 'nam'; did you mean name?"
    assert said["Patient.gender"] == "gender is 'M', not one of: female, male, other, unknown."


def test_issues_stop_at_one_hundred() -> None:
    assert len(validate(patient(name=[{"family": 1}] * 500))) == 100


def test_the_type_must_be_known_and_the_expected_one() -> None:
    assert faults(PATIENT, "Patient") == []
    assert faults(PATIENT, "Practitioner") == [("resource-type", "")]
    assert faults({"resourceType": "Patients"}) == [("resource-type", "")]
    assert "did you mean Patient" in validate({"resourceType": "Patients"})[0].details
    assert faults({}) == [("resource-type", "")]
    assert faults({"resourceType": ["Patient"]}) == [("resource-type", "")]
    for other in ([], "x", None, 4):
        assert faults(other) == [("not-an-object", "")]


def test_nesting_stops_at_a_depth() -> None:
    item: dict[str, Any] = {"linkId": "z", "type": "string"}
    for level in range(80):
        item = {"linkId": str(level), "type": "group", "item": [item]}
    wrong = {"resourceType": "Questionnaire", "status": "draft", "item": [item]}
    assert "too-deep" in {reason for reason, _ in faults(wrong)}


@pytest.mark.parametrize(
    ("extension", "fault"),
    [
        ({"url": "http://a", "valueString": "x"}, None),
        ({"url": "http://a", "extension": [{"url": "inner", "valueString": "x"}]}, None),
        ({"url": "http://a", "extension": [{"url": "inner", "valueString": "x"}], "valueString": "y"}, "ext-1"),
        ({"url": "http://a"}, "ext-1"),
        ({"url": "http://a", "id": "x"}, "ext-1"),
        ({"url": "relative", "valueString": "x"}, "ext-url"),
        ({"valueString": "x"}, "required"),
        ({"url": "http://a b", "valueString": "x"}, "format"),
        ({"url": "http://a", "valueString": "x", "valueCode": "y"}, "choice-conflict"),
        ({"url": "http://a", "valueNothing": "x"}, "unknown-element"),
    ],
)
def test_an_extension_has_a_url_and_one_content(extension: dict[str, Any], fault: str | None) -> None:
    assert (
        (fault in {reason for reason, _ in faults(patient(extension=[extension]))})
        if fault
        else faults(patient(extension=[extension])) == []
    )


@pytest.mark.parametrize(
    ("concept", "right"),
    [
        ({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}, True),
        ({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "en cours"}]}, False),
        ({"coding": [{"system": "http://other", "code": "active"}]}, False),
        ({"text": "active"}, False),
        (
            {
                "coding": [
                    {"code": "x", "system": "http://own"},
                    {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"},
                ]
            },
            True,
        ),
    ],
)
def test_a_required_value_set_binds_a_concept(concept: dict[str, Any], right: bool) -> None:
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}, "clinicalStatus": concept}
    assert (faults(condition) == []) is right


def test_what_cannot_be_listed_is_checked_by_form() -> None:
    document = {"resourceType": "DocumentReference", "status": "current", "content": [{"attachment": {"contentType": "texte"}}]}
    assert faults(document) == [("format", "DocumentReference.content[0].attachment.contentType")]
    document["content"] = [{"attachment": {"contentType": "text/html; charset=utf-8"}}]
    assert faults(document) == []
    invoice = {"resourceType": "Invoice", "status": "draft", "totalNet": {"value": 1, "currency": "euro"}}
    assert faults(invoice) == [("format", "Invoice.totalNet.currency")]
