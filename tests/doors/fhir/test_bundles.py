"""Batch and transaction."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.doors.fhir.conftest import Caller

pytestmark = pytest.mark.asyncio


def entry(method: str, url: str, resource: dict[str, Any] | None = None, full_url: str = "", **more: str) -> dict[str, Any]:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **more}}
    if resource:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


def transaction(*entries: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def referral() -> tuple[dict[str, Any], ...]:
    """A whole referral to a service that is not ours: kept whole; every part names another by its fullUrl."""
    patient, request, form, task = (f"urn:uuid:00000000-0000-4000-8000-00000000000{n}" for n in range(1, 5))
    about = {"reference": patient}
    return (
        entry("POST", "Task", {"resourceType": "Task", "status": "requested", "intent": "order", "focus": {"reference": request}, "for": about}, task),
        entry("POST", "ServiceRequest", {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": about,
              "supportingInfo": [{"reference": form}]}, request),
        entry("POST", "QuestionnaireResponse", {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": about}, form),
        entry("POST", "Patient", {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}], "name": [{"family": "Un"}]}, patient,
              ifNoneExist="identifier=urn:x|1"),
    )  # fmt: skip


async def test_a_whole_referral_in_one_bundle(ours: Caller) -> None:
    answer = await ours.post("/fhir", json=transaction(*referral()))
    assert answer.status_code == 200, answer.text
    task, request, form, patient = (one["resource"] for one in answer.json()["entry"])
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["201"] * 4
    assert task["focus"]["reference"] == f"ServiceRequest/{request['id']}"
    assert request["supportingInfo"][0]["reference"] == f"QuestionnaireResponse/{form['id']}"
    assert {r["subject"]["reference"] for r in (request, form)} == {f"Patient/{patient['id']}"}
    found = (await ours.get("/fhir/Task?patient.identifier=urn:x|1&_include=Task:focus")).json()
    assert [e["resource"]["id"] for e in found["entry"]] == [task["id"], request["id"]]
    again = await ours.post("/fhir", json=transaction(*referral()))
    assert [one["response"]["status"] for one in again.json()["entry"]] == ["201", "201", "201", "200"]
    assert again.json()["entry"][3]["resource"]["id"] == patient["id"]


async def test_all_or_nothing(ours: Caller) -> None:
    bad = entry("POST", "Basic", {"resourceType": "Basic"})
    answer = await ours.post("/fhir", json=transaction(*referral(), bad))
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[4].resource.code"]
    for kind in ("Patient", "Task", "ServiceRequest"):
        assert "entry" not in (await ours.get(f"/fhir/{kind}")).json()


async def test_an_idempotent_transaction_happens_once(ours: Caller) -> None:
    answers = [await ours.post("/fhir", json=transaction(*referral()), headers={"idempotency-key": "t"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert (await ours.get("/fhir/Task")).json()["total"] == 1


async def test_verbs_run_in_the_order_of_the_specification(ours: Caller) -> None:
    made = await ours.make({"resourceType": "Basic", "code": {"text": "old"}})
    gone = await ours.make({"resourceType": "Basic", "code": {"text": "gone"}})
    answer = await ours.post("/fhir", json=transaction(
        entry("GET", f"Basic/{made['id']}"),
        entry("GET", "Basic?_summary=count"),
        entry("PUT", f"Basic/{made['id']}", {**made, "code": {"text": "new"}}, ifMatch='W/"1"'),
        entry("DELETE", f"Basic/{gone['id']}", ifMatch='W/"1"'),
        entry("POST", "Basic", {"resourceType": "Basic", "code": {"text": "made"}}),
    ))  # fmt: skip
    got, counted, put, deleted, posted = answer.json()["entry"]
    assert got["resource"]["code"]["text"] == "new"
    assert counted["resource"]["total"] == 2
    assert (put["response"]["etag"], deleted["response"]["status"], posted["response"]["status"]) == ('W/"2"', "204", "201")


async def test_conditional_references(ours: Caller) -> None:
    patient = await ours.make({"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "9"}], "name": [{"family": "Neuf"}]})
    basic = {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": "Patient?identifier=urn:x|9"}}
    answer = await ours.post("/fhir", json=transaction(entry("POST", "Basic", basic)))
    assert answer.json()["entry"][0]["resource"]["subject"]["reference"] == f"Patient/{patient['id']}"
    nobody = {**basic, "subject": {"reference": "Patient?identifier=urn:x|8"}}
    refused = await ours.post("/fhir", json=transaction(entry("POST", "Basic", nobody)))
    assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (422, ["Bundle.entry[0].resource.subject.reference"])


async def test_the_same_resource_twice_is_refused(ours: Caller) -> None:
    one = entry("DELETE", "Basic/1", ifMatch='W/"1"')
    answer = await ours.post("/fhir", json=transaction(one, one))
    assert answer.status_code == 400


async def test_batch_entries_fail_alone(ours: Caller) -> None:
    answer = await ours.post("/fhir", json=transaction(
        entry("POST", "Basic", {"resourceType": "Basic"}),
        entry("POST", "Basic", {"resourceType": "Basic", "code": {"text": "kept"}}),
        entry("GET", "Nothing/1"),
        kind="batch",
    ))  # fmt: skip
    told = answer.json()["entry"]
    assert [one["response"]["status"] for one in told] == ["400", "201", "404"]
    assert told[0]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert (await ours.get("/fhir/Basic")).json()["total"] == 1


async def test_racing_conditional_creates_make_one(ours: Caller) -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "r"}], "name": [{"family": "Course"}]}
    answers = await asyncio.gather(
        *(ours.post("/fhir/Patient", json=patient, headers={"if-none-exist": "identifier=urn:x|r"}) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_racing_retries_have_one_effect(ours: Caller) -> None:
    basic = {"resourceType": "Basic", "code": {"text": "x"}}
    answers = await asyncio.gather(*(ours.post("/fhir/Basic", json=basic, headers={"idempotency-key": "race"}) for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 409)
    assert (await ours.get("/fhir/Basic")).json()["total"] == 1


async def test_racing_updates_lose_nothing(ours: Caller) -> None:
    made = await ours.make({"resourceType": "Basic", "code": {"text": "0"}})
    address = f"/fhir/Basic/{made['id']}"
    answers = await asyncio.gather(
        *(ours.put(address, json={**made, "code": {"text": str(n)}}, headers={"if-match": 'W/"1"'}) for n in range(1, 9))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    assert (await ours.get(address)).headers["etag"] == 'W/"2"'


async def test_each_entry_of_a_batch_has_a_transaction_of_its_own(ours: Caller) -> None:
    """What an entry wrote is there for the next one, and stays when a later one fails; two entries may be about one resource."""
    made = await ours.make({"resourceType": "Basic", "code": {"text": "0"}})
    address = f"Basic/{made['id']}"
    answer = await ours.post("/fhir", json=transaction(
        entry("PUT", address, {**made, "code": {"text": "1"}}, ifMatch='W/"1"'),
        entry("GET", address),
        entry("PUT", address, {**made, "code": {"text": "2"}}, ifMatch='W/"1"'),
        entry("DELETE", address, ifMatch='W/"2"'),
        entry("GET", address),
        {"request": {"method": "GET"}},
        "POST",
        kind="batch",
    ))  # fmt: skip
    assert answer.status_code == 400  # an entry that is no object: this is no Bundle
    told = (await ours.post("/fhir", json=transaction(
        entry("PUT", address, {**made, "code": {"text": "1"}}, ifMatch='W/"1"'),
        entry("GET", address),
        entry("PUT", address, {**made, "code": {"text": "2"}}, ifMatch='W/"1"'),
        entry("DELETE", address, ifMatch='W/"2"'),
        entry("GET", address),
        {"request": {"method": "GET"}},
        kind="batch",
    ))).json()["entry"]  # fmt: skip
    assert [one["response"]["status"] for one in told] == ["200", "200", "412", "204", "410", "400"]
    assert told[1]["resource"]["code"]["text"] == "1"
    assert told[2]["response"]["etag"] == 'W/"2"'


async def test_an_idempotent_batch_keeps_its_answer(ours: Caller) -> None:
    batch = transaction(entry("POST", "Basic", {"resourceType": "Basic", "code": {"text": "x"}}), entry("GET", "Basic/none"), kind="batch")
    answers = [await ours.post("/fhir", json=batch, headers={"idempotency-key": "b"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert (await ours.get("/fhir/Basic")).json()["total"] == 1


async def test_conditional_writes_in_a_transaction_see_what_stood_before_it(ours: Caller) -> None:
    def basic(value: str, text: str = "x") -> dict[str, Any]:
        return {"resourceType": "Basic", "identifier": [{"value": value}], "code": {"text": text}}

    stood = await ours.make(basic("a"))
    await ours.make(basic("b"))
    answer = await ours.post("/fhir", json=transaction(
        entry("POST", "Basic", {**basic("r"), "subject": {"reference": "urn:uuid:2"}}),
        entry("PUT", "Basic?identifier=c", {"resourceType": "Patient", "identifier": [{"value": "c"}]}),
        entry("DELETE", "Basic?identifier=b"),
    ))  # fmt: skip
    assert answer.status_code == 400
    assert (await ours.get("/fhir/Basic?identifier=b")).json()["total"] == 1
    answer = await ours.post("/fhir", json=transaction(
        {**entry("POST", "Basic", {**basic("r"), "subject": {"reference": "urn:uuid:2"}}), "fullUrl": "urn:uuid:1"},
        {**entry("PUT", "Patient?identifier=c", {"resourceType": "Patient", "identifier": [{"value": "c"}]}), "fullUrl": "urn:uuid:2"},
        {**entry("PUT", "Basic?identifier=a", basic("a2")), "fullUrl": "urn:uuid:3"},
        entry("DELETE", "Basic?identifier=b"),
        entry("GET", "Basic?identifier=a2"),
    ))  # fmt: skip
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["201", "201", "200", "204", "200"], answer.text
    referring, patient, changed, _, found = (one.get("resource") for one in answer.json()["entry"])
    assert referring["subject"]["reference"] == f"Patient/{patient['id']}"
    assert changed["id"] == stood["id"] == found["entry"][0]["resource"]["id"]


async def test_what_a_transaction_may_not_say_twice(ours: Caller) -> None:
    basic = {"resourceType": "Basic", "identifier": [{"value": "a"}], "code": {"text": "x"}}
    made = await ours.make(basic)
    address = f"Basic/{made['id']}"
    for one, other in (
        (entry("PUT", address, made, ifMatch='W/"1"'), entry("DELETE", f"http://testserver/fhir/{address}", ifMatch='W/"1"')),
        (entry("PUT", "Basic?identifier=a", basic), entry("DELETE", address, ifMatch='W/"1"')),
        (entry("PUT", "Basic?identifier=new", basic), entry("POST", "Basic", basic, ifNoneExist="identifier=new")),
        ({**entry("POST", "Basic", basic), "fullUrl": "urn:uuid:1"}, {**entry("POST", "Basic", basic), "fullUrl": "urn:uuid:1"}),
    ):
        answer = await ours.post("/fhir", json=transaction(one, other))
        assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (400, "entry-twice"), (one, other)
    assert (await ours.get(f"/fhir/{address}")).headers["etag"] == 'W/"1"'
