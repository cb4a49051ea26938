"""Profiles of packages: each rule of a snapshot with a resource that keeps it and one that breaks it, then FR Core 2.2.0 as published."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from tests.support.packages import FR_CORE, fr_core, fr_core_example, package

from maillage.codes.definitions import Definitions
from maillage.codes.json import decode
from maillage.codes.packages import read_package
from maillage.codes.r4 import validate

ROOT = "https://example.org/fhir/"
Resource = dict[str, Any]


def element(id: str, **rules: Any) -> Resource:
    path = ".".join(step.partition(":")[0] for step in id.split("."))
    made: Resource = {"id": id, "path": path, "min": 0, "max": "*", **rules}
    if id.rpartition(".")[2].partition(":")[2]:
        made["sliceName"] = id.rpartition(":")[2]
    return made


def profile(name: str, type_: str, *elements: Resource, **more: Any) -> Resource:
    return {
        "resourceType": "StructureDefinition",
        "url": f"{ROOT}StructureDefinition/{name}",
        "name": name,
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": type_,
        "derivation": "constraint",
        "snapshot": {"element": [element(type_), *elements]},
        **more,
    }


def by(kind: str, path: str, rules: str = "open") -> Resource:
    return {"discriminator": [{"type": kind, "path": path}], "rules": rules}


COLOURS = {
    "resourceType": "CodeSystem",
    "id": "colours",
    "url": f"{ROOT}CodeSystem/colours",
    "status": "active",
    "content": "complete",
    "concept": [{"code": "red"}, {"code": "green"}],
}
COLOUR_SET = {
    "resourceType": "ValueSet",
    "id": "colours",
    "url": f"{ROOT}ValueSet/colours",
    "status": "active",
    "compose": {"include": [{"system": COLOURS["url"]}]},
}
EXTENSION = profile(
    "colour",
    "Extension",
    element("Extension.url", min=1, max="1", fixedUri=f"{ROOT}StructureDefinition/colour"),
    element("Extension.value[x]", min=1, max="1", type=[{"code": "code"}], binding={"strength": "required", "valueSet": COLOUR_SET["url"]}),
    kind="complex-type",
    context=[{"type": "element", "expression": "Patient"}, {"type": "element", "expression": "HumanName.family"}],
)


def definitions(*resources: Resource) -> Definitions:
    return Definitions([read_package(package([COLOURS, COLOUR_SET, EXTENSION, *resources]))])


def found(rules: tuple[Resource, ...], resource: Resource, *others: Resource) -> list[tuple[str, str, str]]:
    """(severity, reason, path) of each finding of a profile with these elements; the resource must be valid R4."""
    assert validate(resource) == []
    made = profile("tested", resource["resourceType"], *rules)
    issues = definitions(made, *others).profiles.validate(resource, made["url"])
    return [(issue.severity, issue.reason, issue.expression) for issue in issues]


def patient(**more: Any) -> Resource:
    return {"resourceType": "Patient", **more}


@pytest.mark.parametrize(
    ("rules", "right", "wrong", "reason", "path"),
    [
        ((element("Patient.birthDate", min=1, max="1"),), patient(birthDate="2000"), patient(), "profile-required", "Patient.birthDate"),
        ((element("Patient.photo", max="0"),), patient(), patient(photo=[{"url": "urn:p"}]), "profile-too-many", "Patient.photo"),
        (
            (element("Patient.name", max="1"),),
            patient(name=[{"text": "a"}]),
            patient(name=[{"text": "a"}, {"text": "b"}]),
            "profile-too-many",
            "Patient.name",
        ),
        (
            (element("Patient.gender", max="1", fixedCode="female"),),
            patient(gender="female"),
            patient(gender="male"),
            "profile-fixed",
            "Patient.gender",
        ),
        (
            (element("Patient.maritalStatus", patternCodeableConcept={"coding": [{"code": "M"}]}),),
            patient(maritalStatus={"coding": [{"system": "urn:a", "code": "M"}], "text": "x"}),
            patient(maritalStatus={"coding": [{"code": "S"}]}),
            "profile-pattern",
            "Patient.maritalStatus",
        ),
        (
            (element("Patient.maritalStatus", fixedCodeableConcept={"text": "M"}),),
            patient(maritalStatus={"text": "M"}),
            patient(maritalStatus={"text": "M", "coding": [{"code": "M"}]}),
            "profile-fixed",
            "Patient.maritalStatus",
        ),
        (
            (element("Patient.deceased[x]", max="1", type=[{"code": "dateTime"}]),),
            patient(deceasedDateTime="2020"),
            patient(deceasedBoolean=True),
            "profile-type",
            "Patient.deceased.ofType(boolean)",
        ),
        (
            (element("Patient.maritalStatus", binding={"strength": "required", "valueSet": f"{COLOUR_SET['url']}|1.0"}),),
            patient(maritalStatus={"coding": [{"system": COLOURS["url"], "code": "red"}]}),
            patient(maritalStatus={"coding": [{"system": COLOURS["url"], "code": "blue"}]}),
            "profile-code",
            "Patient.maritalStatus",
        ),
        (
            (element("Patient.maritalStatus", binding={"strength": "required", "valueSet": COLOUR_SET["url"]}),),
            patient(),
            patient(maritalStatus={"text": "red"}),
            "profile-code",
            "Patient.maritalStatus",
        ),
        (
            (
                element(
                    "Patient.generalPractitioner",
                    type=[{"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Organization"]}],
                ),
            ),
            patient(generalPractitioner=[{"reference": "Organization/1"}]),
            patient(generalPractitioner=[{"reference": "Organization/1"}, {"reference": "Practitioner/1"}]),
            "profile-target",
            "Patient.generalPractitioner[1].reference",
        ),
        (
            (element("Patient.name"), element("Patient.name.family", min=1, max="1")),
            patient(name=[{"family": "a"}, {"_family": {"extension": [{"url": "urn:x", "valueBoolean": True}]}}]),
            patient(name=[{"family": "a"}, {"text": "b"}]),
            "profile-required",
            "Patient.name[1].family",
        ),
        (
            (element("Patient", constraint=[{"key": "own-1", "severity": "error", "human": "Named", "expression": "name.exists()"}]),),
            patient(name=[{"text": "a"}]),
            patient(),
            "own-1",
            "Patient",
        ),
        (
            (
                element("Patient.name"),
                element(
                    "Patient.name.period", constraint=[{"key": "own-2", "severity": "error", "human": "Ends", "expression": "end.exists()"}]
                ),
            ),
            patient(name=[{"period": {"end": "2020"}}]),
            patient(name=[{"period": {"end": "2020"}}, {"period": {"start": "2020"}}]),
            "own-2",
            "Patient.name[1].period",
        ),
        (
            (
                element(
                    "Patient.deceased[x]",
                    constraint=[
                        {
                            "key": "own-3",
                            "severity": "error",
                            "human": "Whole",
                            "expression": "$this is dateTime implies $this.toString().length() >= 10",
                        }
                    ],
                ),
            ),
            patient(deceasedDateTime="2020-01-01"),
            patient(deceasedDateTime="2020"),
            "own-3",
            "Patient.deceased.ofType(dateTime)",
        ),
    ],
)
def test_each_rule_of_an_element(rules: tuple[Resource, ...], right: Resource, wrong: Resource, reason: str, path: str) -> None:
    assert [one for one in found(rules, right) if one[0] != "information"] == []
    assert [one for one in found(rules, wrong) if one[0] != "information"] == [("error", reason, path)]


# --- slices ------------------------------------------------------------------------------
SLICED = (
    element("Patient.identifier", slicing=by("value", "system")),
    element("Patient.identifier:ins", min=1, max="1"),
    element("Patient.identifier:ins.system", min=1, max="1", fixedUri="urn:ins"),
    element("Patient.identifier:ins.value", min=1, max="1"),
)


def identified(*pairs: tuple[str, str]) -> Resource:
    return patient(identifier=[{"system": system, **({"value": value} if value else {})} for system, value in pairs])


def test_a_slice_is_required_counted_and_its_values_are_checked() -> None:
    assert found(SLICED, identified(("urn:ins", "1"), ("urn:other", ""))) == []
    assert found(SLICED, identified(("urn:other", "1"))) == [("error", "slice-required", "Patient.identifier")]
    assert found(SLICED, identified(("urn:ins", "1"), ("urn:ins", "2"))) == [("error", "slice-too-many", "Patient.identifier")]
    assert found(SLICED, identified(("urn:ins", ""))) == [("error", "profile-required", "Patient.identifier[0].value")]


def test_closed_slices_let_nothing_else_in() -> None:
    closed = (element("Patient.identifier", slicing=by("value", "system", "closed")), *SLICED[1:])
    assert found(closed, identified(("urn:ins", "1"), ("urn:other", "1"))) == [("error", "slice-closed", "Patient.identifier[1]")]


def one_slice(slicing: Resource, *rules: Resource, on: str = "Observation.component") -> tuple[Resource, ...]:
    return (element(on, slicing=slicing), element(f"{on}:a", min=1, max="1"), *rules)


def component(**more: Any) -> Resource:
    part = {"code": {"coding": [{"system": "urn:c", "code": "a"}]}, **more}
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "component": [part]}


@pytest.mark.parametrize(
    ("rules", "right", "wrong"),
    [
        (
            one_slice(by("pattern", "code"), element("Observation.component:a.code", min=1, patternCodeableConcept={"coding": [{"code": "a"}]})),
            component(),
            component(code={"coding": [{"code": "b"}]}),
        ),
        (
            one_slice(by("value", "code.coding.code"), element("Observation.component:a.code", min=1, patternCodeableConcept={"coding": [{"code": "a"}]})),
            component(),
            component(code={"coding": [{"code": "b"}]}),
        ),
        (
            one_slice(by("exists", "valueQuantity"), element("Observation.component:a.valueQuantity", min=1)),
            component(valueQuantity={"value": 1}),
            component(),
        ),
        (
            one_slice(by("type", "value"), element("Observation.component:a.value[x]", min=1, type=[{"code": "Quantity"}])),
            component(valueQuantity={"value": 1}),
            component(valueString="1"),
        ),
        (
            one_slice(by("profile", "valueQuantity"), element("Observation.component:a.valueQuantity", type=[{"code": "Quantity", "profile": [f"{ROOT}StructureDefinition/amount"]}])),
            component(valueQuantity={"value": 1, "unit": "cm"}),
            component(valueQuantity={"value": 1}),
        ),
        (
            one_slice(by("value", "valueCodeableConcept"), element("Observation.component:a.valueCodeableConcept", min=1, binding={"strength": "required", "valueSet": COLOUR_SET["url"]})),
            component(valueCodeableConcept={"coding": [{"system": COLOURS["url"], "code": "red"}]}),
            component(valueCodeableConcept={"coding": [{"system": COLOURS["url"], "code": "blue"}]}),
        ),
        (
            one_slice(by("value", f"extension('{EXTENSION['url']}').value"),
                element("Observation.component:a.extension:c"), element("Observation.component:a.extension:c.url", fixedUri=EXTENSION["url"]),
                element("Observation.component:a.extension:c.value[x]", fixedCode="red")),
            component(extension=[{"url": EXTENSION["url"], "valueCode": "red"}]),
            component(extension=[{"url": EXTENSION["url"], "valueCode": "green"}]),
        ),
    ],
    ids=["pattern", "inside a pattern", "exists", "type", "profile", "binding", "extension"],
)  # fmt: skip
def test_each_way_to_tell_slices_apart(rules: tuple[Resource, ...], right: Resource, wrong: Resource) -> None:
    amount = profile("amount", "Quantity", element("Quantity.unit", min=1), kind="complex-type")
    others = [one for one in found(rules, right, amount) if one[1] not in ("extension-context", "profile-code")]
    assert others == []
    assert ("error", "slice-required", "Observation.component") in found(rules, wrong, amount)


def test_slices_that_cannot_be_told_apart_are_information_never_an_error() -> None:
    rules = one_slice(by("profile", "resolve()"), on="Patient.generalPractitioner")
    assert found(rules, patient(generalPractitioner=[{"reference": "Organization/1"}])) == [
        ("information", "slice-unknown", "Patient.generalPractitioner")
    ]


def test_a_choice_is_sliced_by_its_type() -> None:
    rules = (
        element("Observation.value[x]", slicing=by("type", "$this")),
        element("Observation.value[x]:valueQuantity", max="1", type=[{"code": "Quantity"}]),
        element("Observation.value[x]:valueQuantity.unit", min=1),
    )
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    assert found(rules, {**observation, "valueString": "x"}) == []
    assert found(rules, {**observation, "valueQuantity": {"value": 1}}) == [
        ("error", "profile-required", "Observation.value.ofType(Quantity).unit")
    ]


# --- extensions ----------------------------------------------------------------------------
def coloured(code: str) -> Resource:
    return {"url": EXTENSION["url"], "valueCode": code}


def test_an_extension_is_checked_against_its_definition_and_its_context() -> None:
    assert found((), patient(extension=[coloured("red")])) == []
    tested = (
        element("Patient.extension"),
        element("Patient.name"),
        element("Patient.name.extension"),
        element("Patient.name.family.extension"),
    )
    assert found(tested, patient(extension=[coloured("red")], name=[{"family": "a", "_family": {"extension": [coloured("red")]}}])) == []
    assert found(tested, patient(extension=[coloured("blue")])) == [("error", "profile-code", "Patient.extension[0].value.ofType(code)")]
    assert found(tested, patient(name=[{"text": "a", "extension": [coloured("red")]}])) == [
        ("error", "extension-context", "Patient.name[0].extension[0]")
    ]
    assert found(tested, patient(extension=[{"url": EXTENSION["url"], "valueString": "red"}])) == [
        ("error", "profile-type", "Patient.extension[0].value.ofType(string)")
    ]


def test_what_is_not_held_is_information() -> None:
    unknown = (element("Patient.maritalStatus", binding={"strength": "required", "valueSet": "urn:nobody"}), element("Patient.extension"))
    resource = patient(maritalStatus={"coding": [{"code": "M"}]}, extension=[{"url": "urn:nobody:either", "valueBoolean": True}])
    assert {one[:2] for one in found(unknown, resource)} == {("information", "binding-unknown"), ("information", "extension-unknown")}
    issues = definitions().profiles.validate_claims(patient(meta={"profile": ["urn:no-profile"]}))
    assert [(issue.severity, issue.reason) for issue in issues] == [("information", "profile-unknown")]


def test_an_extensible_binding_only_warns() -> None:
    rules = (element("Patient.maritalStatus", binding={"strength": "extensible", "valueSet": COLOUR_SET["url"]}),)
    assert found(rules, patient(maritalStatus={"coding": [{"code": "M"}]})) == [("warning", "profile-code-other", "Patient.maritalStatus")]
    assert found(rules, patient(maritalStatus={"text": "M"})) == []


def test_an_invariant_that_cannot_be_evaluated_is_information() -> None:
    broken = {"key": "own-9", "severity": "error", "human": "?", "expression": "memberOfSomething('x') and"}
    assert found((element("Patient", constraint=[broken]),), patient()) == [("information", "own-9-unknown", "Patient")]


def test_a_profile_of_another_type_and_the_profile_of_r4_itself() -> None:
    known = definitions(profile("other", "Observation")).profiles
    issues = known.validate(patient(), f"{ROOT}StructureDefinition/other|1.0")
    assert [issue.reason for issue in issues] == ["profile-of-another-type"]
    assert known.validate(patient(), "http://hl7.org/fhir/StructureDefinition/Patient|4.0.1") == []


# --- FR Core 2.2.0 -----------------------------------------------------------------------
def errors_of(resource: Resource) -> list[tuple[str, str]]:
    known = fr_core()
    assert known is not None
    return [(i.reason, i.expression) for i in known.profiles.validate_claims(resource) if i.severity == "error"]


def test_every_published_example_of_fr_core_conforms_to_what_it_claims() -> None:
    if fr_core() is None:
        return
    checked = {path.name: decode(path.read_bytes()) for path in sorted((FR_CORE / "examples").glob("*.json"))}
    assert {name: errors for name, resource in checked.items() if (errors := errors_of(resource))} == {}
    assert sum("profile" in resource.get("meta", {}) for resource in checked.values()) >= 30


def drop(*path: Any) -> Callable[[Resource], None]:
    def change(resource: Resource) -> None:
        for step in path[:-1]:
            resource = resource[step]
        del resource[path[-1]]

    return change


def put(*path: Any) -> Callable[[Resource], None]:
    def change(resource: Resource) -> None:
        for step in path[:-2]:
            resource = resource[step]
        resource[path[-2]] = path[-1]

    return change


DEFECTS = [
    ("Patient-FRCorePatientExample", drop("birthDate"), ("profile-required", "Patient.birthDate")),
    ("Patient-FRCorePatientExample", put("gender", "other"), ("profile-code", "Patient.gender")),
    ("Patient-FRCorePatientExample", put("name", 0, "given", ["A", "B"]), ("profile-too-many", "Patient.name[0].given")),
    ("Patient-FRCorePatientExample", drop("name", 0, "family"), ("profile-required", "Patient.name[0].family")),
    ("Patient-FRCorePatientExample", put("identifier", 0, "use", "usual"), ("profile-code", "Patient.identifier[0].use")),
    ("Patient-FRCorePatientExample", put("identifier", 0, "system", "urn:other"), ("fr-core-1", "Patient")),
    ("Patient-FRCorePatientExample", put("name", 0, "use", "old"), ("slice-required", "Patient.name")),
    (
        "Observation-FRCoreObservationBMIExample",
        drop("valueQuantity", "unit"),
        ("profile-required", "Observation.value.ofType(Quantity).unit"),
    ),
    (
        "Observation-FRCoreObservationBMIExample",
        put("valueQuantity", "code", "kg"),
        ("profile-fixed", "Observation.value.ofType(Quantity).code"),
    ),
    ("Observation-FRCoreObservationBMIExample", drop("category"), ("profile-required", "Observation.category")),
    (
        "Observation-FRCoreObservationBMIExample",
        put("category", 0, "coding", 0, "code", "survey"),
        ("slice-required", "Observation.category"),
    ),
    ("Observation-FRCoreObservationBPExample", drop("component", 0), ("slice-required", "Observation.component")),
    ("Observation-FRCoreObservationBodyWeightExample", drop("valueQuantity"), ("vs-2", "Observation")),
    ("Schedule-FRCoreScheduleExample", put("serviceType", [{"text": "x"}]), ("profile-too-many", "Schedule.serviceType")),
    ("Slot-FRCoreSlotExample", put("specialty", [{"coding": [{"system": "urn:x", "code": "x"}]}]), ("profile-code", "Slot.specialty[0]")),
]


@pytest.mark.parametrize(("name", "change", "expected"), DEFECTS)
def test_labelled_defects_are_found_with_their_path(name: str, change: Callable[[Resource], None], expected: tuple[str, str]) -> None:
    if fr_core() is None:
        return
    resource = deepcopy(fr_core_example(name))
    change(resource)
    assert expected in errors_of(resource)
