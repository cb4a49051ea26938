"""SAS 1.2.0 asks us for slots: the query of the guide on sessions of ours, its exact self link, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller, caller, token
from tests.factories import booking as diary

from maillage import directory, journeys, record
from maillage.access import visible_to
from maillage.codes import systems
from maillage.codes.json import decode
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

pytestmark = pytest.mark.asyncio
FILL = diary.territory
RPPS = "99700000393"
SIRET = "99999999900008"
WEEK = [("start", "ge2026-11-30T00:00:00+01:00"), ("start", "le2026-12-06T23:59:59+01:00")]
FREE = [("status", "free")]
WITH = [("_include", "Slot:schedule"), ("_include:iterate", "Schedule:actor")]


def professionals(*rpps: str, apart: str = ",") -> list[tuple[str, str]]:
    return [("schedule.actor:Practitioner.identifier", apart.join(f"{systems.IDNPS}|8{one}" for one in rpps))]


@pytest_asyncio.fixture
async def sas(db: Database) -> AsyncIterator[Caller]:
    door = FhirDoor(db, operations=journeys.OPERATIONS, intake=journeys.INTAKE, mode="test")
    async with caller(door, await token(db, "sas", diary.OTHER)) as made:
        yield made


async def offered(db: Database, **more: Any) -> Any:
    """One open session of nine slots that the SAS is shown, in a structure that has a SIRET."""
    async with db.transaction(SYSTEM) as tx:
        centre = decode((await record.read(tx, "Organization", diary.CENTRE, visible_to(SYSTEM, "Organization"))).content)
        centre["identifier"].append({"system": systems.SIRENE, "value": SIRET})
        await directory.save(tx, centre, mode="test")
    return await diary.open_session(db, **{"type_creneau": "PUBLIC", **more})


def shown(bundle: dict[str, Any], mode: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in bundle.get("entry", ()):
        if entry["search"]["mode"] == mode:
            found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


async def test_the_query_of_the_guide(db: Database, sas: Caller) -> None:
    await offered(db)
    query = [*WITH, *WEEK, *FREE, *professionals(RPPS)]
    answer = await sas.get("/fhir/sas/Slot", params=query, headers={"accept": "application/json+fhir"})
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert (bundle["type"], bundle["total"]) == ("searchset", 9)
    link = next(one["url"] for one in bundle["link"] if one["relation"] == "self")
    assert parse_qsl(urlsplit(link).query) == query
    assert link.startswith("http://testserver/fhir/sas/Slot?")
    slots = shown(bundle, "match")["Slot"]
    assert [(one["start"], one["end"]) for one in slots[:1]] == [("2026-12-01T14:00:00.000+01:00", "2026-12-01T14:20:00.000+01:00")]
    assert {one["meta"]["security"][0]["code"] for one in slots} == {"PUBLIC"}
    assert {one["status"] for one in slots} == {"free"}
    assert slots[0]["meta"]["profile"] == ["http://sas.fr/fhir/StructureDefinition/FrSlotAgregateur"]
    assert slots[0]["serviceType"] == [{"coding": [{"system": systems.ACT_CODE, "code": "AMB"}]}]
    assert slots[0]["comment"].endswith(f"/vacations/{slots[0]['schedule']['reference'].rpartition('/')[2]}")
    beside = shown(bundle, "include")
    assert sorted(beside) == ["Practitioner", "PractitionerRole", "Schedule"]
    (who,), (role,), (schedule,) = beside["Practitioner"], beside["PractitionerRole"], beside["Schedule"]
    old = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
    assert who["identifier"] == [{"type": {"coding": [{"system": old, "code": "IDNPS"}]}, "system": systems.IDNPS, "value": f"8{RPPS}"}]
    assert {one["reference"] for one in schedule["actor"]} == {f"Practitioner/{who['id']}", f"PractitionerRole/{role['id']}"}
    (place,) = role["contained"]
    assert role["location"] == [{"reference": f"#{place['id']}"}]
    assert (place["address"]["city"], place["address"]["postalCode"]) == ("Clamart", "92140")
    assert place["address"]["line"]
    assert role["organization"]["identifier"]["value"] == f"3{SIRET}"
    assert role["telecom"] == [{"system": "phone", "value": "+33199009230"}]


async def test_nothing_busy_reserved_hidden_or_past_is_shown(db: Database, sas: Caller, clock: FixedClock) -> None:
    session = await offered(db, reserved_asap=2)
    query = [*WEEK, *FREE, *professionals(RPPS)]
    assert (await sas.get("/fhir/sas/Slot", params=query)).json()["total"] == 7
    first = next(slot for slot in await diary.slots(db, session["id"]) if slot["reserved_for"] is None)
    await diary.booked(db, first["id"], (await diary.patients(db))[0])
    assert (await sas.get("/fhir/sas/Slot", params=query)).json()["total"] == 6
    assert (await sas.get("/fhir/sas/Slot", params=[*WEEK, ("status", "busy"), *professionals(RPPS)])).json()["total"] == 0
    clock.set(session["starts_at"] + timedelta(hours=1))
    sas.headers["authorization"] = f"Bearer {await token(db, 'sas', diary.OTHER)}"
    later = (await sas.get("/fhir/sas/Slot", params=query)).json()
    hours = [entry["resource"]["start"][11:16] for entry in later["entry"]]
    assert hours == sorted(hours)
    assert (hours[0] > "15:00", later["total"]) == (True, len(hours))


async def test_an_empty_answer_is_an_empty_searchset(db: Database, sas: Caller) -> None:
    session = await diary.open_session(db)  # shown to nobody
    query = [*WITH, *WEEK, *FREE, *professionals(RPPS)]
    bundle = (await sas.get("/fhir/sas/Slot", params=query)).json()
    assert session["status"] == "open"
    assert (bundle["total"], "entry" in bundle, bundle["link"][0]["relation"]) == (0, False, "self")


async def test_the_slips_of_its_material_are_understood(db: Database, sas: Caller) -> None:
    await offered(db)
    plus = "start=ge2026-11-30T00:00:00+01:00&start=le2026-12-06T23:59:59+01:00&status=free&schedule.actor:Practitioner.identifier="
    names = f"{systems.IDNPS}%7C8{RPPS},%20{systems.IDNPS}%7C899700000401"
    for path in (f"/fhir/sas/Slot?{plus}{names}", f"/fhir/sas/Slot?{plus}8{RPPS}"):
        assert (await sas.get(path)).json()["total"] == 9, path


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ([*WEEK, *FREE], "professionals-asked"),
        ([*WEEK, *FREE, *professionals(*[f"9970000{n:04}" for n in range(26)])], "professionals-asked"),
        ([*WEEK, *FREE, ("schedule.actor:Practitioner.identifier", f"{systems.RPPS}|{RPPS}")], "professionals-asked"),
        ([WEEK[0], *FREE, *professionals(RPPS)], "interval-missing"),
        ([*WEEK, *FREE, *professionals(RPPS), ("colour", "blue")], "search-parameter"),
    ],
)
async def test_what_cannot_be_answered_says_that_the_caller_failed(sas: Caller, query: list[tuple[str, str]], reason: str) -> None:
    answer = await sas.get("/fhir/sas/Slot", params=query)
    assert answer.status_code == 400
    codes = [one["code"] for one in answer.json()["issue"][0]["details"]["coding"]]
    assert codes == [reason, "SEND_BAD_REQUEST"]


async def test_only_what_the_guide_serves_is_served(sas: Caller) -> None:
    told = (await sas.get("/fhir/sas/metadata")).json()
    served = {one["type"]: {i["code"] for i in one["interaction"]} for one in told["rest"][0]["resource"]}
    assert served["Slot"] == {"search-type"}
    assert served["Appointment"] == {"create", "update", "read"}
    assert (await sas.get("/fhir/sas/Patient")).status_code == 404
    refused = await sas.delete("/fhir/sas/Appointment/1")
    assert (refused.status_code, refused.json()["issue"][0]["details"]["coding"][1]["code"]) == (405, "SEND_METHOD_NOT_ALLOWED")
