"""Code systems and value sets: each filter, each way to combine, and the difference between « is not in it » and « cannot tell »."""

from __future__ import annotations

from typing import Any

import pytest

from maillage.codes import systems
from maillage.codes.labels import label
from maillage.codes.terminology import CannotExpand, Terminology

A = "https://example.org/animals"
Resource = dict[str, Any]

ANIMALS: Resource = {
    "resourceType": "CodeSystem",
    "id": "animals",
    "url": A,
    "version": "1",
    "status": "active",
    "content": "complete",
    "concept": [
        {
            "code": "mammal",
            "display": "Mammal",
            "concept": [
                {"code": "cat", "display": "Cat", "designation": [{"language": "fr", "value": "Chat"}]},
                {"code": "whale", "display": "Whale", "property": [{"code": "habitat", "valueCode": "sea"}]},
            ],
        },
        {
            "code": "dodo",
            "display": "Dodo",
            "property": [{"code": "status", "valueCode": "retired"}, {"code": "parent", "valueCode": "bird"}],
        },
        {"code": "bird", "display": "Bird", "property": [{"code": "child", "valueCode": "duck"}]},
        {"code": "duck", "display": "Duck"},
    ],
}
PART = {**ANIMALS, "id": "part", "url": f"{A}-part", "content": "fragment"}


def value_set(*include: Resource, name: str = "v", **more: Any) -> Resource:
    compose = {"include": list(include), **more}
    return {"resourceType": "ValueSet", "id": name, "url": f"{A}/{name}", "status": "active", "compose": compose}


def held(*resources: Resource) -> Terminology:
    return Terminology([ANIMALS, PART, *resources])


def where(op: str, value: str, prop: str = "concept") -> Resource:
    return {"system": A, "filter": [{"property": prop, "op": op, "value": value}]}


def codes(resource: Resource, *others: Resource) -> list[str]:
    known = held(resource, *others)
    listed = [code for _, code in known.expand(resource["url"]).codes]
    every = ("mammal", "cat", "whale", "dodo", "bird", "duck", "unicorn")
    assert {code for code in every if known.contains(resource["url"], A, code)} == set(listed)
    return listed


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ({"system": A}, ["mammal", "cat", "whale", "dodo", "bird", "duck"]),
        ({"system": f"{A}|1", "concept": [{"code": "duck"}, {"code": "cat"}]}, ["duck", "cat"]),
        (where("is-a", "mammal"), ["mammal", "cat", "whale"]),
        (where("descendent-of", "mammal"), ["cat", "whale"]),
        (where("is-a", "bird"), ["dodo", "bird", "duck"]),
        (where("is-not-a", "mammal"), ["dodo", "bird", "duck"]),
        (where("generalizes", "cat"), ["mammal", "cat"]),
        (where("in", "cat, duck"), ["cat", "duck"]),
        (where("not-in", "cat,duck,whale,mammal"), ["dodo", "bird"]),
        (where("=", "bird", "parent"), ["dodo", "duck"]),
        (where("=", "dodo", "child"), ["bird"]),
        (where("=", "sea", "habitat"), ["whale"]),
        (where("exists", "true", "habitat"), ["whale"]),
        (where("exists", "false", "habitat"), ["mammal", "cat", "dodo", "bird", "duck"]),
    ],
)
def test_each_filter(include: Resource, expected: list[str]) -> None:
    assert codes(value_set(include)) == expected


def test_sets_are_joined_crossed_and_excluded() -> None:
    other = value_set(where("is-a", "mammal"), name="mammals")
    assert codes(value_set({"system": A, "concept": [{"code": "duck"}, {"code": "cat"}], "valueSet": [f"{other['url']}|9"]}), other) == [
        "cat"
    ]
    assert codes(value_set({"valueSet": [other["url"]]}, {"system": A, "concept": [{"code": "duck"}]}), other) == [
        "mammal",
        "cat",
        "whale",
        "duck",
    ]
    assert codes(value_set({"system": A}, exclude=[{"valueSet": [other["url"]]}, {"system": A, "concept": [{"code": "dodo"}]}]), other) == [
        "bird",
        "duck",
    ]


def test_retired_codes_leave_a_set_of_active_ones_only() -> None:
    active = value_set({"system": A}, inactive=False)
    assert [code for _, code in held(active).expand(active["url"]).codes] == ["mammal", "cat", "whale", "bird", "duck"]


