"""Whose file a citizen may be bound to: every strict trait, and one file alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from maillage.access.identity import Pivot
from maillage.access.patient_binding import rules
from maillage.access.patient_binding.types import FileTraits
from maillage.doors.connectors.france_connect.claims import pivot_of
from maillage.kernel.answers import Allowed, Refused
from maillage.kernel.errors import Unauthenticated

MARIE = Pivot("Lefèvre-Dubois", "Marie-Ève Jeanne", date(1958, 3, 12), "female", "92023")
FILE = FileTraits("one", "LEFEVRE DUBOIS", "MARIE-EVE JEANNE", True, date(1958, 3, 12), "female", "92023")


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"given": "Marie Eve Jeanne"}, True),
        ({"given": "Marie-Ève"}, False),
        ({"given": "Jeanne Marie-Ève"}, False),
        ({"given": "Marie-Ève", "listed": False}, True),
        ({"given": "Marie", "listed": False}, False),
        ({"given": "Jeanne", "listed": False}, False),
        ({"given": "", "listed": False}, False),
        ({"family": "Lefèvre"}, False),
        ({"family": ""}, False),
        ({"birth_date": date(1958, 12, 3)}, False),
        ({"birth_date": None}, False),
        ({"gender": "male"}, False),
        ({"gender": "unknown"}, False),
        ({"birth_insee": "92047"}, False),
        ({"birth_insee": ""}, False),
        ({"birth_insee": "99999"}, False),
    ],
)
def test_a_file_is_the_citizens_when_each_strict_trait_is_known_and_the_same(changes: dict[str, Any], same: bool) -> None:
    assert rules.agrees(MARIE, replace(FILE, **changes)) is same


def test_a_compound_first_name_that_was_typed_with_a_space_is_the_same() -> None:
    assert rules.agrees(replace(MARIE, given="Marie Ève Jeanne"), replace(FILE, given="Marie-Ève", listed=False))


def test_two_files_of_the_same_traits_are_for_a_human_and_a_file_without_a_link_is_nobodys() -> None:
    twin = replace(FILE, id="two")
    assert rules.may_bind(MARIE, "one", [FILE]) == Allowed()
    assert rules.may_bind(MARIE, "one", [FILE, twin]) == Refused("several-files")
    assert rules.may_bind(MARIE, "one", [FILE, replace(twin, gender="male")]) == Allowed()
    assert rules.may_bind(MARIE, "one", [twin]) == Refused("traits-differ")
    assert rules.may_bind(MARIE, "one", []) == Refused("traits-differ")


TOLD = {
    "given_name": "Angela Claire Louise",
    "family_name": "DUBOIS",
    "birthdate": "1962-08-24",
    "gender": "female",
    "birthplace": "75107",
    "birthcountry": "99100",
}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({}, "75107"),
        ({"birthplace": "2A004"}, "2A004"),
        ({"birthplace": "", "birthcountry": "99352"}, "99352"),
    ],
)
def test_the_place_of_birth_is_a_commune_in_france_and_a_country_elsewhere(changes: dict[str, str], place: str) -> None:
    found = pivot_of({**TOLD, **changes})
    assert (found.birth_insee, found.birth_date, found.given) == (place, date(1962, 8, 24), "Angela Claire Louise")


@pytest.mark.parametrize(
    "changes",
    [
        *({name: None} for name in TOLD),
        *({name: ""} for name in TOLD if name != "birthplace"),
        *({name: 7} for name in TOLD),
        {"birthplace": ""},
        {"birthplace": "75107", "birthcountry": "99352"},
        {"birthplace": "99352"},
        {"birthplace": "7510"},
        {"birthplace": "٧٥١٠٧"},
        {"birthdate": "1962"},
        {"birthdate": "24/08/1962"},
        {"birthdate": "1962-02-30"},
        {"birthdate": "19620824"},
        {"gender": "unspecified"},
        {"family_name": "x" * 301},
    ],
)
def test_an_identity_that_lacks_a_trait_or_has_one_of_no_form_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated, match="franceconnect-pivot"):
        pivot_of({**TOLD, **changes})
