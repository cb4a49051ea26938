"""Conditions in place of an id: what they find, and that racing clients make one resource and not two."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.doors.fhir.conftest import Caller, caller, token

from maillage import access
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Conflict, Invalid
from maillage.settings import FhirSettings, Settings
from maillage.store import Database

pytestmark = pytest.mark.asyncio

BASIC: dict[str, Any] = {"resourceType": "Basic", "identifier": [{"system": "urn:x", "value": "1"}], "code": {"text": "x"}}


def reason(answer: Any) -> str:
    found: str = answer.json()["issue"][0]["details"]["coding"][0]["code"]
    return found


async def count(client: Caller) -> int:
    total: int = (await client.get("/fhir/Basic?_summary=count")).json()["total"]
    return total


async def test_twenty_clients_racing_on_one_conditional_create_make_one(door: FhirDoor) -> None:
    clients = [caller(door, await token(door.db, f"client-{n}", "org-a")) for n in range(20)]
    spellings = ("identifier=urn:x|1", "identifier=1", "Basic?identifier=urn%3Ax%7C1", "identifier=urn:x|1&_count=3")
    answers = await asyncio.gather(
        *(client.post("/fhir/Basic", json=BASIC, headers={"if-none-exist": spellings[n % 4]}) for n, client in enumerate(clients))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await count(clients[0]) == 1


async def test_racing_conditional_writes_of_every_kind_make_one(ours: Caller) -> None:
    def transaction(method: str, url: str, **more: str) -> dict[str, Any]:
        return {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [{"resource": BASIC, "request": {"method": method, "url": url, **more}}],
        }

    answers = await asyncio.gather(
        *(ours.put("/fhir/Basic?identifier=urn:x|1", json=BASIC) for _ in range(6)),
        *(ours.post("/fhir/Basic", json=BASIC, headers={"if-none-exist": "identifier=1"}) for _ in range(6)),
        *(ours.post("/fhir", json=transaction("PUT", "Basic?identifier=1")) for _ in range(4)),
        *(ours.post("/fhir", json=transaction("POST", "Basic", ifNoneExist="identifier=urn:x|1")) for _ in range(4)),
    )
    assert {answer.status_code for answer in answers} <= {200, 201}  # a transaction that made it says 200, and 201 within
    told = [
        answer.json()["entry"][0]["response"]["status"] if answer.json()["resourceType"] == "Bundle" else str(answer.status_code)
        for answer in answers
    ]
    assert sorted(told) == ["200"] * 19 + ["201"]
    assert await count(ours) == 1


async def test_transactions_that_lock_the_same_conditions_in_another_order_both_pass(ours: Caller) -> None:
    def entry(value: str) -> dict[str, Any]:
        made = {**BASIC, "identifier": [{"system": "urn:x", "value": value}]}
        return {"resource": made, "request": {"method": "POST", "url": "Basic", "ifNoneExist": f"identifier={value}"}}

    values = ["a", "b", "c", "d"]
    bundles = [
        {"resourceType": "Bundle", "type": "transaction", "entry": [entry(v) for v in (values if n % 2 else values[::-1])]}
        for n in range(10)
    ]
    answers = await asyncio.gather(*(ours.post("/fhir", json=bundle) for bundle in bundles))
    assert {answer.status_code for answer in answers} == {200}
    assert await count(ours) == 4


async def test_a_condition_sees_what_its_caller_sees(ours: Caller, theirs: Caller) -> None:
    """That an identifier is used elsewhere never shows: each organisation has a resource of its own."""
    about = (await theirs.make({"resourceType": "Patient", "name": [{"family": "x"}], "identifier": [{"system": "urn:x", "value": "p"}]}))[
        "id"
    ]
    assert about
    for method, path in (("PUT", "/fhir/Basic?identifier=1"), ("POST", "/fhir/Basic")):
        headers = {"if-none-exist": "identifier=1"} if method == "POST" else {}
        hidden = await theirs.request(method, path, json=BASIC, headers=headers)
        mine = await ours.request(method, path, json=BASIC, headers=headers)
        assert hidden.status_code == mine.status_code
        assert hidden.json()["id"] != mine.json()["id"]
    assert (await ours.delete("/fhir/Basic?identifier=1")).status_code == 204
    assert await count(theirs) == 1
    patch = [{"op": "remove", "path": "/identifier"}]
    json_patch = {"content-type": "application/json-patch+json"}
    assert (await ours.patch("/fhir/Patient?identifier=p", json=patch, headers=json_patch)).status_code == 404


async def test_conditions_want_the_scope_to_search(door: FhirDoor) -> None:
    async with caller(door, await token(door.db, "blind", "org-a", "system/*.crud")) as blind:
        for answer in (
            await blind.post("/fhir/Basic", json=BASIC, headers={"if-none-exist": "identifier=1"}),
            await blind.put("/fhir/Basic?identifier=1", json=BASIC),
            await blind.patch("/fhir/Basic?identifier=1", json=[], headers={"content-type": "application/json-patch+json"}),
            await blind.delete("/fhir/Basic?identifier=1"),
        ):
            assert (answer.status_code, reason(answer)) == (403, "scope")
    async with caller(door, await token(door.db, "updater", "org-a", "system/*.rus")) as updater:
        assert (await updater.put("/fhir/Basic?identifier=1", json=BASIC)).status_code == 403


async def test_the_settings_of_the_door(db: Database) -> None:
    door = FhirDoor(db, mode="test", settings=Settings(fhir=FhirSettings(version_required=False, delete_several=True)))
    async with caller(door, await token(db, "ours", "org-a")) as ours:
        made = [await ours.make(BASIC) for _ in range(3)]
        assert (await ours.put(f"/fhir/Basic/{made[0]['id']}", json={**made[0], "code": {"text": "y"}})).status_code == 200
        assert (await ours.put(f"/fhir/Basic/{made[0]['id']}", json=made[0], headers={"if-match": 'W/"1"'})).status_code == 412
        statement = (await ours.get("/fhir/metadata")).json()["rest"][0]["resource"]
        assert next(r for r in statement if r["type"] == "Basic")["conditionalDelete"] == "multiple"
        assert (await ours.delete("/fhir/Basic?identifier=urn:x|1")).status_code == 204
        assert await count(ours) == 0
        assert [(await ours.get(f"/fhir/Basic/{one['id']}")).status_code for one in made] == [410] * 3


async def prefixed(door: FhirDoor, client: str, organization: str, prefix: str) -> Caller:
    secret = await token(door.db, client, organization)
    async with door.db.transaction(SYSTEM) as tx:
        await access.let_choose_ids(tx, client, prefix)
    return caller(door, secret)


async def test_a_client_chooses_ids_under_its_own_prefix(door: FhirDoor, ours: Caller) -> None:
    labo = await prefixed(door, "labo", "org-b", "labo-")
    made = await labo.put("/fhir/Basic/labo-1", json={**BASIC, "id": "labo-1"})
    assert (made.status_code, made.headers["location"]) == (201, "http://testserver/fhir/Basic/labo-1/_history/1")
    again = await labo.put("/fhir/Basic/labo-1", json={**BASIC, "id": "labo-1", "code": {"text": "y"}}, headers={"if-match": 'W/"1"'})
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"2"')
    assert (await labo.put("/fhir/Basic/labo-1", json={**BASIC, "id": "labo-1"}, headers={"if-none-match": "*"})).status_code == 412
    for client, id in ((labo, "labo-"), (labo, "other-1"), (ours, "labo-1"), (ours, "labo-2"), (ours, "org-a-1")):
        answer = await client.put(f"/fhir/Basic/{id}", json={**BASIC, "id": id})
        assert answer.status_code == 404, id
    by_condition = await labo.put("/fhir/Basic?identifier=9", json={**BASIC, "id": "labo-9", "identifier": [{"value": "9"}]})
    assert (by_condition.status_code, by_condition.json()["id"]) == (201, "labo-9")
    patient = await labo.put("/fhir/Patient/labo-p", json={"resourceType": "Patient", "id": "labo-p", "name": [{"family": "x"}]})
    assert (patient.status_code, patient.json()["id"]) == (201, "labo-p")


async def test_twenty_puts_racing_on_one_new_id_make_one(door: FhirDoor) -> None:
    labo = await prefixed(door, "labo", "org-b", "labo-")
    answers = await asyncio.gather(
        *(labo.put("/fhir/Basic/labo-1", json={**BASIC, "id": "labo-1", "code": {"text": str(n)}}) for n in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [428] * 19


async def test_a_prefix_belongs_to_one_client_and_cannot_look_like_an_id_of_ours(door: FhirDoor) -> None:
    await prefixed(door, "labo", "org-b", "labo-")
    with pytest.raises(Conflict):
        await prefixed(door, "other", "org-a", "labo-")
    for form in ("0192-", "Labo-", "labo", "-", "la bo-", "l-"):
        with pytest.raises(Invalid):
            await prefixed(door, "other", "org-a", form)
