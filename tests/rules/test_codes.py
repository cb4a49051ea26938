"""Facts of the product: aliases, calendars, specialties, systems."""

import itertools
from datetime import date

import pytest

from maillage.codes import calendars, specialties, systems
from maillage.codes.aliases import canonical, spellings, without_successor
from maillage.codes.facts import rows


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://interopsante.org/fhir/StructureDefinition/FrPatient", systems.PROFILE_PATIENT),
        ("http://interopsante.org/fhir/StructureDefinition/FrPatient|1.1.0", systems.PROFILE_PATIENT),
        (systems.PROFILE_PATIENT + "|2.2.0", systems.PROFILE_PATIENT),
        ("http://interopsante.org/fhir/StructureDefinition/FrScheduleAvailabiltyTime", systems.EXT_SCHEDULE_AVAILABILITY),
        ("http://interopsante.org/fhir/CodeSystem/fr-v2-0203", systems.FR_IDENTIFIER_TYPE),
        ("1.2.250.1.213.1.4.8", systems.INS_NIR),
        ("2.16.840.1.113883.6.1", systems.LOINC),
        ("https://mos.esante.gouv.fr/NOS/TRE_R13-Commune/FHIR/TRE-R13-Commune", systems.COMMUNE),
        ("http://unknown.example/x", "http://unknown.example/x"),
        ("", ""),
    ],
)
def test_every_spelling_has_one_canonical_form(url: str, expected: str) -> None:
    assert canonical(url) == expected


def test_aliases_point_straight_at_their_canonical() -> None:
    for row in rows("aliases"):
        assert canonical(row["alias"]) == (row["canonical"] or row["alias"])
        assert canonical(row["canonical"]) == row["canonical"]


def test_a_search_knows_every_spelling() -> None:
    found = spellings(systems.FR_IDENTIFIER_TYPE)
    assert found[0] == systems.FR_IDENTIFIER_TYPE
    assert {"http://interopsante.org/fhir/CodeSystem/fr-v2-0203", "http://interopsante.org/CodeSystem/v2-0203"} <= set(found)
    assert spellings("http://unknown.example/x") == ("http://unknown.example/x",)


def test_what_has_no_successor_is_carried_untouched() -> None:
    assert "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-slot-date" in without_successor()
    assert all(canonical(url) == url for url in without_successor())


def test_eleven_public_holidays_a_year() -> None:
    first, last = calendars.covered_years()
    assert (first, last) == (2021, 2030)
    for year in range(first, last + 1):
        assert sum(1 for day in calendars.public_holidays() if day.year == year) == 11
    assert date(2026, 12, 25) in calendars.public_holidays()
    assert calendars.public_holiday_names()[date(2026, 7, 14)] == "Fête nationale"


def test_school_holidays_are_ordered_and_do_not_overlap() -> None:
    spans = calendars.school_holidays_zone_c()
    assert all(first <= last for first, last in spans)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))
    assert calendars.school_holiday_name(date(2026, 12, 25)) == "Vacances de Noël"
    assert calendars.school_holiday_name(date(2026, 11, 22)) is None


def test_the_specialties_of_the_territory_are_there() -> None:
    found = specialties.specialties()
    assert len(found) == 107
    assert {"SM03", "SM04", "SM11", "SM13", "SM15", "SM24", "SM27", "SM29", "SM41", "SM54", "SM58", "SM61"} <= set(found)
    assert specialties.coding("SM15") == {
        "system": "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale",
        "code": "SM15",
        "display": "Dermatologie et Vénéréologie",
    }
    with pytest.raises(KeyError):
        specialties.coding("SM00")


def test_no_system_has_two_names() -> None:
    urls = [
        value
        for name, value in vars(systems).items()
        if name.isupper() and isinstance(value, str) and name not in ("ROOT", "FR_CORE", "JURISDICTION")
    ]
    assert len(urls) == len(set(urls))
    assert all(url.startswith(("http://", "https://", "urn:")) for url in urls)
    assert all(canonical(url) == url for url in urls)
