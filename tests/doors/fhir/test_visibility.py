"""Invisible is absent: the same status, the same bytes, on every interaction; nothing leaks through what surrounds a resource."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest
from tests.doors.fhir.conftest import Caller, caller, token
from tests.support import postgres

from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.store import Database, Limits

pytestmark = pytest.mark.asyncio

CANARY = "kanarek"
ABSENT = "0192f0c1-0000-7000-8000-000000000000"


async def planted(theirs: Caller) -> dict[str, Any]:
    """A patient of the other organisation, with what hangs on it; every text of it holds the canary."""
    patient = await theirs.make(
        {
            "resourceType": "Patient",
            "identifier": [{"system": f"urn:{CANARY}", "value": CANARY}],
            "name": [{"family": CANARY, "given": [CANARY]}],
        }
    )
    about = {"reference": f"Patient/{patient['id']}"}
    observation = await theirs.make(
        {"resourceType": "Observation", "status": "final", "code": {"text": CANARY, "coding": [{"code": CANARY}]}, "subject": about}
    )
    request = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": about, "note": [{"text": CANARY}]}
    service_request = await theirs.make(request)
    return {"Patient": patient, "Observation": observation, "ServiceRequest": service_request}


def same(hidden: httpx.Response, absent: httpx.Response) -> None:
    """Status, body and headers, but for the request's own id."""
    assert hidden.status_code == absent.status_code
    assert hidden.content == absent.content
    drop = {"x-request-id", "date"}
    assert {k: v for k, v in hidden.headers.items() if k not in drop} == {k: v for k, v in absent.headers.items() if k not in drop}
    assert CANARY not in hidden.text + str(hidden.headers)


@pytest.mark.parametrize("kind", ["Patient", "Observation", "ServiceRequest"])
async def test_every_interaction_answers_for_a_hidden_resource_as_for_an_absent_one(kind: str, ours: Caller, theirs: Caller) -> None:
    hidden = (await planted(theirs))[kind]
    for id, path in (
        (hidden["id"], "{}"),
        (hidden["id"], "{}/_history"),
        (hidden["id"], "{}/_history/1"),
        (hidden["id"], "{}/$available-actions"),
    ):
        same(await ours.get(f"/fhir/{kind}/{path.format(id)}"), await ours.get(f"/fhir/{kind}/{path.format(ABSENT)}"))
    for extra in ({}, {"if-match": 'W/"1"'}, {"if-match": 'W/"7"'}):
        body = {key: value for key, value in hidden.items() if key != "meta"}
        one = await ours.put(f"/fhir/{kind}/{hidden['id']}", json=body, headers=extra)
        other = await ours.put(f"/fhir/{kind}/{ABSENT}", json={**body, "id": ABSENT}, headers=extra)
        same(one, other)
        assert one.status_code == 404
        same(await ours.delete(f"/fhir/{kind}/{hidden['id']}", headers=extra), await ours.delete(f"/fhir/{kind}/{ABSENT}", headers=extra))
    same(
        await ours.post(f"/fhir/{kind}/{hidden['id']}/$validate", content=b""),
        await ours.post(f"/fhir/{kind}/{ABSENT}/$validate", content=b""),
    )


async def test_batch_entries_hide_alike(ours: Caller, theirs: Caller) -> None:
    hidden = (await planted(theirs))["Observation"]

    def batch(id: str) -> dict[str, Any]:
        asked = [("GET", f"Observation/{id}"), ("GET", f"Observation/{id}/_history"), ("DELETE", f"Observation/{id}")]
        entries = [{"request": {"method": method, "url": url, "ifMatch": 'W/"1"'}} for method, url in asked]
        return {"resourceType": "Bundle", "type": "batch", "entry": entries}

    one, other = await ours.post("/fhir", json=batch(hidden["id"])), await ours.post("/fhir", json=batch(ABSENT))
    same(one, other)
    assert [entry["response"]["status"] for entry in one.json()["entry"]] == ["404", "404", "404"]


async def test_nothing_leaks_around_a_search(ours: Caller, theirs: Caller) -> None:
    hidden = await planted(theirs)
    about = {"reference": f"Patient/{hidden['Patient']['id']}"}
    mine = await ours.make({"resourceType": "Observation", "status": "final", "code": {"text": "mine"}, "subject": about})
    pointing = {"resourceType": "Observation", "status": "final", "code": {"text": "mine"}, "derivedFrom": [{"reference": "Observation/x"}]}
    pointing["derivedFrom"] = [{"reference": f"Observation/{hidden['Observation']['id']}"}]
    await ours.make(pointing)
    queries = (
        "Observation?_include=Observation:subject&_include=Observation:*",
        "Observation?_include=Observation:derived-from&_include:iterate=Observation:subject",
        f"Observation?subject:Patient.family={CANARY}",
        f"Observation?subject:Patient.identifier={CANARY}",
        f"Observation?derived-from:Observation.code={CANARY}",
        f"Patient?_has:Observation:patient:code={CANARY}",
        f"Patient?family={CANARY}",
        f"Patient?identifier={CANARY}&_summary=count",
        f"Patient?_id={hidden['Patient']['id']}",
        f"Observation?_id={mine['id']}&_revinclude=Observation:derived-from&_revinclude=Provenance:target",
        "Patient?_revinclude=Observation:subject&_sort=family",
        f"Provenance?target=Patient/{hidden['Patient']['id']}",
        "ServiceRequest?_total=accurate",
    )
    for query in queries:
        answer = await ours.get(f"/fhir/{query}")
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        links = [link.pop("url") for link in bundle["link"]]
        assert CANARY not in str(bundle), query
        shown = [entry["resource"]["id"] for entry in bundle.get("entry", [])]
        assert not {resource["id"] for resource in hidden.values()} & set(shown), (query, links)
        if query.startswith(("Patient", "ServiceRequest")) or CANARY in query:
            assert bundle["total"] == 0, query


