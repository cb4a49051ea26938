"""Search values: what each parameter takes from a resource, and that no parameter of R4 is forgotten."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from maillage.codes.folding import fold, plain
from maillage.codes.r4 import Amount, Ref, Span, Token, interval, resource_types, search_parameters, search_values
from maillage.codes.r4.search import compartment, compartments, left_out
from maillage.codes.r4.values import GIVERS, Place
from maillage.codes.systems import FR_IDENTIFIER_TYPE, INS_NIR, SPECIAL_VALUES

NO_EXPRESSION = {"_content", "_query", "_text"}
COMPOSITES = {
    "MolecularSequence": {
        f"{sequence}-{what}-coordinate" for sequence in ("chromosome", "referenceseqid") for what in ("variant", "window")
    },
}
"""The composites of more than two parts are not compiled; we do not serve their type."""


def values(resource: dict[str, Any], code: str) -> list[Any]:
    return next(p for p in search_parameters(resource["resourceType"]) if p.code == code).values(resource)


def test_every_parameter_of_every_type_is_compiled_or_listed() -> None:
    kinds = {*GIVERS, "composite"}
    for name in resource_types():
        codes = [p.code for p in search_parameters(name)]
        assert len(codes) == len(set(codes))
        assert {"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"} <= set(codes)
        assert {p.kind for p in search_parameters(name)} <= kinds
    assert sum(len(search_parameters(name)) for name in resource_types()) == 2611


def test_what_is_not_compiled_is_known() -> None:
    found: dict[str, dict[str, set[str]]] = {}
    for name, code, why in left_out():
        found.setdefault(why, {}).setdefault(name, set()).add(code)
    assert found == {"not two components": COMPOSITES, "no expression": {"Resource": NO_EXPRESSION}}


def test_a_code_carries_the_system_of_its_value_set() -> None:
    patient = {"resourceType": "Patient", "gender": "female", "active": True}
    assert values(patient, "gender") == [Token("http://hl7.org/fhir/administrative-gender", "female")]
    assert values(patient, "active") == [Token(SPECIAL_VALUES, "true")]


def test_a_concept_gives_each_coding_and_its_text() -> None:
    slot = {
        "resourceType": "Slot",
        "specialty": [{"coding": [{"system": "http://a", "code": "x", "display": "X"}, {"code": "y"}], "text": "Z"}],
    }
    assert values(slot, "specialty") == [Token("http://a", "x", "X"), Token("", "y"), Token("", "", "Z")]


def test_an_identifier_is_found_under_the_canonical_system() -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": INS_NIR, "value": "1"}, {"value": "2"}, {"system": "http://a"}]}
    assert values(patient, "identifier") == [Token(INS_NIR, "1"), Token("", "2")]
    coding = {"system": "http://interopsante.org/fhir/CodeSystem/fr-v2-0203", "code": "IDNPS"}
    tagged = {"resourceType": "Patient", "meta": {"tag": [coding]}}
    assert values(tagged, "_tag") == [Token(FR_IDENTIFIER_TYPE, "IDNPS")]


def test_contact_points_are_told_apart() -> None:
    patient = {
        "resourceType": "Patient",
        "telecom": [{"system": "phone", "value": "01"}, {"system": "email", "value": "a@b"}, {"use": "home"}],
    }
    assert values(patient, "email") == [Token("email", "a@b")]
    assert values(patient, "phone") == [Token("phone", "01")]
    assert len(values(patient, "telecom")) == 2


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ({}, "false"),
        ({"deceasedBoolean": False}, "false"),
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedDateTime": "2026-11-22"}, "true"),
    ],
)
def test_a_death_is_true_by_its_flag_or_its_date(content: dict[str, Any], answer: str) -> None:
    patient = {"resourceType": "Patient", **content}
    assert values(patient, "deceased") == [Token(SPECIAL_VALUES, answer)]
    assert search_values(patient)["deceased"] == [Token(SPECIAL_VALUES, answer)]


def test_a_name_is_folded_part_by_part() -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "Lefèvre-Œuf", "given": ["Élodie", None, "Anne"], "prefix": ["Mme"]}]}
    assert values(patient, "name") == ["lefevre oeuf", "elodie", "anne", "mme"]
    assert values(patient, "family") == ["lefevre oeuf"]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Élodie   Noël ", "elodie noel"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("L’Haÿ", "l'hay"),
        ("ŒUVRE", "oeuvre"),
        ("ﬁn", "fin"),
        ("", ""),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [("Lefebvre-Noël", "lefebvre noel"), ("O'Brien, Jr.", "o brien jr"), ("L’Haÿ", "l hay"), (" - ", "-"), ("a_b", "a b"), ("", "")],
)
def test_words_without_their_punctuation(text: str, words: str) -> None:
    assert plain(text) == words
    assert plain(words) == words


@pytest.mark.parametrize(
    ("reference", "ref"),
    [
        ({"reference": "Patient/1"}, Ref("Patient", "1")),
        ({"reference": "Patient/1/_history/2"}, Ref("Patient", "1")),
        ({"reference": "https://a.example/fhir/Patient/1"}, Ref("Patient", "1", "https://a.example/fhir/Patient/1")),
        ({"reference": "urn:uuid:x"}, Ref("", "", "urn:uuid:x")),
        ({"identifier": {"system": INS_NIR, "value": "9"}, "type": "Patient"}, Ref("Patient", "", "", Token(INS_NIR, "9"))),
        ({"reference": "Patient/1", "identifier": {"system": INS_NIR, "value": "9"}}, Ref("Patient", "1", "", Token(INS_NIR, "9"))),
        ({"reference": "#a"}, None),
        ({"display": "x"}, None),
        ({"reference": "rien"}, None),
    ],
)
def test_a_reference_gives_type_id_and_identifier(reference: dict[str, Any], ref: Ref | None) -> None:
    request = {"resourceType": "ServiceRequest", "subject": reference}
    assert values(request, "subject") == ([ref] if ref else [])


def test_the_patient_parameter_keeps_patients_only() -> None:
    group = {"resourceType": "ServiceRequest", "subject": {"reference": "Group/1"}}
    assert values(group, "patient") == []
    assert values(group, "subject") == [Ref("Group", "1")]
    appointment = {
        "resourceType": "Appointment",
        "participant": [
            {"actor": {"reference": "Patient/1"}},
            {"actor": {"reference": "Practitioner/2"}},
            {"actor": {"type": "Patient", "identifier": {"value": "3"}}},
        ],
    }
    assert values(appointment, "patient") == [Ref("Patient", "1"), Ref("Patient", "", "", Token("", "3"))]
    assert len(values(appointment, "actor")) == 3


def test_a_bundle_gives_its_first_resource() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Composition", "id": "c"}}, {"resource": {"resourceType": "Patient"}}],
    }
    assert values(bundle, "composition") == [Ref("Composition", "c")]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # year to microsecond, as given


@pytest.mark.parametrize(
    ("text", "lower", "upper"),
    [
        ("2026", utc(2026, 1, 1), utc(2027, 1, 1)),
        ("2026-12", utc(2026, 12, 1), utc(2027, 1, 1)),
        ("2026-11-22", utc(2026, 11, 22), utc(2026, 11, 23)),
        ("2026-11-22T09:30:00+01:00", utc(2026, 11, 22, 8, 30), utc(2026, 11, 22, 8, 30, 1)),
        ("2026-11-22T09:30:00Z", utc(2026, 11, 22, 9, 30), utc(2026, 11, 22, 9, 30, 1)),
        ("2026-11-22T09:30:00", utc(2026, 11, 22, 9, 30), utc(2026, 11, 22, 9, 30, 1)),
        ("2026-11-22T09:30", utc(2026, 11, 22, 9, 30), utc(2026, 11, 22, 9, 31)),
        ("2026-11-22T09:30-02:00", utc(2026, 11, 22, 11, 30), utc(2026, 11, 22, 11, 31)),
        ("2026-11-22T09:30:00.5Z", utc(2026, 11, 22, 9, 30, 0, 500000), utc(2026, 11, 22, 9, 30, 0, 600000)),
        ("2026-11-22T09:30:00.123+01:00", utc(2026, 11, 22, 8, 30, 0, 123000), utc(2026, 11, 22, 8, 30, 0, 124000)),
        ("2026-11-22T09:30:00.1234Z", utc(2026, 11, 22, 9, 30, 0, 123400), utc(2026, 11, 22, 9, 30, 0, 123500)),
        ("2026-11-22T09:30:00.12345678Z", utc(2026, 11, 22, 9, 30, 0, 123456), utc(2026, 11, 22, 9, 30, 0, 123457)),
        ("2016-12-31T23:59:60Z", utc(2016, 12, 31, 23, 59, 59), utc(2017, 1, 1)),
        ("9999", utc(9999, 1, 1), datetime.max.replace(tzinfo=UTC)),
        ("9999-12-31", utc(9999, 12, 31), datetime.max.replace(tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", datetime.min.replace(tzinfo=UTC), datetime.min.replace(second=1, tzinfo=UTC)),
    ],
)
def test_a_date_is_the_span_that_its_precision_leaves_open(text: str, lower: datetime, upper: datetime) -> None:
    assert interval(text) == (lower, upper)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "26",
        "2026-13",
        "2026-02-30",
        "2026-W47-7",
        "20261122",
        "2026-11-22T25:00:00Z",
        "2026-11-22 09:30:00Z",
        "2026-11-22T09:30:00,123Z",
        "2026-11-22T",
    ],
)
def test_what_is_no_date_has_no_span(text: str) -> None:
    assert interval(text) is None


def test_periods_and_timings_become_spans() -> None:
    def occurrence(**content: Any) -> list[Any]:
        return values({"resourceType": "ServiceRequest", **content}, "occurrence")

    assert occurrence(occurrencePeriod={"start": "2026-11-22"}) == [Span(utc(2026, 11, 22), None)]
    assert occurrence(occurrencePeriod={"end": "2026-11"}) == [Span(None, utc(2026, 12, 1))]
    assert occurrence(occurrencePeriod={}) == []
    assert occurrence(occurrenceTiming={"event": ["2026-11-24", "2026-11-22"]}) == [Span(utc(2026, 11, 22), utc(2026, 11, 25))]
    assert occurrence(occurrenceTiming={"repeat": {"boundsPeriod": {"start": "2026"}}}) == [Span(utc(2026, 1, 1), None)]
    assert occurrence(occurrenceTiming={"code": {"text": "BID"}}) == []


def test_quantities_and_numbers_keep_their_digits() -> None:
    def measured(**content: Any) -> list[Any]:
        return values({"resourceType": "Observation", "valueQuantity": content}, "value-quantity")

    amount = Decimal("4.20")
    assert str(measured(value=amount, unit="mm", system="http://u", code="mm")[0].low) == "4.20"
    assert measured(value=amount, comparator="<") == [Amount(None, amount)]
    assert measured(value=amount, comparator=">=") == [Amount(amount, None)]
    assert measured(unit="mm") == []
    risk = {
        "resourceType": "RiskAssessment",
        "prediction": [{"probabilityRange": {"low": {"value": 1}, "high": {"value": 2}}}, {"probabilityDecimal": amount}],
    }
    assert set(values(risk, "probability")) == {Amount(Decimal(1), Decimal(2)), Amount(amount, amount)}
    invoice = {"resourceType": "Invoice", "totalNet": {"value": amount, "currency": "EUR"}}
    assert values(invoice, "totalnet") == [Amount(amount, amount, "urn:iso:std:iso:4217", "EUR")]


def test_a_uri_loses_its_version_and_its_alias() -> None:
    slot = {
        "resourceType": "Slot",
        "meta": {"profile": ["http://interopsante.org/fhir/StructureDefinition/FrSlot|1.1.0"], "source": "urn:oid:1"},
    }
    assert values(slot, "_profile") == ["https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-slot"]
    assert values(slot, "_source") == ["urn:oid:1"]


def test_all_values_together_are_the_values_one_by_one() -> None:
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "meta": {"lastUpdated": "2026-11-22T09:30:00Z"},
        "name": [{"family": "Durand"}, {"family": "Durand"}],
        "birthDate": "1974-12-25",
        "managingOrganization": {"reference": "Organization/o"},
    }
    one_by_one = {p.code: found for p in search_parameters("Patient") if (found := p.values(patient))}
    assert search_values(patient) == one_by_one
    assert one_by_one["family"] == ["durand"]


def test_a_composite_joins_what_stands_in_one_element() -> None:
    def quantity(code: str, number: str) -> dict[str, Any]:
        return {"code": {"coding": [{"system": "s", "code": code}]}, "valueQuantity": {"value": Decimal(number)}}

    pressure = {
        "resourceType": "Observation",
        "code": {"coding": [{"code": "p"}]},
        "component": [quantity("a", "120"), quantity("b", "80")],
    }
    parameters = {p.code: p for p in search_parameters("Observation")}
    parts = parameters["component-code-value-quantity"]
    assert parts.components == ("token", "quantity")
    assert parts.pairs(pressure) == [
        (Token("s", "a"), Amount(Decimal(120), Decimal(120))),
        (Token("s", "b"), Amount(Decimal(80), Decimal(80))),
    ]
    assert parameters["combo-code-value-quantity"].pairs(pressure) == parts.pairs(pressure)
    assert parameters["code-value-quantity"].pairs(pressure) == []
    related = {p.code: p for p in search_parameters("DocumentReference")}["relationship"]
    document = {"resourceType": "DocumentReference", "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/1"}}]}
    assert related.pairs(document) == [
        (Token("http://hl7.org/fhir/document-relationship-type", "replaces"), Ref("DocumentReference", "1")),
    ]


def test_a_position_is_a_place_on_earth() -> None:
    def near(**content: Any) -> list[Any]:
        return values({"resourceType": "Location", "position": content}, "near")

    assert near(latitude=Decimal("48.80"), longitude=Decimal("2.13")) == [Place(48.80, 2.13)]
    assert near(latitude=Decimal(91), longitude=Decimal(2)) == near(latitude=Decimal(1)) == []


def test_an_identifier_keeps_its_types() -> None:
    identifier = {
        "system": "urn:a",
        "value": "1",
        "type": {"coding": [{"system": "urn:t", "code": "MR"}, {"code": "X"}], "text": "dossier"},
    }
    assert values({"resourceType": "Patient", "identifier": [identifier]}, "identifier") == [
        Token("urn:a", "1", "dossier", (("urn:t", "MR"), ("", "X")))
    ]


def test_the_url_and_the_compartments_are_the_published_ones() -> None:
    urls = {p.code: p.url.rpartition("/")[2] for p in search_parameters("Patient")}
    assert (urls["family"], urls["link"], urls["_id"]) == ("individual-family", "Patient-link", "Resource-id")
    assert set(compartments()) == {"Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"}
    assert compartment("Patient")["Appointment"] == ("actor",)


def test_which_parameters_repeat() -> None:
    repeats = {(name, p.code) for name in ("Composition", "Observation", "Patient") for p in search_parameters(name) if p.repeats}
    assert {("Composition", "period"), ("Patient", "family"), ("Observation", "combo-code")} <= repeats
    assert not {("Observation", "date"), ("Patient", "birthdate"), ("Patient", "gender"), ("Patient", "deceased")} & repeats
