"""Searches through the door: the whole system, compartments, forms, parts of resources, what is ignored and what is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.doors.fhir.conftest import Caller, caller, token

from maillage.doors.fhir import FhirDoor

pytestmark = pytest.mark.asyncio
FORM = {"content-type": "application/x-www-form-urlencoded"}
PATIENT = {"resourceType": "Patient", "name": [{"family": "Lefebvre-Noël"}], "gender": "female", "birthDate": "1974-12-25"}


async def some(ours: Caller) -> tuple[str, str]:
    """A patient and an observation about this patient."""
    patient = (await ours.make(PATIENT))["id"]
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "taille"},
        "subject": {"reference": f"Patient/{patient}"},
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">1,80 m</div>'},
        "note": [{"text": "pieds nus"}],
    }
    return patient, (await ours.make(observation))["id"]


def found(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [
        f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in answer.json().get("entry", []) if e["search"]["mode"] == "match"
    ]


def link(answer: Any, relation: str = "self") -> str:
    return next(entry["url"] for entry in answer.json()["link"] if entry["relation"] == relation)


async def test_the_whole_system(ours: Caller, theirs: Caller) -> None:
    patient, observation = await some(ours)
    answer = await ours.get("/fhir", params={"_type": "Patient,Observation", "_lastUpdated": "ge2020"})
    assert sorted(found(answer)) == [f"Observation/{observation}", f"Patient/{patient}"]
    assert link(answer) == "http://testserver/fhir?_type=Patient,Observation&_lastUpdated=ge2020"
    assert found(await ours.get("/fhir", params={"_id": patient})) == [f"Patient/{patient}"]
    posted = await ours.post("/fhir/_search", content="_type=Observation&_id=" + observation, headers=FORM)
    assert found(posted) == [f"Observation/{observation}"]
    assert found(await theirs.get("/fhir", params={"_id": f"{patient},{observation}"})) == []
    assert (await ours.get("/fhir")).status_code == 400
    assert (await ours.get("/fhir", params={"_type": "Patient,Robot"})).status_code == 400
    first = await ours.get("/fhir", params={"_type": "Patient,Observation", "_count": "1", "_sort": "-_lastUpdated"})
    rest = await ours.get(link(first, "next"))
    assert sorted(found(first) + found(rest)) == [f"Observation/{observation}", f"Patient/{patient}"]
    assert "_cursor" not in dict(parse_qsl(urlsplit(link(rest)).query))
    assert (await theirs.get(link(first, "next"))).status_code == 400


async def test_scopes_hold_over_several_types(door: FhirDoor, ours: Caller) -> None:
    patient, _ = await some(ours)
    async with caller(door, await token(door.db, "narrow", "org-a", "system/Patient.rs")) as narrow:
        assert found(await narrow.get("/fhir", params={"_lastUpdated": "ge2020"})) == [f"Patient/{patient}"]
        assert (await narrow.get("/fhir", params={"_type": "Patient,Observation"})).status_code == 403
        assert found(await narrow.get(f"/fhir/Patient/{patient}/*")) == [f"Patient/{patient}"]
        assert (await narrow.get(f"/fhir/Patient/{patient}/Observation")).status_code == 403
        assert (await narrow.get("/fhir/Patient", params={"_has:Observation:patient:status": "final"})).status_code == 403
        beside = await narrow.get("/fhir/Patient", params={"_revinclude": "Observation:patient"})
        assert [entry["search"]["mode"] for entry in beside.json()["entry"]] == ["match"]


async def test_compartments(ours: Caller, theirs: Caller) -> None:
    patient, observation = await some(ours)
    answer = await ours.get(f"/fhir/Patient/{patient}/Observation", params={"status": "final"})
    assert (found(answer), link(answer)) == (
        [f"Observation/{observation}"],
        f"http://testserver/fhir/Patient/{patient}/Observation?status=final",
    )
    everything = await ours.get(f"/fhir/Patient/{patient}/*", params={"_count": "1", "_type": "Patient,Observation"})
    following = await ours.get(link(everything, "next"))
    assert sorted(found(everything) + found(following)) == [f"Observation/{observation}", f"Patient/{patient}"]
    assert found(await ours.post(f"/fhir/Patient/{patient}/Observation/_search", content="status=amended", headers=FORM)) == []
    assert found(await ours.get(f"/fhir/Patient/{patient}/*", params={"_type": "Observation"})) == [f"Observation/{observation}"]
    assert found(await theirs.get(f"/fhir/Patient/{patient}/*")) == []
    assert found(await ours.get("/fhir/Patient/none/Observation")) == []
    assert (await ours.get(f"/fhir/Patient/{patient}/Location")).status_code == 400
    assert (await ours.get(f"/fhir/Patient/{patient}/Nothing")).status_code == 404
    assert (await ours.get(f"/fhir/Location/{patient}/Observation")).status_code == 404
    assert (await ours.put(f"/fhir/Patient/{patient}/Observation", json={})).status_code == 405


async def test_parts_of_what_is_found(ours: Caller) -> None:
    patient, observation = await some(ours)

    async def shown(**query: str) -> dict[str, dict[str, Any]]:
        answer = await ours.get("/fhir/Observation", params={"_include": "Observation:patient", **query})
        assert answer.status_code == 200, answer.text
        return {e["resource"]["id"]: e["resource"] for e in answer.json()["entry"]}

    whole = await shown()
    assert "tag" not in whole[observation]["meta"]
    summary = await shown(_summary="true")
    assert {"note", "text"}.isdisjoint(summary[observation])
    assert summary[patient]["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert "text" not in (await shown(_summary="data"))[observation]
    few = await shown(_elements="note,Patient.gender")
    assert set(few[observation]) == {"resourceType", "id", "meta", "status", "code", "note"}
    assert set(few[patient]) == {"resourceType", "id", "meta", "gender"}
    assert set((await shown(_elements="note"))[patient]) == set(whole[patient])
    texts = await ours.get("/fhir/Observation", params={"_summary": "text"})
    assert set(texts.json()["entry"][0]["resource"]) == {"resourceType", "id", "meta", "text", "status", "code"}
    for query in ({"_summary": "count"}, {"_count": "0"}):
        counted = (await ours.get("/fhir/Observation", params=query)).json()
        assert (counted["total"], "entry" in counted) == (1, False)


async def test_what_is_unknown_is_told_or_refused(ours: Caller) -> None:
    await some(ours)
    query = {"colour": "red", "gender": "female", "_sort": "shoe-size,-birthdate"}
    lenient = await ours.get("/fhir/Patient", params=query)
    assert len(found(lenient)) == 1
    outcome = lenient.json()["entry"][-1]
    assert outcome["search"]["mode"] == "outcome"
    assert {(i["severity"], i["code"], i["expression"][0]) for i in outcome["resource"]["issue"]} == {
        ("warning", "not-supported", "http.colour"),
        ("warning", "not-supported", "http._sort"),
    }
    assert link(lenient) == "http://testserver/fhir/Patient?gender=female&_sort=-birthdate"
    strict = await ours.get("/fhir/Patient", params=query, headers={"prefer": "handling=strict"})
    assert (strict.status_code, strict.json()["resourceType"]) == (400, "OperationOutcome")


HOSTILE = (
    {"_sort": "name;drop table resource_version--"}, {"_sort": "(select 1)"}, {"family": "%_'\"\\"}, {"family:contains": "(a+)+$" * 100}, {"_count": "1e9"},
    {"_count": "99999999999999999999999"}, {"gender": ",".join(["x"] * 3000)}, {"_id": ",".join(["x"] * 3000)}, {"family": "\\," * 150}, {"_elements": "x," * 3000},
    {"_has:" * 40 + "x": "1"}, {"organization." * 40 + "name": "x"}, {"_include": "*" * 3000}, {"birthdate": "9999-12-31T23:59:59.999999999999+14:00"},
    {"birthdate": "ap0001"}, {"birthdate": "\u0662\u0660\u0662\u0666"}, {"identifier": "|" * 3000}, {"_lastUpdated": "ge" * 500}, {"_cursor": "A" * 3000},
    {"name:exact": "\U0010ffff" * 200}, {"address": "\u0301" * 500}, {"_tag:in": "http://x/" + "a/" * 2000}, {"_profile:above": "http://x/" + "a/" * 4000},
)  # fmt: skip


async def test_hostile_searches_are_answered_at_once(ours: Caller) -> None:
    await some(ours)
    for query in HOSTILE:
        answer = await ours.get("/fhir/Patient", params=query)
        assert answer.status_code in (200, 400, 413), (query, answer.text)
        assert answer.json()["resourceType"] in ("Bundle", "OperationOutcome")
        assert len(answer.content) < 50_000, query
    assert len(found(await ours.get("/fhir/Patient"))) == 1