async def test_a_reference_to_a_hidden_patient_is_like_one_to_nobody(ours: Caller, theirs: Caller) -> None:
    hidden = (await planted(theirs))["Patient"]

    async def made(id: str) -> httpx.Response:
        body = {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": f"Patient/{id}"}}
        return await ours.post("/fhir/Basic", json=body, headers={"prefer": "return=OperationOutcome"})

    one, other = await made(hidden["id"]), await made(ABSENT)
    assert (one.status_code, one.content, one.headers["x-warnings"]) == (other.status_code, other.content, other.headers["x-warnings"])
    assert "entry" not in (await theirs.get(f"/fhir/Basic?subject=Patient/{hidden['id']}")).json()


async def test_only_the_owner_rewrites(ours: Caller, theirs: Caller, db: Any) -> None:
    made = await ours.make({"resourceType": "Basic", "code": {"text": "x"}})
    async with db.transaction(SYSTEM) as tx:  # as a room would show it to a party
        await tx.execute("UPDATE resource_head SET parties = parties || '{org-b}' WHERE id = $1", made["id"])
    address = f"/fhir/Basic/{made['id']}"
    assert (await theirs.get(address)).status_code == 200
    assert (await theirs.put(address, json=made, headers={"if-match": 'W/"1"'})).status_code == 403
    assert (await theirs.delete(address, headers={"if-match": 'W/"1"'})).status_code == 403


async def test_a_resource_never_moves_to_another_patient(ours: Caller) -> None:
    first = await ours.make({"resourceType": "Patient", "name": [{"family": "un"}]})
    second = await ours.make({"resourceType": "Patient", "name": [{"family": "deux"}]})
    made = await ours.make({"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": f"Patient/{first['id']}"}})
    moved = {**made, "subject": {"reference": f"Patient/{second['id']}"}}
    answer = await ours.put(f"/fhir/Basic/{made['id']}", json=moved, headers={"if-match": 'W/"1"'})
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "patient-changed"


async def test_the_directory_is_rewritten_by_those_whom_it_is_about(ours: Caller, theirs: Caller) -> None:
    made = await ours.make({"resourceType": "Organization", "name": "Cabinet"})
    address, renamed = f"/fhir/Organization/{made['id']}", {**made, "name": "Autre"}
    assert (await theirs.get(address)).status_code == 200
    assert (await theirs.put(address, json=renamed, headers={"if-match": 'W/"1"'})).status_code == 403
    assert (await ours.put(address, json=renamed, headers={"if-match": 'W/"1"'})).status_code == 200
    assert (await ours.delete(address, headers={"if-match": 'W/"2"'})).status_code == 422


async def test_no_audit_no_data(ours: Caller, dsn: str, db: Database) -> None:
    made = await ours.make({"resourceType": "Patient", "name": [{"family": CANARY}]})
    paths = (f"Patient/{made['id']}", f"Patient/{made['id']}/_history", f"Patient?family={CANARY}")
    hurried = await Database.open(dsn, db.clock, limits=Limits(lock=0.3))
    holder = await asyncpg.connect(postgres.owner(dsn))
    try:
        async with holder.transaction(), caller(FhirDoor(hurried, mode="test"), await token(db, "hurried", "org-a")) as hurry:
            await holder.execute("LOCK TABLE audit_event IN ACCESS EXCLUSIVE MODE")
            for path in paths:
                answer = await hurry.get(f"/fhir/{path}")
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
                assert CANARY not in answer.text
    finally:
        await holder.close()
        await hurried.close()
    assert [(await ours.get(f"/fhir/{path}")).status_code for path in paths] == [200, 200, 200]


async def test_refusals_leave_an_audit_row(ours: Caller, theirs: Caller) -> None:
    hidden = (await planted(theirs))["Observation"]
    await ours.get(f"/fhir/Observation/{hidden['id']}")
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": f"Observation/{hidden['id']}"}}]}
    await ours.post("/fhir", json=batch)
    found = (await ours.get(f"/fhir/AuditEvent?entity=Observation/{hidden['id']}")).json()
    assert [entry["resource"]["outcome"] for entry in found["entry"]] == ["4", "4"]
