"""Verbs of rooms as operations, and creates translated into verbs: with a room of one type, made for the test."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller, caller, token

from maillage import record
from maillage.doors.fhir import FhirDoor
from maillage.kernel.errors import Conflict
from maillage.kernel.intake import Claim
from maillage.kernel.operations import Operation, Param
from maillage.store import Database, Transaction

pytestmark = pytest.mark.asyncio


async def accept(tx: Transaction, id: str, *, version: int | None = None, **given: Any) -> str:
    await record.expect_version(tx, "Task", id, version)
    if given.get("reason") == "wrong":
        raise Conflict("not-in-table", legal=["decline", "ask"])
    if given.get("reason") == "taken":
        raise Conflict("already-booked", choices=[{"slot": "s1", "start": "2026-11-23T09:00:00+01:00"}])
    text = ",".join(f"{key}={value!r}" for key, value in sorted(given.items()))
    task = {"resourceType": "Task", "id": id, "status": "accepted", "intent": "order", "description": text or "nothing"}
    await record.photograph(tx, task, owner="org-a")
    return id


async def legal(tx: Transaction, id: str) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "action", "valueCode": "accept"}]}


async def find(tx: Transaction, *, limit: int = 3) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "total": limit}


async def claims(tx: Transaction, resource: dict[str, Any]) -> bool:
    return resource.get("code", {}).get("text") != "elsewhere"


async def create(tx: Transaction, resource: dict[str, Any]) -> tuple[str, str]:
    await record.photograph(tx, {**resource, "description": "by the room"}, owner="org-a")
    return "Task", resource["id"]


PARAMETERS = (
    Param("reason", "code", values=("capacity", "wrong", "taken")),
    Param("at", "dateTime"),
    Param("service", "Reference"),
    Param("first-visit", "boolean"),
    Param("boost", "integer"),
    Param("site", "Reference", many=True),
    Param("item", "string", many=True, parts=(Param("linkId", "string", required=True), Param("answer", "string"))),
)
OPERATIONS = (
    Operation("accept", "Task", accept, PARAMETERS),
    Operation("decline", "Task", accept, (Param("reason", "code", required=True),)),
    Operation("available-actions", "Task", legal, writes=False),
    Operation("find", "Slot", find, (Param("limit", "integer"),), on_instance=False, writes=False),
)
TASK = {"resourceType": "Task", "status": "requested", "intent": "order"}


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    return FhirDoor(db, operations=OPERATIONS, intake=[Claim("Task", claims, create, lambda _before, _after: "accept")], mode="test")


@pytest_asyncio.fixture
async def room(door: FhirDoor) -> Any:
    async with caller(door, await token(door.db, "room", "org-a")) as made:
        yield made


def parameters(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(parts)}


def told(answer: Any) -> list[tuple[str, str]]:
    return [(issue["details"]["coding"][0]["code"], issue["expression"][0]) for issue in answer.json()["issue"]]


async def test_a_verb_with_every_kind_of_parameter(room: Caller) -> None:
    task = await room.make(TASK)
    assert task["description"] == "by the room"
    answer = await room.post(
        f"/fhir/Task/{task['id']}/$accept",
        headers={"if-match": 'W/"1"'},
        json=parameters(
            {"name": "reason", "valueCode": "capacity"},
            {"name": "at", "valueDateTime": "2026-11-23T09:00:00+01:00"},
            {"name": "service", "valueReference": {"reference": "HealthcareService/x"}},
            {"name": "first-visit", "valueBoolean": True},
            {"name": "boost", "valueInteger": 2},
            {"name": "site", "valueReference": {"reference": "Location/a"}},
            {"name": "site", "valueReference": {"reference": "Location/b"}},
            {"name": "item", "part": [{"name": "linkId", "valueString": "1"}, {"name": "answer", "valueString": "yes"}]},
        ),
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.json()["description"] == (
        "at=datetime.datetime(2026, 11, 23, 8, 0, tzinfo=datetime.timezone.utc),boost=2,first_visit=True,"
        "item=[{'linkId': '1', 'answer': 'yes'}],reason='capacity',service='HealthcareService/x',site=['Location/a', 'Location/b']"
    )


async def test_a_verb_names_the_version(room: Caller) -> None:
    task = await room.make(TASK)
    address = f"/fhir/Task/{task['id']}/$accept"
    missing = await room.post(address)
    assert (missing.status_code, missing.headers["etag"]) == (428, 'W/"1"')
    stale = await room.post(address, headers={"if-match": 'W/"3"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, 'W/"1"')
    assert 'W/"1"' in stale.json()["issue"][0]["diagnostics"]
    assert (await room.post(address, headers={"if-match": 'W/"1"'})).status_code == 200
    assert (await room.get(address)).status_code == 405


async def test_wrong_parameters_are_told_with_their_path(room: Caller) -> None:
    task = await room.make(TASK)
    address, match = f"/fhir/Task/{task['id']}/$accept", {"if-match": 'W/"1"'}
    answer = await room.post(
        address,
        headers=match,
        json=parameters(
            {"name": "reason", "valueCode": "tired"},
            {"name": "colour", "valueString": "red"},
            {"name": "at", "valueDateTime": "2026-11-23T09:00:00"},
            {"name": "boost", "valueString": "many"},
            {"name": "boost"},
            {"name": "item", "part": [{"name": "answer", "valueString": "x"}]},
            3,
        ),
    )
    assert answer.status_code == 400
    assert told(answer) == [
        ("parameter-code", "Parameters.parameter[0].value"),
        ("parameter-unknown", "Parameters.parameter[1]"),
        ("parameter-value", "Parameters.parameter[2].value"),
        ("parameter-value", "Parameters.parameter[3].value"),
        ("parameter-value", "Parameters.parameter[4]"),
        ("parameter-twice", "Parameters.parameter[4]"),
        ("parameter-missing", "Parameters.parameter[5]"),
        ("parameter-unknown", "Parameters.parameter[6]"),
    ]
    missing = await room.post(f"/fhir/Task/{task['id']}/$decline", headers=match, json=parameters())
    assert (missing.status_code, told(missing)) == (400, [("parameter-missing", "Parameters.parameter.where(name='reason')")])
    assert (await room.post(address, headers=match, json={"resourceType": "Patient"})).status_code == 400
    assert (await room.get(f"/fhir/Task/{task['id']}")).json()["meta"]["versionId"] == "1"


async def test_a_refusal_tells_the_legal_verbs(room: Caller) -> None:
    task = await room.make(TASK)
    wrong = parameters({"name": "reason", "valueCode": "wrong"})
    answer = await room.post(f"/fhir/Task/{task['id']}/$accept", headers={"if-match": 'W/"1"'}, json=wrong)
    assert answer.status_code == 409
    assert answer.json() == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "extension": [
                    {"url": "https://maillage.invalid/fhir/StructureDefinition/legal-verb", "valueCode": "decline"},
                    {"url": "https://maillage.invalid/fhir/StructureDefinition/legal-verb", "valueCode": "ask"},
                ],
                "severity": "error",
                "code": "conflict",
                "details": {
                    "coding": [
                        {"system": "https://maillage.invalid/fhir/CodeSystem/issue-reason", "code": "not-in-table"},
                        {"system": "https://maillage.invalid/fhir/CodeSystem/culprit", "code": "SEND_CONFLICT"},
                    ],
                    "text": "This verb is not possible in the present state.",
                },
                "diagnostics": "Possible now: decline, ask.",
            }
        ],
    }


async def test_a_taken_slot_comes_with_fresh_choices(room: Caller) -> None:
    task = await room.make(TASK)
    taken = parameters({"name": "reason", "valueCode": "taken"})
    answer = await room.post(f"/fhir/Task/{task['id']}/$accept", headers={"if-match": 'W/"1"'}, json=taken)
    choice = answer.json()["issue"][0]["extension"][0]
    assert choice["valueReference"] == {"reference": "Slot/s1", "display": "2026-11-23T09:00:00+01:00"}


async def test_questions_take_no_version(room: Caller) -> None:
    task = await room.make(TASK)
    for ask in (room.get, room.post):
        assert (await ask(f"/fhir/Task/{task['id']}/$available-actions")).json()["parameter"][0]["valueCode"] == "accept"
    assert (await room.get("/fhir/Slot/$find?limit=2")).json()["total"] == 2
    assert (await room.post("/fhir/Slot/$find", json=parameters({"name": "limit", "valueInteger": 4}))).json()["total"] == 4
    assert (await room.get("/fhir/Slot/$find?colour=2")).status_code == 400


async def test_a_room_refuses_to_be_rewritten(room: Caller) -> None:
    task = await room.make(TASK)
    for answer in (
        await room.put(f"/fhir/Task/{task['id']}", json={**task, "status": "accepted"}, headers={"if-match": 'W/"1"'}),
        await room.delete(f"/fhir/Task/{task['id']}", headers={"if-match": 'W/"1"'}),
    ):
        assert (answer.status_code, told(answer)) == (422, [("room-decides", "Task")])
        assert f"Use POST Task/{task['id']}/$accept." in answer.json()["issue"][0]["diagnostics"]


async def test_what_no_room_claims_is_kept_whole(room: Caller) -> None:
    elsewhere = await room.make({**TASK, "code": {"text": "elsewhere"}})
    assert "description" not in elsewhere
    changed = {**elsewhere, "status": "completed"}
    assert (await room.put(f"/fhir/Task/{elsewhere['id']}", json=changed, headers={"if-match": 'W/"1"'})).status_code == 200


async def test_the_statement_lists_the_operations(room: Caller) -> None:
    resources = {r["type"]: r for r in (await room.get("/fhir/metadata")).json()["rest"][0]["resource"]}
    own = ["accept", "available-actions", "decline"]
    assert [o["name"] for o in resources["Task"]["operation"]] == [*own, "validate", "meta", "meta-add", "meta-delete", "attach"]
    assert "documentation" in resources["Task"]


async def test_a_verb_inside_a_transaction(room: Caller) -> None:
    task = await room.make(TASK)
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"request": {"method": "POST", "url": f"Task/{task['id']}/$accept", "ifMatch": 'W/"1"'},
             "resource": parameters({"name": "boost", "valueInteger": 1})},
        ],
    }  # fmt: skip
    answer = await room.post("/fhir", json=bundle)
    assert answer.json()["entry"][0]["resource"]["description"] == "boost=1"
