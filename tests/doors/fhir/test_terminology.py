"""Terminology operations, and definitions served read only: nothing of a patient is in them, no write is taken."""

from __future__ import annotations

from typing import Any

import pytest
from tests.doors.fhir.conftest import Caller, caller, token

from maillage.codes import systems
from maillage.codes.r4 import validate
from maillage.doors.fhir import FhirDoor

pytestmark = pytest.mark.asyncio

GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"


def parts(answer: dict[str, Any], name: str) -> list[Any]:
    return [
        next(value for key, value in part.items() if key.startswith(("value", "part")))
        for part in answer["parameter"]
        if part["name"] == name
    ]


def asked(*given: tuple[str, str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": name, key: value} for name, key, value in given]}


async def get(who: Caller, path: str, **query: str) -> dict[str, Any]:
    answer = await who.get(f"/fhir/{path}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert validate(found) == []
    return found


async def test_lookup_by_get_and_by_post_says_the_same(ours: Caller) -> None:
    found = await get(ours, "CodeSystem/$lookup", system=systems.OWN_ROLE, code="medecin", displayLanguage="en")
    coding = {"system": systems.OWN_ROLE, "code": "medecin"}
    sent = asked(("coding", "valueCoding", coding), ("displayLanguage", "valueCode", "en"))
    assert (await ours.post("/fhir/CodeSystem/$lookup", json=sent)).json() == found
    assert parts(found, "display") == ["doctor"]
    assert next(part for part in parts(found, "property") if part[0]["valueCode"] == "inactive")[1]["valueBoolean"] is False


async def test_lookup_shows_what_is_above_and_below(ours: Caller) -> None:
    found = await get(ours, "CodeSystem/$lookup", system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="IMP", property="child")
    children = {part[1]["valueCode"] for part in parts(found, "property")}
    assert {"ACUTE", "NONAC"} <= children


async def test_what_is_not_held_is_404_with_its_reason(ours: Caller) -> None:
    for path, reason in (
        (f"CodeSystem/$lookup?system={GENDER}&code=x", "code-unknown"),
        ("CodeSystem/$lookup?system=urn:nobody&code=x", "system-unknown"),
        ("ValueSet/$expand?url=urn:nobody", "set-unknown"),
        ("CodeSystem/$validate-code?url=urn:nobody&code=x", "system-unknown"),
    ):
        answer = await ours.get(f"/fhir/{path}")
        assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (404, reason)
    for path in ("CodeSystem/nobody", "ValueSet/nobody/$expand", "CodeSystem/nobody/$validate-code?code=x"):
        assert (await ours.get(f"/fhir/{path}")).status_code == 404


async def test_validate_code_in_a_system(ours: Caller) -> None:
    right = await get(ours, "CodeSystem/$validate-code", url=GENDER, code="male", display="Man")
    assert (parts(right, "result"), parts(right, "display")) == ([True], ["Male"])
    assert "Man" in parts(right, "message")[0]
    wrong = await get(ours, "CodeSystem/$validate-code", url=GENDER, code="m")
    assert (parts(wrong, "result"), len(parts(wrong, "message"))) == ([False], 1)
    by_id = await get(ours, "CodeSystem/administrative-gender/$validate-code", code="male")
    assert parts(by_id, "result") == [True]


async def test_validate_code_in_a_set(ours: Caller) -> None:
    concept = {"coding": [{"system": "urn:x", "code": "x"}, {"system": GENDER, "code": "female"}]}
    sent = asked(("url", "valueUri", f"{GENDERS}|4.0.1"), ("codeableConcept", "valueCodeableConcept", concept))
    assert parts((await ours.post("/fhir/ValueSet/$validate-code", json=sent)).json(), "result") == [True]
    assert parts(await get(ours, "ValueSet/$validate-code", url=GENDERS, code="f"), "result") == [False]
    assert parts(await get(ours, "ValueSet/$validate-code", url=GENDERS, code="female"), "display") == ["Female"]
    unsure = await ours.get(
        "/fhir/ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/condition-code&system=http://snomed.info/sct&code=1"
    )
    assert (unsure.status_code, unsure.json()["issue"][0]["details"]["coding"][0]["code"]) == (422, "set-not-held")


async def test_expand_is_filtered_and_read_in_pages(ours: Caller) -> None:
    whole = (await get(ours, "ValueSet/$expand", url=f"{systems.SPECIALITE_ORDINALE}?fhir_vs"))["expansion"]
    assert whole["total"] == len(whole["contains"]) == 107
    page = (await get(ours, "ValueSet/$expand", url=f"{systems.SPECIALITE_ORDINALE}?fhir_vs", offset="100", count="10"))["expansion"]
    assert (page["total"], page["offset"], page["contains"]) == (107, 100, whole["contains"][100:110])
    some = (await get(ours, "ValueSet/$expand", url=f"{systems.SPECIALITE_ORDINALE}?fhir_vs", filter="DERMATO vene"))["expansion"]
    assert [one["code"] for one in some["contains"]] == ["SM15"]
    none = (await get(ours, "ValueSet/$expand", url=GENDERS, count="0"))["expansion"]
    assert (none["total"], "contains" in none) == (4, False)


async def test_a_value_set_may_be_sent_and_is_bounded(ours: Caller) -> None:
    sent = {
        "resourceType": "ValueSet",
        "status": "active",
        "compose": {"include": [{"system": GENDER}], "exclude": [{"system": GENDER, "concept": [{"code": "other"}]}]},
    }
    body = {"resourceType": "Parameters", "parameter": [{"name": "valueSet", "resource": sent}]}
    found = (await ours.post("/fhir/ValueSet/$expand", json=body)).json()
    assert [one["code"] for one in found["expansion"]["contains"]] == ["male", "female", "unknown"]
    sent["compose"]["include"] = [{"system": GENDER, "filter": [{"property": "code", "op": "regex", "value": "(a+)+$"}]}]
    assert (await ours.post("/fhir/ValueSet/$expand", json=body)).status_code == 422
    sent["compose"] = {"include": "everything"}
    assert (await ours.post("/fhir/ValueSet/$expand", json=body)).status_code == 400
    snomed = await ours.get("/fhir/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/condition-code")
    assert (snomed.status_code, snomed.json()["issue"][0]["code"]) == (422, "too-costly")


async def test_what_is_asked_wrongly_is_refused(ours: Caller) -> None:
    for path in (
        "CodeSystem/$lookup",
        "CodeSystem/$lookup?code=x",
        "CodeSystem/$lookup?code=x&system=y&colour=red",
        "CodeSystem/$validate-code?code=x",
        "ValueSet/$validate-code?code=x",
        "ValueSet/$expand",
        f"ValueSet/$expand?url={GENDERS}&offset=-1",
        f"ValueSet/$expand?url={GENDERS}&count=many",
        f"ValueSet/$validate-code?url={GENDERS}",
    ):
        assert (await ours.get(f"/fhir/{path}")).status_code == 400, path


# --- definitions ------------------------------------------------------------------------------
async def test_definitions_are_read_and_searched(ours: Caller) -> None:
    gender = await get(ours, "CodeSystem/administrative-gender")
    assert gender["url"] == GENDER
    by_url = await get(ours, "CodeSystem", url=f"{GENDER}|4.0.1")
    assert [entry["resource"]["id"] for entry in by_url["entry"]] == ["administrative-gender"]
    by_name = await get(ours, "ValueSet", name="administrativegender")
    assert [entry["resource"]["id"] for entry in by_name["entry"]] == ["administrative-gender"]
    ours_only = await get(ours, "CodeSystem", _id="role,verb", _count="1")
    assert (ours_only["total"], len(ours_only["entry"]), [link["relation"] for link in ours_only["link"]]) == (2, 1, ["self", "next"])
    following = ours_only["link"][1]["url"].removeprefix("http://testserver")
    assert (await ours.get(following)).json()["entry"][0]["resource"]["id"] == "verb"


async def test_definitions_are_not_written(ours: Caller) -> None:
    for method, path in (("POST", "CodeSystem"), ("PUT", "CodeSystem/role"), ("DELETE", "ValueSet/x"), ("POST", "StructureDefinition")):
        assert (await ours.request(method, f"/fhir/{path}", json={"resourceType": "CodeSystem"})).status_code == 405
    for bad in ("CodeSystem?_count=many", "CodeSystem?url:below=x", "ValueSet?_offset=-1"):
        assert (await ours.get(f"/fhir/{bad}")).status_code == 400
    strict = await ours.get("/fhir/CodeSystem?colour=red", headers={"prefer": "handling=strict"})
    assert (strict.status_code, (await ours.get("/fhir/CodeSystem/role/_history")).status_code) == (400, 404)


async def test_scopes_hold_for_definitions_too(door: FhirDoor) -> None:
    async with caller(door, await token(door.db, "narrow", "org-a", "system/Task.rs")) as narrow:
        for path in ("CodeSystem/role", "ValueSet", f"ValueSet/$expand?url={GENDERS}", f"CodeSystem/$lookup?system={GENDER}&code=male"):
            assert (await narrow.get(f"/fhir/{path}")).status_code == 403
