"""JSON Patch as RFC 6902 has it, FHIRPath Patch as R4 has it: what each operation does, and where each fault is told to be."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.codes.json import decode, encode
from maillage.doors.fhir import patches
from maillage.doors.fhir.patches import json_patch
from maillage.kernel.errors import Invalid, Malformed

PATIENT = decode(
    b"""{"resourceType":"Patient","id":"p","active":true,
    "extension":[{"url":"http://x/a","valueDecimal":4.20}],
    "identifier":[{"system":"urn:a","value":"1"},{"use":"official","system":"urn:b","value":"2"}],
    "name":[{"use":"official","family":"Durand","given":["Ana",null,"Zo\\u00e9"],"_given":[null,{"id":"g2","extension":[{"url":"http://x/e","valueCode":"asku"}]},null]},
            {"use":"old","family":"Petit"}],
    "birthDate":"1974-12-25","_birthDate":{"id":"b"},"deceasedBoolean":false,
    "contact":[{"name":{"family":"Mere"}}]}"""
)


def json_patched(*operations: dict[str, Any], resource: Any = None) -> Any:
    return json_patch.compiled(list(operations))(resource if resource is not None else PATIENT)


# --- JSON Patch ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("resource", "operation", "result"),
    [
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, {"op": "add", "path": "/foo/1", "value": "qux"}, {"foo": ["bar", "qux", "baz"]}),
        ({"foo": ["bar"]}, {"op": "add", "path": "/foo/-", "value": ["abc"]}, {"foo": ["bar", ["abc"]]}),
        ({"baz": "qux", "foo": "bar"}, {"op": "remove", "path": "/baz"}, {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, {"op": "remove", "path": "/foo/1"}, {"foo": ["bar", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, {"op": "replace", "path": "/baz", "value": "boo"}, {"baz": "boo", "foo": "bar"}),
        ({"foo": {"bar": "baz", "waldo": "fred"}, "qux": {}}, {"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}, {"foo": {"bar": "baz"}, "qux": {"thud": "fred"}}),
        ({"foo": ["all", "grass", "cows", "eat"]}, {"op": "move", "from": "/foo/1", "path": "/foo/3"}, {"foo": ["all", "cows", "eat", "grass"]}),
        ({"a": {"b": 1}}, {"op": "copy", "from": "/a", "path": "/c"}, {"a": {"b": 1}, "c": {"b": 1}}),
        ({"baz": "qux", "foo": ["a", 2, "c"]}, {"op": "test", "path": "/foo/1", "value": 2}, {"baz": "qux", "foo": ["a", 2, "c"]}),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
        ({"foo": None}, {"op": "test", "path": "/foo", "value": None}, {"foo": None}),
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux", "xyz": 123}, {"foo": "bar", "baz": "qux"}),
    ],
)  # fmt: skip
def test_the_examples_of_the_rfc(resource: Any, operation: dict[str, Any], result: Any) -> None:
    before = encode(resource)
    assert json_patched(operation, resource=resource) == result
    assert encode(resource) == before


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ({"op": "add", "path": "/nothing/here", "value": 1}, "Operation 0, add: there is nothing at /nothing."),
        ({"op": "remove", "path": "/name/7"}, "Operation 0, remove: /name/7 is not a place in a list of 2."),
        ({"op": "remove", "path": "/name/01"}, "Operation 0, remove: /name/01 is not a place in a list of 2."),
        ({"op": "remove", "path": "/name/-"}, "Operation 0, remove: /name/- is not a place in a list of 2."),
        ({"op": "replace", "path": "/gender", "value": "male"}, "Operation 0, replace: there is nothing at /gender."),
        ({"op": "test", "path": "/active", "value": 1}, "Operation 0, test: /active has another value."),
        ({"op": "add", "path": "/active/x", "value": 1}, "Operation 0, add: /active holds a simple value."),
        ({"op": "copy", "from": "/a~1b", "path": "/x"}, "Operation 0, copy: there is nothing at /a~1b."),
        ({"op": "remove", "path": ""}, "A patch leaves a resource, not something else."),
    ],
)
def test_what_cannot_be_done_names_its_operation_and_its_pointer(operation: dict[str, Any], told: str) -> None:
    with pytest.raises(Invalid) as caught:
        json_patched(operation)
    assert caught.value.issues[0].details == told


@pytest.mark.parametrize(
    "document",
    [{}, "x", [1], [{}], [{"op": "delete", "path": "/a"}], [{"op": "add", "path": "/a"}], [{"op": "add", "path": "a", "value": 1}],
     [{"op": "remove", "path": 3}], [{"op": "move", "path": "/a"}], [{"op": "move", "from": "/a", "path": "/a/b"}], [{"op": "test", "path": "/~2", "value": 1}],
     [{"op": ["add"], "path": "/a", "value": 1}], [{"op": "remove", "path": "/a"}] * 1001],
)  # fmt: skip
def test_what_is_no_json_patch_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        json_patch.compiled(document)


def test_numbers_are_equal_by_value_and_true_is_not_one() -> None:
    json_patched({"op": "test", "path": "/extension/0/valueDecimal", "value": decode("4.2")})
    assert b"4.20" in encode(json_patched({"op": "copy", "from": "/extension/0", "path": "/extension/-"}))
    with pytest.raises(Invalid):
        json_patched({"op": "test", "path": "/active", "value": 1})


POINTERS = st.sampled_from(
    ["", "/", "/name", "/name/0", "/name/-", "/name/0/given/1", "/_birthDate/id", "/x/y", "/active", "/name/9", "/~0~1"]
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from([*json_patch.NEEDS, "x"])}, optional={"path": POINTERS, "from": POINTERS, "value": st.sampled_from([None, 1, "x", [], {"a": 1}])}
)  # fmt: skip


@given(st.lists(OPERATIONS, max_size=5))
def test_a_json_patch_works_or_says_why(operations: list[dict[str, Any]]) -> None:
    before = encode(PATIENT)
    with suppress(Malformed, Invalid):
        json_patch.compiled(operations)(PATIENT)
    assert encode(PATIENT) == before


# --- FHIRPath Patch ------------------------------------------------------------------------
def operation(type: str, path: str, **parts: Any) -> dict[str, Any]:
    listed = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        if name in ("index", "source", "destination"):
            listed.append({"name": name, "valueInteger": value})
        elif name == "name":
            listed.append({"name": name, "valueString": value})
        else:
            listed.append({"name": "value", **value})
    return {"name": "operation", "part": listed}


def patched(*operations: dict[str, Any], resource: Any = None) -> Any:
    return patches.of({"resourceType": "Parameters", "parameter": list(operations)})(resource if resource is not None else PATIENT)


def without(*keys: str) -> Any:
    return {key: value for key, value in PATIENT.items() if key not in keys}


@pytest.mark.parametrize(
    ("change", "key", "result"),
    [
        (operation("add", "Patient", name="gender", value={"valueCode": "female"}), "gender", "female"),
        (operation("add", "Patient", name="maritalStatus", value={"valueCodeableConcept": {"text": "x"}}), "maritalStatus", {"text": "x"}),
        (operation("add", "Patient.contact[0]", name="gender", value={"valueCode": "female"}), "contact", [{"name": {"family": "Mere"}, "gender": "female"}]),
        (operation("add", "Patient", name="contact", value={"part": [{"name": "name", "valueHumanName": {"text": "a"}}, {"name": "telecom", "valueContactPoint": {"value": "0"}}]}),
         "contact", [{"name": {"family": "Mere"}}, {"name": {"text": "a"}, "telecom": [{"value": "0"}]}]),
        (operation("add", "Patient", name="multipleBirth", value={"valueInteger": 2}), "multipleBirthInteger", 2),
        (operation("insert", "Patient.identifier", index=1, value={"valueIdentifier": {"value": "x"}}),
         "identifier", [{"system": "urn:a", "value": "1"}, {"value": "x"}, {"use": "official", "system": "urn:b", "value": "2"}]),
        (operation("replace", "Patient.birthDate", value={"valueDate": "1980-01-01"}), "birthDate", "1980-01-01"),
        (operation("replace", "Patient.deceased", value={"valueDateTime": "2026"}), "deceasedDateTime", "2026"),
        (operation("replace", "Patient.name.where(use = 'old').family", value={"valueString": "Grand"}), "name", [PATIENT["name"][0], {"use": "old", "family": "Grand"}]),
        (operation("replace", "Patient.contact[0].name", value={"valueHumanName": {"text": "a"}}), "contact", [{"name": {"text": "a"}}]),
        (operation("replace", "Patient.extension('http://x/a').value", value={"valueDecimal": 5}), "extension", [{"url": "http://x/a", "valueDecimal": 5}]),
        (operation("delete", "Patient.identifier.where(system='urn:a' and value != '9')"), "identifier", [{"use": "official", "system": "urn:b", "value": "2"}]),
        (operation("delete", "Patient.name[0].given[1]"), "name", [{"use": "official", "family": "Durand", "given": ["Ana", None], "_given": PATIENT["name"][0]["_given"][:2]}, PATIENT["name"][1]]),
        (operation("delete", "Patient.gender"), "gender", None),
        (operation("delete", "Patient.contact.first()"), "contact", None),
        (operation("move", "Patient.identifier", source=1, destination=0), "identifier", [{"use": "official", "system": "urn:b", "value": "2"}, {"system": "urn:a", "value": "1"}]),
        (operation("delete", "Patient.name.where(given.exists() or (use = 'x')).period"), "active", True),
        (operation("replace", "Patient.name.where(given.empty()).family", value={"valueString": "z"}), "name", [PATIENT["name"][0], {"use": "old", "family": "z"}]),
    ],
)  # fmt: skip
def test_each_operation_of_a_fhirpath_patch(change: dict[str, Any], key: str, result: Any) -> None:
    before = encode(PATIENT)
    after = patched(change)
    assert after.get(key) == result
    assert encode(PATIENT) == before
    assert all(
        after[other] == value for other, value in PATIENT.items() if other not in (key, "_birthDate", "deceasedBoolean") and other in after
    )


def test_a_replaced_choice_leaves_no_second_value() -> None:
    after = patched(operation("replace", "Patient.deceased", value={"valueDateTime": "2026"}))
    assert "deceasedBoolean" not in after
    assert patched(operation("delete", "Patient.deceased.ofType(boolean)")) == without("deceasedBoolean")
    assert patched(operation("delete", "Patient.birthDate")) == without("birthDate", "_birthDate")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (operation("add", "Patient", name="colour", value={"valueCode": "red"}), "patch-add"),
        (operation("add", "Patient", name="birthDate", value={"valueDate": "2000"}), "patch-add"),
        (operation("add", "Patient", name="deceased", value={"valueInteger": 1}), "patch-value"),
        (operation("add", "Patient.name", name="text", value={"valueString": "x"}), "patch-path"),
        (operation("add", "Patient.birthDate", name="text", value={"valueString": "x"}), "patch-add"),
        (operation("replace", "Patient.gender", value={"valueCode": "male"}), "patch-path"),
        (operation("replace", "Patient", value={"valueCode": "male"}), "patch-path"),
        (operation("delete", "Patient.name"), "patch-path"),
        (operation("insert", "Patient.identifier", index=3, value={"valueIdentifier": {}}), "patch-index"),
        (operation("insert", "Patient.birthDate", index=0, value={"valueDate": "2000"}), "patch-path"),
        (operation("insert", "Patient.name.given", index=0, value={"valueString": "x"}), "patch-path"),
        (operation("move", "Patient.identifier", source=0, destination=2), "patch-index"),
        (operation("add", "Patient", name="contact", value={"part": [{"name": "colour", "valueCode": "x"}]}), "patch-value"),
        (operation("add", "Patient", name="language", value={"part": [{"name": "use", "valueCode": "old"}]}), "patch-value"),
        (operation("insert", "Patient.name[0].given", index=0, value={"part": [{"name": "use", "valueCode": "old"}]}), "patch-value"),
        (operation("add", "Patient", name="gender", value={}), "patch-value"),
    ],
)
def test_what_cannot_be_done_says_where(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        patched(operation("delete", "Patient.language"), change)
    assert (caught.value.reason, caught.value.issues[0].expression) == (reason, "Parameters.parameter[1]")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "operation"},
        {"name": "other", "part": []},
        operation("erase", "Patient.name"),
        operation("add", "Patient"),
        operation("move", "Patient.name", source=-1, destination=0),
        operation("delete", ""),
        operation("delete", "Patient.name.select(given)"),
        operation("delete", "Patient.name[0"),
        operation("delete", "Patient.name['0']"),
        operation("delete", "Patient..name"),
        operation("delete", "Patient.name.where(use = official)"),
        operation("delete", "Patient.name.where()"),
        operation("delete", "Patient.name | Patient.contact"),
        operation("delete", "Patient.name end"),
        operation("delete", "__import__('os')"),
        operation("delete", "Patient" + ".name" * 300),
        operation("delete", "Patient" + ".a" * 60),
    ],
)
def test_what_is_no_fhirpath_patch_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as caught:
        patched(change)
    assert caught.value.issues[0].expression.startswith("Parameters.parameter")


WORDS = st.sampled_from(["Patient", ".name", ".given", "[0]", "[9]", ".where(", "use", "=", "'official'", ")", ".first()", ".exists()", "$this", " and ", "`end`", ".ofType(string)", "@2020", "1.5", ".extension('u')"])  # fmt: skip


@given(type=st.sampled_from(["add", "insert", "delete", "replace", "move"]), words=st.lists(WORDS, max_size=8) | st.text(max_size=30).map(list),
       name=st.sampled_from(["name", "gender", "deceased", "x", "_id"]), value=st.sampled_from([{"valueString": "x"}, {"valueInteger": 1}, {"part": [{"name": "use", "valueCode": "old"}]}, {"_valueString": {"id": "x"}}, {}]),
       number=st.integers(0, 3))  # fmt: skip
def test_a_fhirpath_patch_works_or_says_why(type: str, words: list[str], name: str, value: dict[str, Any], number: int) -> None:
    change = operation(type, "".join(words), name=name, value=value, index=number, source=number, destination=0)
    with suppress(Malformed, Invalid):
        assert patched(change)["resourceType"] == "Patient"
    assert PATIENT["id"] == "p"


def test_a_json_patch_travels_in_a_binary() -> None:
    data = "W3sib3AiOiJyZW1vdmUiLCJwYXRoIjoiL2FjdGl2ZSJ9XQ=="
    assert patches.of({"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data})(PATIENT) == without("active")
    for wrong in ({"contentType": "text/plain", "data": data}, {"contentType": "application/json-patch+json", "data": "!"}, {}):
        with pytest.raises(Malformed):
            patches.of({"resourceType": "Binary", **wrong})
    with pytest.raises(Malformed):
        patches.of({"resourceType": "Patient"})
