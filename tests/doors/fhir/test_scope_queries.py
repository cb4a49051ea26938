"""A scope with a query holds on every path: what it leaves out is absent, with the same bytes, wherever one looks."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.doors.fhir.conftest import Caller, caller, token
from tests.doors.fhir.test_visibility import ABSENT, CANARY, same

from maillage.doors.fhir import FhirDoor

pytestmark = pytest.mark.asyncio
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
LABORATORY = f"system/Observation.cruds?category={CATEGORY}|laboratory"
OTHERS = ("system/Patient.rs", "system/Basic.cruds", "system/DiagnosticReport.rs")


def observation(category: str, **more: Any) -> dict[str, Any]:
    coded = [{"coding": [{"system": CATEGORY, "code": category}]}]
    return {"resourceType": "Observation", "status": "final", "category": coded, "code": {"text": category}, **more}


class Planted:
    """A patient with one observation inside the query and one outside, which holds the canary; both are ours."""

    def __init__(self, patient: str, inside: dict[str, Any], outside: dict[str, Any], inner: Caller) -> None:
        self.patient, self.inside, self.outside, self.inner = patient, inside, outside, inner


async def planted(door: FhirDoor, ours: Caller, *scopes: str) -> Planted:
    patient = (await ours.make({"resourceType": "Patient", "name": [{"family": "Ici"}]}))["id"]
    about = {"subject": {"reference": f"Patient/{patient}"}}
    secret = observation("survey", **about, note=[{"text": CANARY}], valueString=CANARY)
    outside = await ours.make({**secret, "code": {"text": CANARY, "coding": [{"code": CANARY}]}})
    inside = await ours.make(observation("laboratory", **about, derivedFrom=[{"reference": f"Observation/{outside['id']}"}]))
    inner = caller(door, await token(door.db, "labo", "org-a", *(scopes or (LABORATORY, *OTHERS))))
    return Planted(patient, inside, outside, inner)


def ids(answer: httpx.Response) -> list[str]:
    return [entry["resource"]["id"] for entry in answer.json().get("entry", []) if "resource" in entry]


async def test_class_06_what_the_query_leaves_out_is_absent_on_every_interaction(door: FhirDoor, ours: Caller) -> None:
    there = await planted(door, ours)
    async with there.inner as inner:
        for path in ("{}", "{}/_history", "{}/_history/1", "{}/$meta", "{}/$validate"):
            hidden, absent = (f"/fhir/Observation/{path.format(id)}" for id in (there.outside["id"], ABSENT))
            if "validate" in path:
                same(await inner.post(hidden, content=b""), await inner.post(absent, content=b""))
            else:
                same(await inner.get(hidden), await inner.get(absent))
        body = {key: value for key, value in there.outside.items() if key != "meta"}
        put = [await inner.put(f"/fhir/Observation/{id}", json={**body, "id": id}) for id in (there.outside["id"], ABSENT)]
        same(*put)
        same(*[await inner.delete(f"/fhir/Observation/{id}", headers={"if-match": 'W/"1"'}) for id in (there.outside["id"], ABSENT)])
        patch = [{"op": "replace", "path": "/status", "value": "amended"}]
        kind = {"content-type": "application/json-patch+json"}
        same(*[await inner.patch(f"/fhir/Observation/{id}", json=patch, headers=kind) for id in (there.outside["id"], ABSENT)])
        assert (await inner.get(f"/fhir/Observation/{there.inside['id']}")).status_code == 200
    assert (await ours.get(f"/fhir/Observation/{there.outside['id']}")).json()["status"] == "final"


QUERIES = (
    "Observation?_total=accurate",
    "Observation?_sort=-_lastUpdated&_count=1&_total=accurate",
    "Observation?_id={outside}",
    "Observation?code={canary}",
    "Observation?value-string={canary}",
    "Observation?category=survey",
    "Observation?category:not=laboratory",
    "Observation?_summary=count",
    "Observation?_include=Observation:derived-from&_include:iterate=Observation:*",
    "Observation?derived-from:Observation.code={canary}",
    "Observation?derived-from:Observation.status=final",
    "Observation/_history",
    "_history",
    "Patient?_revinclude=Observation:patient",
    "Patient?_revinclude=Observation:*",
    "Patient?_has:Observation:patient:code={canary}",
    "Patient?_has:Observation:patient:category=survey",
    "Patient/{patient}/$everything",
    "Patient/{patient}/Observation",
    "Patient/{patient}/*",
    "Observation/$lastn?patient={patient}&max=9",
    "?_type=Observation,Patient&_lastUpdated=gt2000",
)


@pytest.mark.parametrize("query", QUERIES)
async def test_class_06_nothing_around_a_search_tells_what_the_query_leaves_out(query: str, door: FhirDoor, ours: Caller) -> None:
    there = await planted(door, ours)
    asked = query.format(outside=there.outside["id"], patient=there.patient, canary=CANARY)
    async with there.inner as inner:
        answer = await inner.get(f"/fhir/{asked}")
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        bundle.pop("link", None)  # it repeats the question
        assert there.outside["id"] not in ids(answer)
        assert CANARY not in str(bundle)
        if query.startswith("Observation") and bundle.get("total") is not None:
            assert bundle["total"] <= 1
        if "_has" in query or "survey" in query or CANARY in asked or "_id=" in query:
            assert ids(answer) == []
    seen = (await ours.get(f"/fhir/{asked}")).text
    assert (
        (CANARY in seen) or there.patient in seen or '"total":2' in seen or '"total":1' in seen
    )  # the question finds it without the scope


async def test_an_earlier_version_is_not_shown_under_a_query(door: FhirDoor, ours: Caller) -> None:
    """Nothing is kept that would tell whether it met the query when it stood."""
    there = await planted(door, ours)
    address = f"/fhir/Observation/{there.outside['id']}"
    moved = {
        **there.outside,
        "category": observation("laboratory")["category"],
        "valueString": "x",
        "note": [{"text": "x"}],
        "code": {"text": "x"},
    }
    assert (await ours.put(address, json=moved, headers={"if-match": 'W/"1"'})).status_code == 200
    async with there.inner as inner:
        assert (await inner.get(address)).status_code == 200
        assert (await inner.get(f"{address}/_history/2")).status_code == 200
        same(await inner.get(f"{address}/_history/1"), await inner.get(f"/fhir/Observation/{ABSENT}/_history/1"))
        for place in (f"{address}/_history", "/fhir/Observation/_history"):
            told = await inner.get(place)
            assert CANARY not in told.text
            assert {entry["response"]["etag"] for entry in told.json()["entry"] if there.outside["id"] in entry["fullUrl"]} == {'W/"2"'}


async def test_what_is_written_stays_inside_the_query(door: FhirDoor, ours: Caller) -> None:
    there = await planted(door, ours)
    outside = {"resourceType": "Bundle", "type": "transaction", "entry": []}
    outside["entry"] = [{"resource": observation("survey"), "request": {"method": "POST", "url": "Observation"}}]
    async with there.inner as inner:
        assert (await inner.post("/fhir/Observation", json=observation("laboratory"))).status_code == 201
        assert (await inner.post("/fhir/Observation", json=observation("survey"))).status_code == 403
        assert (await inner.post("/fhir", json=outside)).status_code == 403
        for changed in ({"category": observation("survey")["category"]}, {"category": []}):
            body = {key: value for key, value in {**there.inside, **changed}.items() if value}
            address = f"/fhir/Observation/{there.inside['id']}"
            assert (await inner.put(address, json=body, headers={"if-match": 'W/"1"'})).status_code == 403
        patch = [{"op": "replace", "path": "/category/0/coding/0/code", "value": "survey"}]
        kind = {"content-type": "application/json-patch+json", "if-match": 'W/"1"'}
        assert (await inner.patch(address, json=patch, headers=kind)).status_code == 403
        assert (await inner.put(address, json={**there.inside, "status": "amended"}, headers={"if-match": 'W/"1"'})).status_code == 200
    assert [one["category"][0]["coding"][0]["code"] for one in await of_type(ours)] == ["laboratory", "survey", "laboratory"]


async def of_type(ours: Caller) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in (await ours.get("/fhir/Observation?_sort=-_lastUpdated,_id")).json()["entry"]]


async def test_a_batch_and_conditions_hold_it_too(door: FhirDoor, ours: Caller) -> None:
    there = await planted(door, ours)
    asked = [("GET", f"Observation/{there.outside['id']}"), ("GET", f"Observation?code={CANARY}"), ("DELETE", f"Observation?code={CANARY}")]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": m, "url": u}} for m, u in asked]}
    async with there.inner as inner:
        answer = await inner.post("/fhir", json=batch)
        assert [entry["response"]["status"][:3] for entry in answer.json()["entry"]] == ["404", "200", "204"]
        assert "entry" not in answer.json()["entry"][1]["resource"]
        again = await inner.post("/fhir/Observation", json=observation("laboratory"), headers={"if-none-exist": f"code={CANARY}"})
        assert again.status_code == 201  # nothing of that code, as far as this client can know
        assert (await inner.put(f"/fhir/Observation?code={CANARY}", json=observation("laboratory"))).status_code == 201
    assert (await ours.get(f"/fhir/Observation/{there.outside['id']}")).status_code == 200


async def test_scopes_add_up_letter_by_letter(door: FhirDoor, ours: Caller) -> None:
    there = await planted(
        door, ours, "system/Observation.r", "system/Observation.s?category=laboratory", "system/Observation.u?status=amended"
    )
    async with there.inner as inner:
        assert (await inner.get(f"/fhir/Observation/{there.outside['id']}")).status_code == 200
        assert ids(await inner.get("/fhir/Observation")) == [there.inside["id"]]
        body, match = {**there.inside, "status": "amended"}, {"if-match": 'W/"1"'}
        assert (await inner.put(f"/fhir/Observation/{there.inside['id']}", json=body, headers=match)).status_code == 404
    union = caller(
        door, await token(door.db, "two", "org-a", "system/Observation.rs?category=laboratory", "system/Observation.rs?category=survey")
    )
    async with union as both:
        assert len(ids(await both.get("/fhir/Observation"))) == 2


async def test_one_query_may_narrow_every_type(door: FhirDoor, ours: Caller) -> None:
    tagged = await ours.make({"resourceType": "Basic", "code": {"text": "x"}, "meta": {"tag": [{"system": "urn:t", "code": "open"}]}})
    plain = await ours.make({"resourceType": "Basic", "code": {"text": "x"}})
    place = await ours.make({"resourceType": "Organization", "name": "Cabinet"})
    async with caller(door, await token(door.db, "tags", "org-a", "system/*.rs?_tag=urn:t|open")) as inner:
        assert ids(await inner.get("/fhir/Basic")) == [tagged["id"]]
        assert (await inner.get(f"/fhir/Basic/{plain['id']}")).status_code == 404
        assert (await inner.get(f"/fhir/Organization/{place['id']}")).status_code == 404
        assert (await inner.get("/fhir/AuditEvent")).status_code == 403
        assert (await inner.get("/fhir/CodeSystem")).status_code == 403


async def test_class_07_a_deleted_resource_stays_out_of_sight(door: FhirDoor, ours: Caller) -> None:
    there = await planted(door, ours)
    for one in (there.inside, there.outside):
        assert (await ours.delete(f"/fhir/Observation/{one['id']}", headers={"if-match": 'W/"1"'})).status_code == 204
    async with there.inner as inner:
        for one in (there.inside, there.outside):
            for path in ("{}", "{}/_history", "{}/_history/1"):
                same(
                    await inner.get(f"/fhir/Observation/{path.format(one['id'])}"),
                    await inner.get(f"/fhir/Observation/{path.format(ABSENT)}"),
                )
