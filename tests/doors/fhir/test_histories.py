"""Histories show what the caller may see, once each, page by page, and nothing of what is hidden."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.doors.fhir.conftest import Caller, caller, token

from maillage.doors.fhir import FhirDoor
from maillage.kernel.clock import FixedClock

pytestmark = pytest.mark.asyncio

BASIC: dict[str, Any] = {"resourceType": "Basic", "code": {"text": "x"}}


def told(bundle: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["fullUrl"].rpartition("/fhir/")[2], entry["response"]["etag"]) for entry in bundle.get("entry", [])]


async def everything(client: Caller, address: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    while address:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        found += told(answer.json())
        address = next((link["url"] for link in answer.json()["link"] if link["relation"] == "next"), "")
    return found


async def lives(client: Caller, texts: int) -> list[dict[str, Any]]:
    """So many resources, each written, rewritten and every second one deleted."""
    made = []
    for number in range(texts):
        one = await client.make(BASIC)
        made.append(one)
        await client.put(f"/fhir/Basic/{one['id']}", json={**one, "code": {"text": str(number)}}, headers={"if-match": 'W/"1"'})
        if number % 2:
            await client.delete(f"/fhir/Basic/{one['id']}", headers={"if-match": 'W/"2"'})
    return made


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_pages_lead_through_every_version_once(count: int, ours: Caller, theirs: Caller, clock: FixedClock) -> None:
    await lives(theirs, 2)
    made = await lives(ours, 4)
    await ours.make({"resourceType": "Location", "name": "Lieu"})
    wanted = {(f"Basic/{one['id']}", f'W/"{version}"') for n, one in enumerate(made) for version in range(1, 4 if n % 2 else 3)}
    basics = await everything(ours, f"/fhir/Basic/_history?_count={count}")
    assert (set(basics), len(basics)) == (wanted, 10)
    whole = await everything(ours, f"/fhir/_history?_count={count}")
    assert {key for key in whole if key[0].startswith("Basic")} == wanted
    assert len(whole) == len(set(whole))
    assert {"Basic", "Location", "Provenance"} == {address.partition("/")[0] for address, _ in whole}
    one = await everything(ours, f"/fhir/Basic/{made[1]['id']}/_history?_count={count}")
    assert [etag for _, etag in one] == ['W/"3"', 'W/"2"', 'W/"1"']


async def test_since_and_at(ours: Caller, clock: FixedClock) -> None:
    made = await ours.make(BASIC)
    address = f"/fhir/Basic/{made['id']}"
    for number in range(1, 4):
        clock.advance(timedelta(minutes=10))
        headers = {"if-match": f'W/"{number}"'}
        assert (await ours.put(address, json={**made, "code": {"text": str(number)}}, headers=headers)).status_code == 200

    async def versions(query: str) -> str:
        return "".join(etag[3] for _, etag in told((await ours.get(f"{address}/_history?{query}")).json()))

    day = "2026-11-16T"
    assert await versions(f"_since={day}08:20:00Z") == "43"
    assert await versions(f"_since={day}09:20:00+01:00") == "43"
    assert await versions(f"_since={day}08:20:00.001Z") == "4"
    assert await versions(f"_since={day[:-1]}") == "4321"
    assert await versions(f"_at={day}08:15:00Z") == "2"
    assert await versions(f"_at={day}08:10:00Z") == "2"
    assert await versions(f"_at={day}08:09:59Z") == "1"
    assert await versions("_at=2026-11") == "4321"
    assert await versions("_at=2027") == "4"
    assert await versions("_at=2025") == ""


async def test_a_page_of_a_history_is_sealed(ours: Caller, theirs: Caller) -> None:
    await lives(ours, 2)
    bundle = (await ours.get("/fhir/Basic/_history?_count=1")).json()
    following = next(link["url"] for link in bundle["link"] if link["relation"] == "next")
    for answer in (
        await theirs.get(following),
        await ours.get(following.replace("_count=1", "_count=2")),
        await ours.get(following.replace("/Basic/", "/")),
    ):
        assert answer.status_code == 400


async def test_what_is_hidden_leaves_no_trace(ours: Caller, theirs: Caller) -> None:
    patient = await theirs.make({"resourceType": "Patient", "name": [{"family": "kanarek"}]})
    made = await theirs.make({**BASIC, "code": {"text": "kanarek"}, "subject": {"reference": f"Patient/{patient['id']}"}})
    await theirs.delete(f"/fhir/Basic/{made['id']}", headers={"if-match": 'W/"1"'})
    for path in ("/fhir/_history", "/fhir/Basic/_history", "/fhir/Patient/_history", "/fhir/_history?_at=2026"):
        answer = await ours.get(path)
        assert (answer.status_code, answer.json().get("entry")) == (200, None), path
    hidden, absent = await ours.get(f"/fhir/Basic/{made['id']}/_history"), await ours.get("/fhir/Basic/none/_history")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    for method in ("GET", "DELETE", "PUT", "PATCH"):
        body = {"json": {**BASIC, "id": made["id"]}} if method == "PUT" else {"json": []} if method == "PATCH" else {}
        headers = {"content-type": "application/json-patch+json"} if method == "PATCH" else {}
        answer = await ours.request(method, f"/fhir/Basic/{made['id']}", headers=headers, **body)  # type: ignore[arg-type]
        assert (answer.status_code, answer.content) == (404, absent.content), method


async def test_a_history_shows_the_types_that_the_scopes_grant(door: FhirDoor, ours: Caller) -> None:
    await lives(ours, 1)
    async with caller(door, await token(door.db, "narrow", "org-a", "system/Basic.r")) as narrow:
        assert {address.partition("/")[0] for address, _ in await everything(narrow, "/fhir/_history")} == {"Basic"}
        assert (await narrow.get("/fhir/Location/_history")).status_code == 403
    async with caller(door, await token(door.db, "writer", "org-a", "system/Basic.c")) as writer:
        assert (await writer.get("/fhir/_history")).status_code == 403