def test_what_cannot_be_told_is_not_called_wrong() -> None:
    v = value_set({"system": "http://loinc.org"}, {"system": A, "concept": [{"code": "cat"}]})
    known = held(v, value_set({"system": f"{A}-part"}, name="part"), value_set(where("regex", ".*"), name="regex"))
    assert known.contains(v["url"], A, "cat") is True
    assert known.contains(v["url"], A, "dog") is False
    assert known.contains(v["url"], "http://loinc.org", "1-8") is None
    assert known.contains(f"{A}/part", f"{A}-part", "cat") is True
    assert known.contains(f"{A}/part", f"{A}-part", "dog") is None
    assert known.contains(f"{A}/regex", A, "cat") is None
    assert known.contains("urn:nobody", A, "cat") is None
    for url in (v["url"], f"{A}/part", f"{A}/regex", "urn:nobody"):
        with pytest.raises(CannotExpand):
            known.expand(url)


def test_sets_that_include_each_other_end() -> None:
    one, two = value_set({"valueSet": [f"{A}/two"]}, name="one"), value_set({"valueSet": [f"{A}/one"]}, name="two")
    known = held(one, two)
    assert known.contains(one["url"], A, "cat") is None
    with pytest.raises(CannotExpand):
        known.expand(one["url"])


def test_a_published_list_is_used_and_a_cut_one_is_never_proof_of_absence() -> None:
    listed = {"contains": [{"system": A, "code": "cat"}, {"abstract": True, "contains": [{"system": A, "code": "duck"}]}]}
    whole = {**value_set(name="whole"), "expansion": listed}
    cut = {**value_set({"system": "urn:not-held"}, name="cut"), "expansion": {**listed, "total": 39293}}
    known = Terminology([whole, cut])
    assert [known.contains(whole["url"], A, code) for code in ("cat", "duck", "dog")] == [True, True, False]
    assert [known.contains(cut["url"], A, code) for code in ("cat", "dog")] == [True, False]
    assert known.contains(cut["url"], "urn:not-held", "x") is None
    assert [code for _, code in known.expand(whole["url"]).codes] == ["cat", "duck"]


def test_a_bare_code_is_looked_for_in_any_system() -> None:
    known = held(v := value_set({"system": A, "concept": [{"code": "cat"}]}))
    assert (known.contains(v["url"], "", "cat"), known.contains(v["url"], "", "dog")) == (True, False)


def test_labels_in_a_language() -> None:
    concept = held().system(A).concepts["cat"]  # type: ignore[union-attr]  # it is there
    assert (concept.shown("fr-FR"), concept.shown("de"), concept.shown()) == ("Chat", "Cat", "Cat")
    assert (concept.named(" chat "), concept.named("dog")) == (True, False)


# --- R4 and our own -------------------------------------------------------------------------
def test_the_code_systems_of_r4_are_held() -> None:
    known = Terminology()
    gender = known.expand("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1")
    assert [code for _, code in gender.codes] == ["male", "female", "other", "unknown"]
    assert known.contains(
        "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB"
    )
    assert known.contains("http://hl7.org/fhir/ValueSet/ucum-bodyweight", "http://unitsofmeasure.org", "kg") is True
    assert known.contains("http://hl7.org/fhir/ValueSet/condition-code", "http://snomed.info/sct", "1") is None


def test_our_own_code_systems_say_what_the_screen_says() -> None:
    known = Terminology()
    role = known.system(systems.OWN_ROLE)
    assert role is not None
    assert role.concepts["medecin"].display == label("role", "medecin")
    assert role.concepts["medecin"].shown("en") == label("role", "medecin", "en")
    assert known.contains(f"{systems.OWN_ROLE}?fhir_vs", systems.OWN_ROLE, "medecin") is True
    ordinal = known.system(systems.SPECIALITE_ORDINALE)
    assert ordinal is not None
    assert len(ordinal.concepts) == 107


def test_what_a_package_brings_comes_before_what_was_there() -> None:
    mine = {**ANIMALS, "url": "http://hl7.org/fhir/administrative-gender", "id": "administrative-gender"}
    known = Terminology([mine])
    assert "cat" in known.system("http://hl7.org/fhir/administrative-gender").concepts  # type: ignore[union-attr]  # it is there
    assert known.by_id("CodeSystem", "administrative-gender") is mine
    assert sum(1 for one in known.all("CodeSystem") if one["id"] == "administrative-gender") == 1
