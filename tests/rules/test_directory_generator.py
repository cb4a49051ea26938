"""Invented patients: the same twice, fictional by construction, believable in shape."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from maillage.codes import r4, systems
from maillage.directory import generator, rules, territory
from maillage.directory.identifiers import ins_key_ok
from maillage.directory.patient_rows import rows_from_patient

FICTIONAL = re.compile(r"(01 99 00|06 39 98) \d\d \d\d")
SAMPLE = generator.generate_patients(2026, 600)


def as_bytes(seed: int, n: int) -> bytes:
    return json.dumps(generator.generate_patients(seed, n), ensure_ascii=False).encode()


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert as_bytes(7, 300) == as_bytes(7, 300)
    assert as_bytes(7, 300) != as_bytes(8, 300)


def test_asking_for_more_leaves_the_first_ones_alone() -> None:
    assert generator.generate_patients(7, 50) == generator.generate_patients(7, 120)[:50]


def test_every_patient_is_valid_and_without_finding() -> None:
    for patient in SAMPLE:
        assert r4.validate(patient) == []
        assert rules.check_patient(patient, "test") == []


def test_only_the_test_domain_of_the_ins_with_true_keys() -> None:
    values = [item for patient in SAMPLE for item in patient["identifier"] if item["system"] in systems.INS_SYSTEMS]
    assert {item["system"] for item in values} == {systems.INS_TEST}
    assert all(ins_key_ok(item["value"]) for item in values)
    assert len({item["value"] for item in values}) == len(values)


def test_telephones_are_in_the_ranges_reserved_for_fiction() -> None:
    assert all(FICTIONAL.fullmatch(item["value"]) for patient in SAMPLE for item in patient["telecom"])


def test_identifiers_and_ids_are_unique() -> None:
    assert len({patient["id"] for patient in SAMPLE}) == len(SAMPLE)
    assert len({patient["identifier"][-1]["value"] for patient in SAMPLE}) == len(SAMPLE)


def test_there_are_namesakes_some_born_the_same_day() -> None:
    rows = [rows_from_patient(patient) for patient in SAMPLE]
    names = Counter((row.families_folded, row.given_folded) for row in rows)
    twins = Counter((row.families_folded, row.given_folded, row.birth_date) for row in rows)
    assert sum(count > 1 for count in names.values()) >= len(SAMPLE) // generator.HOMONYM_EVERY
    assert sum(count > 1 for count in twins.values()) >= len(SAMPLE) // generator.TWIN_EVERY


def test_communes_follow_their_population() -> None:
    homes = Counter(rows_from_patient(patient).residence_insee for patient in SAMPLE)
    assert set(homes) <= {commune.insee for commune in territory.communes()}
    assert homes["94028"] > homes["91631"]


def test_most_identities_are_qualified_and_some_are_not() -> None:
    qualified = sum(rows_from_patient(patient, "test").qualified for patient in SAMPLE) / len(SAMPLE)
    assert 0.7 < qualified < 0.95
    assert not any(rows_from_patient(patient, "production").qualified for patient in SAMPLE)


def test_everybody_has_a_doctor_of_the_directory() -> None:
    roles = {role.id: role for role in territory.role_entries()}
    for patient in SAMPLE:
        role = roles[patient["generalPractitioner"][0]["reference"].partition("/")[2]]
        assert patient["managingOrganization"]["reference"] == f"Organization/{role.organization}"


def test_a_stream_of_one_distribution_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = generator.generate_patients(7, 40)
    monkeypatch.setattr(generator._Streams, "__getitem__", _phones_drawn_twice(generator._Streams.__getitem__))
    after = generator.generate_patients(7, 40)
    assert [item["telecom"] for item in after] != [item["telecom"] for item in before]
    assert [(item["name"], item["birthDate"], item["address"]) for item in after] == [
        (item["name"], item["birthDate"], item["address"]) for item in before
    ]


def _phones_drawn_twice(original):
    def drawn(streams, name):
        stream = original(streams, name)
        if name == "phone":
            stream.random()
        return stream

    return drawn
