"""What a Patient must hold, and what is read of it: official examples, invariants, qualification."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from maillage.codes import systems
from maillage.codes.identity import IDENTITY_STATUS
from maillage.directory import generator, rules
from maillage.directory.patient_rows import rows_from_patient
from maillage.directory.rows import extension, fold, identifiers, ref_id
from maillage.kernel.answers import Allowed, Refused

QUALIFIED = next(item for item in generator.generate_patients(5, 50) if rows_from_patient(item, "test").qualified)


def patient(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(QUALIFIED), **changes}


def reasons(resource: dict[str, Any], severity: str, mode: str = "test") -> list[str]:
    return [issue.reason for issue in rules.check_patient(resource, mode) if issue.severity == severity]


def test_a_validated_identity_needs_an_official_ins() -> None:
    bare = patient(identifier=[{"system": "urn:oid:1.2.3", "value": "1", "use": "official"}])
    assert reasons(bare, "error") == ["fr-core-1"]
    assert reasons({**bare, "meta": {}}, "warning") == ["fr-core-1"]


def test_a_validated_identity_has_one_official_identifier() -> None:
    two = patient()
    two["identifier"].append({"system": systems.NSS_NIR, "value": "279035121518989", "use": "official"})
    assert reasons(two, "error") == ["fr-core-2"]


def test_a_real_nir_is_typed() -> None:
    untyped = patient()
    untyped["identifier"][0] = {"use": "official", "system": systems.INS_NIR, "value": "279035121518989"}
    assert "fr-core-1" in reasons(untyped, "error")


def test_a_validated_identity_knows_its_commune_of_birth() -> None:
    lost = patient()
    lost["extension"][0]["valueAddress"]["extension"][0]["valueCoding"]["code"] = "99999"
    assert reasons(lost, "warning") == ["fr-core-3"]


def test_nir_against_gender_and_year_is_a_warning_and_an_old_ins_is_left_alone() -> None:
    year = "1901-01-01" if QUALIFIED["birthDate"][2:4] != "01" else "1902-01-01"
    assert reasons(patient(birthDate=year), "warning") == ["nir-birth-year"]
    old = patient(birthDate=year)
    old["identifier"][0]["use"] = "old"
    assert "nir-birth-year" not in reasons(old, "warning")


@pytest.mark.parametrize(
    ("part", "value"), [("identityStatus", "PROV"), ("validationMode", "PC"), ("methodCollection", "CV"), ("validationMode", None)]
)
def test_only_four_things_together_qualify(part: str, value: str | None) -> None:
    weak = patient()
    whole = next(item for item in weak["extension"] if item["url"] == systems.EXT_IDENTITY_RELIABILITY)
    if value is None:
        whole["extension"] = [item for item in whole["extension"] if item["url"] != part]
    else:
        next(item for item in whole["extension"] if item["url"] == part)["valueCoding"]["code"] = value
    assert rows_from_patient(QUALIFIED, "test").qualified
    assert not rows_from_patient(weak, "test").qualified


def test_a_test_ins_never_qualifies_in_production() -> None:
    assert not rows_from_patient(QUALIFIED, "production").qualified
    assert reasons(QUALIFIED, "warning", "production") == ["ins-test-domain"]


def test_the_older_name_of_an_extension_is_understood() -> None:
    old = patient()
    for item in old["extension"]:
        if item["url"] == systems.EXT_IDENTITY_RELIABILITY:
            item["url"] += "|2.2.0"
    assert rows_from_patient(old, "test").qualified


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Patient", "name": "x", "identifier": "y", "telecom": [1], "extension": {"url": 3}, "birthDate": "1950-02"},
        {
            "resourceType": "Patient",
            "name": [{}],
            "identifier": [{}, {"system": "s"}, {"system": "s", "value": 3}],
            "generalPractitioner": [{}],
        },
        {"resourceType": "Patient", "name": [{"family": None, "given": "x"}], "address": [None], "meta": {"profile": None}},
    ],
)
def test_poor_patients_are_read_without_fault(resource: dict[str, Any]) -> None:
    row = rows_from_patient(resource)
    assert (row.birth_date, row.ins, row.qualified) == (None, "", False)
    assert rules.check_patient(resource, "production") == []


def test_a_deceased_patient_and_a_doctor_are_read() -> None:
    row = rows_from_patient(
        patient(deceasedDateTime="2026-01-01", generalPractitioner=[{"reference": "https://x.invalid/fhir/Practitioner/p"}])
    )
    assert (row.deceased, row.general_practitioner) == (True, "p")
    assert rows_from_patient(patient(deceasedBoolean=False)).deceased is False


def test_names_are_folded() -> None:
    assert fold("  D'Hérouville-Œuf  ") == "dherouvilleoeuf"
    assert fold("—") == ""


@pytest.mark.parametrize(
    ("value", "id"),
    [({"reference": "Patient/1"}, "1"), ({"reference": "Group/1"}, ""), ({"reference": "xPatient/1"}, ""), (None, ""), ({}, "")],
)
def test_references(value: Any, id: str) -> None:
    assert ref_id(value, "Patient") == id


def test_extension_of_nothing_is_empty() -> None:
    assert extension(None, "x") == {}


def test_an_identifier_keeps_its_original_string() -> None:
    [row] = identifiers({"resourceType": "Patient", "identifier": [{"system": systems.INS_TEST, "value": "2 79 03", "use": "official"}]})
    assert (row.value, row.normalised, row.type_code, row.sure) == ("2 79 03", "27903", "", False)


@pytest.mark.parametrize(
    ("ins", "traits", "answer"),
    [
        ("1", (), Allowed()),
        ("", ("a", "b", date(2000, 1, 1)), Allowed()),
        ("", ("a", "b", None, "", ""), Refused("too-few-traits")),
        ("", (), Refused("too-few-traits")),
    ],
)
def test_who_may_be_looked_up(ins: str, traits: tuple[Any, ...], answer: Any) -> None:
    assert rules.may_look_up(ins, traits) == answer


def test_the_official_patient_is_accepted_in_test_and_refused_in_production() -> None:
    sample = json.loads(OFFICIAL)
    assert reasons(sample, "error") == []
    assert reasons(sample, "warning") == ["ins-key", "nir-birth-year"]
    assert reasons(sample, "error", "production") == ["ins-key"]


OFFICIAL = """{"resourceType": "Patient", "meta": {"profile": ["https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-ins"]},
 "extension": [{"url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability", "extension": [{"url": "identityStatus",
 "valueCoding": {"system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0445", "code": "VALI"}}]}],
 "identifier": [{"use": "official", "type": {"coding": [{"system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203", "code": "INS-NIR"}]},
 "system": "urn:oid:1.2.250.1.213.1.4.8", "value": "123456789012244"}], "gender": "male", "birthDate": "1974-12-25"}"""


TRUE_INS, FALSE_INS = "279035121518989", "279035121518988"


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({}, []),
        ({"ins": TRUE_INS, "birth_insee": "94028", "phone": "01 99 00 94 10"}, []),
        ({"ins": " 2 79 03 51 215 189 89 ", "birth_insee": "2A004", "phone": "+33 1 99 00 94 10"}, []),
        ({"birth_insee": "99999", "phone": "0039 06 1234567"}, []),
        ({"ins": "123"}, [("ins", "ins-form")]),
        ({"ins": "ABCDEFGHIJKLMNO"}, [("ins", "ins-form")]),
        ({"ins": FALSE_INS}, [("ins", "ins-key")]),
        ({"birth_insee": "zz"}, [("birth_insee", "commune-form")]),
        ({"birth_insee": "9402"}, [("birth_insee", "commune-form")]),
        ({"phone": "abc"}, [("phone", "phone-form")]),
        ({"phone": "01 99 00 94"}, [("phone", "phone-form")]),
        ({"ins": "1", "birth_insee": "1", "phone": "1"}, [("ins", "ins-form"), ("birth_insee", "commune-form"), ("phone", "phone-form")]),
    ],
)
def test_what_is_typed_by_hand_is_corrected_at_once(answers: dict[str, str], found: list[tuple[str, str]]) -> None:
    """Whatever the mode and the INS domain: who types can still read the card."""
    issues = rules.check_typed(**answers)
    assert [(issue.expression, issue.reason) for issue in issues] == found
    assert {issue.severity for issue in issues} <= {"error"}


@pytest.mark.parametrize("text", ["", " ", "   "])
def test_an_empty_answer_is_not_judged(text: str) -> None:
    assert rules.check_typed(ins=text) == []


def test_a_received_commune_of_another_form_is_a_warning() -> None:
    lost = patient()
    lost["extension"][0]["valueAddress"]["extension"][0]["valueCoding"]["code"] = "zz"
    lost["address"][0]["extension"][0]["valueCoding"]["code"] = "Clamart"
    found = [(issue.severity, issue.expression) for issue in rules.check_patient(lost, "production") if issue.reason == "commune-form"]
    assert found == [("warning", "Patient.extension"), ("warning", "Patient.address[0]")]


def reliable(part: str, **coding: str) -> dict[str, Any]:
    changed = patient()
    whole = next(item for item in changed["extension"] if item["url"] == systems.EXT_IDENTITY_RELIABILITY)
    next(item for item in whole["extension"] if item["url"] == part)["valueCoding"] = coding
    return changed


@pytest.mark.parametrize(
    ("part", "coding", "severity"),
    [
        ("identityStatus", {"system": systems.FR_IDENTITY_STATUS, "code": "ZZZZ"}, "error"),
        ("identityStatus", {"code": "ZZZZ"}, "error"),
        ("identityStatus", {"system": "https://other.example/status", "code": "VALI"}, "warning"),
        ("validationMode", {"system": systems.FR_IDENTITY_VALIDATION_MODE, "code": "ZZ"}, "error"),
        ("validationMode", {"system": "https://other.example/mode", "code": "PA"}, "error"),
        ("methodCollection", {"system": systems.FR_IDENTITY_COLLECTION, "code": "ZZ"}, "error"),
        ("methodCollection", {"system": "https://other.example/method", "code": "INSI"}, "warning"),
    ],
)
def test_the_codes_of_reliability_are_those_of_fr_core(part: str, coding: dict[str, str], severity: str) -> None:
    [issue] = [issue for issue in rules.check_patient(reliable(part, **coding), "test") if issue.reason == "code-unknown"]
    assert issue.severity == severity
    assert re.fullmatch(r"Patient\.extension\[1\]\.extension\[[0-9]\]\.valueCoding\.code", issue.expression)


def test_every_code_of_identity_status_is_read() -> None:
    assert len(set(IDENTITY_STATUS)) == 21
    for code in IDENTITY_STATUS:
        resource = reliable("identityStatus", system=systems.FR_IDENTITY_STATUS, code=code)
        assert [issue for issue in rules.check_patient(resource, "test") if issue.reason == "code-unknown"] == []


@pytest.mark.parametrize(
    "extension", [{}, {"extension": "no"}, {"extension": [1, {"url": "identityStatus"}, {"url": "identityStatus", "valueCoding": 1}]}]
)
def test_a_reliability_without_codes_is_not_judged(extension: dict[str, Any]) -> None:
    odd = {"resourceType": "Patient", "extension": [{"url": systems.EXT_IDENTITY_RELIABILITY, **extension}]}
    assert rules.check_patient(odd, "production") == []


@pytest.mark.parametrize(("use", "sure"), [("official", True), ("", True), ("usual", True), ("old", False)])
def test_an_ins_in_use_is_sure_whatever_its_use_is_called(use: str, sure: bool) -> None:
    item = {"system": systems.INS_NIR, "value": TRUE_INS, **({"use": use} if use else {})}
    [row] = identifiers({"resourceType": "Patient", "identifier": [item]})
    assert row.sure is sure
