"""`Patient/$merge` and `$unmerge` over FHIR: what partners' software says and is told, and what an update does not do instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller, caller, token
from tests.doors.fhir.test_patient_operations import person

from maillage import journeys
from maillage.doors.fhir import FhirDoor
from maillage.store import Database

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    return FhirDoor(db, mode="test", operations=journeys.OPERATIONS, intake=journeys.INTAKE)


@pytest_asyncio.fixture
async def reader(door: FhirDoor) -> AsyncIterator[Caller]:
    async with caller(door, await token(door.db, "reader", "org-a", "system/*.rs")) as made:
        yield made


def asked(source: str, target: str, **flags: bool) -> dict[str, Any]:
    both = {"source-patient": source, "target-patient": target}
    parts: list[dict[str, Any]] = [{"name": name, "valueReference": {"reference": f"Patient/{id}"}} for name, id in both.items()]
    parts += [{"name": name.replace("_", "-"), "valueBoolean": value} for name, value in {"identity_confirmed": True, **flags}.items()]
    return {"resourceType": "Parameters", "parameter": parts}


async def two(ours: Caller) -> tuple[str, str]:
    number = [{"system": "urn:ipp", "value": "A1"}]
    source = await ours.make(person("Anne", identifier=number))
    return source["id"], (await ours.make(person("Anne")))["id"]


async def test_a_merge_answers_as_the_operation_of_r5_and_is_read_in_both_files(ours: Caller) -> None:
    source, target = await two(ours)
    answer = await ours.post("/fhir/Patient/$merge", json=asked(source, target))
    assert answer.status_code == 200, answer.text
    parts = {one["name"]: one["resource"] for one in answer.json()["parameter"]}
    assert (parts["result"]["id"], parts["outcome"]["issue"][0]["severity"]) == (target, "information")
    replaced = (await ours.get(f"/fhir/Patient/{source}")).json()
    assert (replaced["active"], replaced["link"][0]["type"]) == (False, "replaced-by")
    by_number = (await ours.get("/fhir/Patient", params={"identifier": "urn:ipp|A1"})).json()
    assert {one["resource"]["id"] for one in by_number["entry"]} == {source, target}
    match = await ours.post(
        "/fhir/Patient/$match", json={"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": person("Anne")}]}
    )
    assert [one["resource"]["id"] for one in match.json()["entry"]] == [target]
    again = await ours.post("/fhir/Patient/$merge", json=asked(source, target))
    assert again.status_code == 200
    back = await ours.post(
        f"/fhir/Patient/{source}/$unmerge", headers={"if-match": (await ours.get(f"/fhir/Patient/{source}")).headers["etag"]}
    )
    assert (back.status_code, "link" in back.json()) == (200, False)


async def test_a_link_of_a_merge_is_not_written_by_an_update(ours: Caller) -> None:
    source, target = await two(ours)
    whole = (await ours.get(f"/fhir/Patient/{source}")).json()
    link = [{"other": {"reference": f"Patient/{target}"}, "type": "replaced-by"}]
    tag = {"if-match": (await ours.get(f"/fhir/Patient/{source}")).headers["etag"]}
    answer = await ours.put(f"/fhir/Patient/{source}", json={**whole, "link": link}, headers=tag)
    assert (answer.status_code, "link-by-merge" in answer.text) == (422, True)
    see_also = await ours.put(f"/fhir/Patient/{source}", json={**whole, "link": [{**link[0], "type": "seealso"}]}, headers=tag)
    assert see_also.status_code == 200


async def test_who_may_only_read_or_keeps_neither_file_merges_nothing(ours: Caller, theirs: Caller, reader: Caller) -> None:
    source, target = await two(ours)
    assert (await reader.post("/fhir/Patient/$merge", json=asked(source, target))).status_code == 403
    assert (await theirs.post("/fhir/Patient/$merge", json=asked(source, target))).status_code == 404
    unsaid = await ours.post("/fhir/Patient/$merge", json=asked(source, target, identity_confirmed=False))
    assert (unsaid.status_code, "identity-unconfirmed" in unsaid.text) == (422, True)
    assert "link" not in (await ours.get(f"/fhir/Patient/{source}")).json()


async def test_the_operations_are_in_the_capabilities_with_their_definitions(ours: Caller) -> None:
    rest = (await ours.get("/fhir/metadata")).json()["rest"][0]["resource"]
    offered = {one["name"]: one["definition"] for kind in rest if kind["type"] == "Patient" for one in kind["operation"]}
    for name, level in (("merge", "type"), ("unmerge", "instance")):
        definition = (await ours.get(f"/fhir/OperationDefinition/Patient-{name}")).json()
        assert (offered[name], definition[level], definition["affectsState"]) == (definition["url"], True, True)
