"""Each interaction: what it answers, with which status and headers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.doors.fhir.conftest import Caller, caller, token

from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

pytestmark = pytest.mark.asyncio

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:oid:1.2.3", "value": "A1"}],
    "name": [{"family": "Lefèvre", "given": ["Élodie"]}],
    "gender": "female",
    "birthDate": "1974-12-25",
}


def observation(patient: str, value: str = "4.20") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": 4.2, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        "note": [{"text": value}],
    }


def reasons(answer: httpx.Response) -> list[str]:
    return [issue["details"]["coding"][0]["code"] for issue in answer.json()["issue"]]


async def test_capabilities_need_no_token(door: FhirDoor) -> None:
    async with caller(door, "none") as anybody:
        answer = await anybody.get("/fhir/metadata", headers={"authorization": ""})
    statement = answer.json()
    assert answer.status_code == 200
    assert statement["fhirVersion"] == "4.0.1"
    kinds = {resource["type"]: resource for resource in statement["rest"][0]["resource"]}
    assert {"name": "owner", "type": "reference"}.items() <= next(p for p in kinds["Task"]["searchParam"] if p["name"] == "owner").items()
    assert {i["code"] for i in kinds["Observation"]["interaction"]} >= {"read", "vread", "create", "update", "delete", "search-type"}


async def test_create_read_update_delete_and_the_versions_between(ours: Caller) -> None:
    patient = await ours.make(PATIENT)
    created = await ours.post("/fhir/Observation", json=observation(patient["id"]))
    assert created.status_code == 201
    made = created.json()
    address = f"/fhir/Observation/{made['id']}"
    assert created.headers["location"] == f"http://testserver{address}/_history/1"
    assert created.headers["etag"] == 'W/"1"'
    read = await ours.get(address)
    assert read.json() == made
    assert read.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert read.headers["cache-control"] == "no-store"
    assert (await ours.get(address, headers={"if-none-match": 'W/"1"'})).status_code == 304
    since = {"if-modified-since": read.headers["last-modified"]}
    assert (await ours.get(address, headers=since)).status_code == 304
    assert (await ours.get(address, headers={"if-modified-since": "Thu, 01 Jan 2026 00:00:00 GMT"})).status_code == 200
    assert (await ours.get(address, headers={**since, "if-none-match": 'W/"7"'})).status_code == 200, "the ETag decides where both are sent"
    head = await ours.head(address)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", 'W/"1"')
    changed = {**made, "status": "amended"}
    none = await ours.put(address, json=changed)
    assert (none.status_code, none.headers["etag"], reasons(none)) == (428, 'W/"1"', ["version-required"])
    updated = await ours.put(address, json=changed, headers={"if-match": 'W/"1"'})
    assert (updated.status_code, updated.headers["etag"]) == (200, 'W/"2"')
    stale = await ours.put(address, json=changed, headers={"if-match": 'W/"1"'})
    assert (stale.status_code, stale.headers["etag"], reasons(stale)) == (412, 'W/"2"', ["stale"])
    assert (await ours.get(f"{address}/_history/1")).json()["status"] == "final"
    history = (await ours.get(f"{address}/_history")).json()
    assert [entry["response"]["etag"] for entry in history["entry"]] == ['W/"2"', 'W/"1"']
    assert (await ours.delete(address)).status_code == 428
    assert (await ours.delete(address, headers={"if-match": 'W/"2"'})).status_code == 204
    assert (await ours.get(address)).status_code == 410
    assert (await ours.delete(address)).status_code == 204
    assert [e["request"]["method"] for e in (await ours.get(f"{address}/_history")).json()["entry"]] == ["DELETE", "PUT", "POST"]
    assert "entry" not in (await ours.get("/fhir/Observation")).json()


async def test_server_parts_of_meta_are_not_the_clients(ours: Caller) -> None:
    meta = {"versionId": "9", "lastUpdated": "2001-01-01T00:00:00Z", "security": [{"system": "urn:x", "code": "R"}], "tag": [{"code": "t"}]}
    answer = await ours.post("/fhir/Basic", json={"resourceType": "Basic", "meta": meta, "code": {"text": "x"}})
    made = answer.json()
    assert made["meta"]["versionId"] == "1"
    assert not made["meta"]["lastUpdated"].startswith("2001")
    assert "security" not in made["meta"]
    assert made["meta"]["tag"] == [{"code": "t"}]
    assert answer.headers["x-warnings"] == "label-ignored Basic.meta.security"


async def test_preferences(ours: Caller) -> None:
    basic = {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": "Patient/nobody"}}
    minimal = await ours.post("/fhir/Basic", json=basic, headers={"prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    outcome = await ours.post("/fhir/Basic", json=basic, headers={"prefer": "return=OperationOutcome"})
    assert reasons(outcome) == ["reference-unknown"]
    assert outcome.json()["issue"][0]["expression"] == ["Basic.subject.reference"]


async def test_search_pages_lead_through_everything_once(ours: Caller) -> None:
    for number in range(7):
        await ours.make({"resourceType": "Basic", "code": {"coding": [{"code": f"c{number % 2}"}]}})
    seen: list[str] = []
    answer = await ours.get("/fhir/Basic", params={"_count": "2", "_sort": "code,-_lastUpdated", "code": "c0,c1", "_total": "accurate"})
    while True:
        bundle = answer.json()
        assert bundle["total"] == 7
        seen += [entry["resource"]["code"]["coding"][0]["code"] + entry["resource"]["id"] for entry in bundle["entry"]]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        assert links["self"] == "http://testserver/fhir/Basic?_count=2&_sort=code,-_lastUpdated&code=c0,c1&_total=accurate"
        if "next" not in links:
            break
        answer = await ours.get(links["next"])
    assert len(set(seen)) == 7
    assert [text[:2] for text in seen] == sorted(text[:2] for text in seen)


@pytest.mark.parametrize(
    "sort", ["date", "-date", "-value-quantity,date", "value-string", "-subject", "status,-_id", "patient,-value-string"]
)
async def test_pages_hold_open_and_missing_values(ours: Caller, sort: str) -> None:
    base = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    for more in (
        {},
        {},
        {"effectivePeriod": {"start": "2026-01-01"}, "valueString": "b"},
        {"effectivePeriod": {"end": "2026-01-01"}, "valueString": "é"},
        {"effectiveDateTime": "2026-11", "valueQuantity": {"value": 3}},
        {"effectiveDateTime": "2026-11", "valueQuantity": {"value": 3.5, "comparator": "<"}, "subject": {"reference": "Patient/x"}},
    ):
        await ours.make({**base, **more})
    whole = [e["resource"]["id"] for e in (await ours.get(f"/fhir/Observation?_sort={sort}&_total=accurate")).json()["entry"]]
    seen, address = [], f"/fhir/Observation?_sort={sort}&_count=1"
    while address:
        answer = await ours.get(address)
        assert answer.status_code == 200, answer.text
        seen += [e["resource"]["id"] for e in answer.json()["entry"]]
        address = next((link["url"] for link in answer.json()["link"] if link["relation"] == "next"), "")
    assert seen == whole
    assert len(set(seen)) == 6


async def test_reverse_chains_do_not_mistake_one_type_for_another(ours: Caller) -> None:
    location = await ours.make({"resourceType": "Location", "name": "Lieu"})
    about = {"reference": f"Patient/x{location['id']}"}
    await ours.make({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": about})
    assert (await ours.get("/fhir/Location?_has:Observation:subject:status=final")).json()["total"] == 0
    here = {"reference": f"Location/{location['id']}"}
    await ours.make({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": here})
    assert (await ours.get("/fhir/Location?_has:Observation:subject:status=final")).json()["total"] == 1


async def test_a_paging_link_is_sealed(ours: Caller, theirs: Caller) -> None:
    for _ in range(3):
        await ours.make({"resourceType": "Basic", "code": {"text": "x"}})
    bundle = (await ours.get("/fhir/Basic", params={"_count": "1"})).json()
    following = next(link["url"] for link in bundle["link"] if link["relation"] == "next")
    assert (await ours.get(following)).status_code == 200
    for answer in (
        await theirs.get(following),
        await ours.get(following[:-3] + "abc"),
        await ours.get(following.replace("_count=1", "_count=2")),
    ):
        assert (answer.status_code, reasons(answer)) == (400, ["cursor-not-yours"])


async def test_search_by_post_answers_like_get(ours: Caller) -> None:
    await ours.make(PATIENT)
    form = {"content-type": "application/x-www-form-urlencoded"}
    posted = (await ours.post("/fhir/Patient/_search", content="family=lefevre&gender=female", headers=form)).json()
    got = (await ours.get("/fhir/Patient?family=lefevre&gender=female")).json()
    assert posted == got
    assert got["total"] == 1


async def test_unknown_parameters_are_ignored_or_refused(ours: Caller) -> None:
    lenient = (await ours.get("/fhir/Patient?colour=red&gender=male")).json()
    assert lenient["link"][0]["url"] == "http://testserver/fhir/Patient?gender=male"
    assert lenient["entry"][-1]["search"]["mode"] == "outcome"
    strict = await ours.get("/fhir/Patient?colour=red&gender=male", headers={"prefer": "handling=strict"})
    assert strict.status_code == 400
    for query in ("gender:contains=m", "birthdate=soon", "_count=many", "_include=Patient", "_total=some", "gender=", "family:exactly=x",
                  "general-practitioner.colour=x", "_has:Task=x", "link:Task=3"):  # fmt: skip
        assert (await ours.get(f"/fhir/Patient?{query}")).status_code == 400, query


async def test_includes_chains_and_reverse(ours: Caller) -> None:
    patient = await ours.make(PATIENT)
    made = await ours.make(observation(patient["id"]))
    for query in ("subject:Patient.identifier=A1", "patient.family=lef", "patient.birthdate=1974", "subject=Patient/" + patient["id"],
                  "patient=" + patient["id"], "patient:Patient=" + patient["id"], f"subject=http://testserver/fhir/Patient/{patient['id']}",
                  "value-quantity=4.2", "value-quantity=gt4|http://unitsofmeasure.org|kg", "value-quantity=4.2||kg", "code=29463-7",
                  "code=http://loinc.org|", "_lastUpdated=ge2020", "_id=" + made["id"]):  # fmt: skip
        bundle = (await ours.get(f"/fhir/Observation?{query}")).json()
        assert [entry["resource"]["id"] for entry in bundle.get("entry", [])] == [made["id"]], query
    for query in ("subject:Patient.identifier=A2", "patient.family=efe", "value-quantity=gt4.2", "value-quantity=4.2||g", "code=|29463-7"):
        assert "entry" not in (await ours.get(f"/fhir/Observation?{query}")).json(), query
    included = (await ours.get("/fhir/Observation?_include=Observation:subject")).json()
    assert [(e["resource"]["resourceType"], e["search"]["mode"]) for e in included["entry"]] == [
        ("Observation", "match"),
        ("Patient", "include"),
    ]
    reverse = (await ours.get("/fhir/Patient?_revinclude=Observation:patient")).json()
    assert [(e["resource"]["resourceType"], e["search"]["mode"]) for e in reverse["entry"]] == [
        ("Patient", "match"),
        ("Observation", "include"),
    ]
    has = (await ours.get("/fhir/Patient?_has:Observation:patient:code=29463-7")).json()
    assert has["total"] == 1
    assert (await ours.get("/fhir/Patient?_has:Observation:patient:code=1")).json()["total"] == 0
    assert (await ours.get("/fhir/Patient?_summary=count")).json() == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "link": [{"relation": "self", "url": "http://testserver/fhir/Patient?_summary=count"}],
    }


async def test_conditional_create(ours: Caller) -> None:
    first = await ours.post("/fhir/Patient", json=PATIENT, headers={"if-none-exist": "identifier=urn:oid:1.2.3|A1"})
    second = await ours.post("/fhir/Patient", json=PATIENT, headers={"if-none-exist": "identifier=urn:oid:1.2.3|A1"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    await ours.make(PATIENT)
    assert (await ours.post("/fhir/Patient", json=PATIENT, headers={"if-none-exist": "identifier=A1"})).status_code == 412
    assert (await ours.post("/fhir/Patient", json=PATIENT, headers={"if-none-exist": "_count=3"})).status_code == 400


async def test_idempotent_replay(ours: Caller) -> None:
    headers = {"idempotency-key": "k1"}
    first = await ours.post("/fhir/Patient", json=PATIENT, headers=headers)
    again = await ours.post("/fhir/Patient", json=PATIENT, headers=headers)
    assert (again.status_code, again.content, again.headers["location"]) == (201, first.content, first.headers["location"])
    assert again.headers["idempotency-replayed"] == "true"
    assert (await ours.get("/fhir/Patient")).json()["total"] == 1
    other = await ours.post("/fhir/Patient", json={**PATIENT, "gender": "male"}, headers=headers)
    assert (other.status_code, reasons(other)) == (422, ["idempotency-key-reused"])


async def test_a_replay_shows_nothing_that_is_out_of_sight(ours: Caller, db: Database) -> None:
    headers = {"idempotency-key": "k2"}
    made = await ours.post("/fhir/Patient", json=PATIENT, headers=headers)
    async with db.transaction(SYSTEM) as tx:  # the link is ended behind the back of everyone
        await tx.execute("UPDATE care_link SET ends = starts WHERE patient_id = $1", made.json()["id"])
    assert (await ours.post("/fhir/Patient", json=PATIENT, headers=headers)).status_code == 404


async def test_scopes(door: FhirDoor) -> None:
    async with caller(door, await token(door.db, "reader", "org-a", "system/Patient.rs")) as reader:
        assert (await reader.get("/fhir/Patient")).status_code == 200
        assert (await reader.get("/fhir/Patient?_revinclude=Observation:subject&_include=*")).status_code == 200
        hidden = ("Task", "Task/1", "Patient?_has:Observation:subject:code=x", "Patient?general-practitioner:Organization.name=x")
        for answer in (await reader.post("/fhir/Patient", json=PATIENT), *[await reader.get(f"/fhir/{path}") for path in hidden]):
            assert (answer.status_code, reasons(answer)) == (403, ["scope"])


async def test_validate(ours: Caller) -> None:
    good = await ours.post("/fhir/Patient/$validate", json=PATIENT)
    assert (good.status_code, reasons(good)) == (200, ["valid"])
    bad = await ours.post("/fhir/Patient/$validate", json={**PATIENT, "gender": "ferale", "colour": "red"})
    assert {issue["expression"][0] for issue in bad.json()["issue"]} == {"Patient.gender", "Patient.colour"}
    wrapped = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": PATIENT}]}
    assert reasons(await ours.post("/fhir/Patient/$validate", json=wrapped)) == ["valid"]


async def test_audit_events_tell_who_looked(ours: Caller, theirs: Caller) -> None:
    patient = await ours.make(PATIENT)
    await ours.get(f"/fhir/Patient/{patient['id']}", headers={"x-request-id": "look-1"})
    await ours.get("/fhir/Patient?family=lef")
    bundle = (await ours.get("/fhir/AuditEvent", params={"patient": f"Patient/{patient['id']}"})).json()
    events = [entry["resource"] for entry in bundle["entry"]]
    assert [event["action"] for event in events] == ["E", "R", "C"]
    assert "look-1" in json.dumps(events[1])
    assert "entry" not in (await theirs.get("/fhir/AuditEvent", params={"patient": patient["id"]})).json()
    one = await ours.get(f"/fhir/AuditEvent/{events[0]['id']}")
    assert one.json() == events[0]
    assert (await theirs.get(f"/fhir/AuditEvent/{events[0]['id']}")).status_code == 404


async def test_provenance_of_a_write(ours: Caller) -> None:
    patient = await ours.make(PATIENT)
    bundle = (await ours.get(f"/fhir/Provenance?target=Patient/{patient['id']}")).json()
    assert [entry["resource"]["activity"]["text"] for entry in bundle["entry"]] == ["create"]


async def test_format_and_pretty(ours: Caller) -> None:
    assert b"\n  " in (await ours.get("/fhir/metadata?_pretty=true")).content
    assert (await ours.get("/fhir/metadata?_format=json")).headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert (await ours.get("/fhir/metadata", headers={"accept": "application/json+fhir"})).status_code == 200
    for accept in ("image/png", "application/fhir+json;q=0", "application/fhir+json; fhirVersion=5.0", "text/csv, image/*"):
        assert (await ours.get("/fhir/Patient", headers={"accept": accept})).status_code == 406, accept
    for accept, written in (
        ("application/fhir+xml", "application/fhir+xml"),
        ("application/fhir+json;q=0.5, application/fhir+xml", "application/fhir+xml"),
        ("application/fhir+xml;q=0.5, */*;q=0.1", "application/fhir+xml"),
        ("*/*, application/xml", "application/xml"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/fhir+json"),
        ("application/fhir+json; fhirVersion=4.0", "application/fhir+json"),
    ):
        answer = await ours.get("/fhir/Patient", headers={"accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{written}; charset=utf-8"), accept
    for asked in ("xml", "application/fhir+xml", "application%2Ffhir%2Bxml", "text/xml"):
        assert (await ours.get(f"/fhir/metadata?_format={asked}")).content.startswith(
            b'<?xml version="1.0" encoding="UTF-8"?><CapabilityStatement xmlns'
        )
    assert (await ours.get("/fhir/Patient?_format=csv")).status_code == 406
    told = await ours.get("/fhir/Patient/none?_format=xml&_pretty=true")
    assert told.content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<OperationOutcome xmlns="http://hl7.org/fhir">\n  <issue>')
