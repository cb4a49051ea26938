"""The official examples of the SAS, GAP and directory guides, asked for as their partners ask. They lie beside the project; without them this file steps aside."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from tests.conftest import MONDAY
from tests.doors.fhir.conftest import Caller, caller, token
from tests.doors.fhir.test_sas import professionals, shown
from tests.support.packages import PUBLISHED

from maillage.codes import systems
from maillage.codes.json import decode
from maillage.codes.r4 import validate
from maillage.doors.fhir import FhirDoor
from maillage.kernel.clock import FixedClock

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(not (PUBLISHED / "sas-1.2.0").is_dir(), reason="MAILLAGE_EXAMPLES names no folder with the SAS examples"),
]
SERVED_HERE = {"Organization", "Practitioner", "PractitionerRole", "Location", "HealthcareService", "Schedule", "Slot", "Appointment"}


def examples(guide: str) -> list[dict[str, Any]]:
    found = [decode(path.read_bytes()) for path in sorted((PUBLISHED / guide / "examples").glob("*.json"))]
    return [one for one in found if one["resourceType"] in SERVED_HERE]


async def posted(http: Caller, guide: str) -> int:
    """All the examples of a guide in one transaction, their references among themselves kept; how many there are."""
    entries = [
        {"fullUrl": f"{one['resourceType']}/{one['id']}", "request": {"method": "POST", "url": one["resourceType"]}, "resource": one}
        for one in examples(guide)
    ]
    answer = await http.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    return len(entries)


async def agenda(door: FhirDoor, clock: FixedClock, day: str) -> Caller:
    """An agenda server that keeps the examples, on one day."""
    clock.set(MONDAY)
    keeper = await token(door.db, "agenda", "org-a")
    async with caller(door, keeper) as http:
        assert await posted(http, "sas-1.2.0") == 37
    clock.set(datetime.fromisoformat(day))
    return caller(door, await token(door.db, "sas", "org-b"))


def interval(day: str, until: str) -> list[tuple[str, str]]:
    return [("start", f"ge{day}T00:00:00+00:00"), ("start", f"le{until}T23:59:59+00:00"), ("status", "free")]


async def test_the_slots_of_two_professionals(door: FhirDoor, clock: FixedClock) -> None:
    query = [("_include", "Slot:schedule"), ("_include:iterate", "Schedule:actor"), *interval("2021-11-04", "2021-11-06")]
    async with await agenda(door, clock, "2021-11-04T14:30:00+00:00") as http:
        bundle = (await http.get("/fhir/sas/Slot", params=[*query, *professionals("10100050075", "10002673899", apart=", ")])).json()
    assert validate(bundle) == []
    slots = shown(bundle, "match")["Slot"]
    assert bundle["total"] == len(slots) == 4  # the first of the fourth is past
    assert [one["start"] for one in slots[:2]] == ["2021-11-04T15:40:00.000+01:00", "2021-11-05T10:00:00.000+01:00"]
    assert {label["code"] for one in slots for label in one["meta"]["security"]} == {"PUBLIC", "PRO"}
    assert {one["comment"] for one in slots if "comment" in one} == {"https://exemple.com/rdv/com/"}
    beside = shown(bundle, "include")
    assert {kind: len(found) for kind, found in beside.items()} == {"Schedule": 3, "Practitioner": 2, "PractitionerRole": 3}
    assert {one["meta"]["profile"][0] for one in beside["PractitionerRole"]} == {
        "http://sas.fr/fhir/StructureDefinition/FrPractitionerRoleExerciceAgregateur"
    }
    told = {one["identifier"][0]["value"]: one["identifier"][0]["type"]["coding"][0]["system"] for one in beside["Practitioner"]}
    assert told == dict.fromkeys(("810100050075", "810002673899"), "http://interopsante.org/fhir/CodeSystem/fr-v2-0203")


async def test_the_slots_of_a_community(door: FhirDoor, clock: FixedClock) -> None:
    with_community = [("_include", "Slot:service-type-reference"), ("_include:iterate", "HealthcareService:organization")]
    query = [("_include", "Slot:schedule"), ("_include:iterate", "Schedule:actor"), *interval("2024-06-12", "2024-06-13"), *with_community]
    async with await agenda(door, clock, "2024-06-12T08:00:00+00:00") as http:
        bundle = (await http.get("/fhir/sas/Slot", params=[*query, *professionals("10002909371")])).json()
    assert validate(bundle) == []
    assert bundle["total"] == 2
    beside = shown(bundle, "include")
    assert {kind: len(found) for kind, found in beside.items()} == {
        "Schedule": 1,
        "Practitioner": 1,
        "PractitionerRole": 1,
        "HealthcareService": len(beside["HealthcareService"]),
        "Organization": len(beside["HealthcareService"]),
    }
    services = {f"HealthcareService/{one['id']}" for one in beside["HealthcareService"]}
    named = {
        extension["valueReference"]["reference"]
        for slot in shown(bundle, "match")["Slot"]
        for kind in slot["serviceType"]
        for extension in kind.get("extension", ())
    }
    assert services == named
    assert {one["identifier"][0]["value"][0] for one in beside["Organization"]} == {"1"}


async def test_the_schedules_of_a_sos_centre(door: FhirDoor, clock: FixedClock) -> None:
    query = [
        ("_include", "Schedule:actor:Location"),
        ("_include:iterate", "Location:organization"),
        ("_revinclude", "Slot:schedule"),
        ("_has:Slot:schedule:start", "ge2023-08-18T00:00:00+02:00"),
        ("_has:Slot:schedule:start", "le2023-08-18T23:59:59+02:00"),
        ("actor:Location.organization.identifier", f"{systems.IDNST}|334173748400020,{systems.IDNST}|392080466300010"),
    ]
    async with await agenda(door, clock, "2023-08-18T06:00:00+00:00") as http:
        bundle = (await http.get("/fhir/sas/Schedule", params=query)).json()
    assert validate(bundle) == []
    assert bundle["total"] == len(shown(bundle, "match")["Schedule"]) == 2
    beside = shown(bundle, "include")
    assert {kind: len(found) for kind, found in beside.items()} == {"Slot": 3, "Location": 2, "Organization": 2}


async def test_the_gap_examples_are_kept_and_found(door: FhirDoor) -> None:
    async with caller(door, await token(door.db, "agenda", "org-a")) as http:
        for one in examples("gap-3.0.0"):
            address = "/fhir" if one["resourceType"] == "Slot" else "/fhir/gap"  # the manager makes the slots: nobody posts them there
            made = await http.post(f"{address}/{one['resourceType']}", json=one)
            assert made.status_code == 201, made.text
        found = await http.get("/fhir/gap/Slot", params={"identifier": "http://example.org/slots|451", "start": "ge2019-01-04T00:00:00Z"})
        assert found.json()["total"] == 1
        for query in (
            {"created": "2019-01-02"},
            {"status": "proposed"},
            {"identifier": "http://example.org/sampleappointment-identifier|123"},
        ):
            assert len((await http.get("/fhir/gap/Appointment", params=query)).json()["entry"]) == 1, query


async def test_the_examples_of_the_directory_are_found_by_its_own_parameters(door: FhirDoor) -> None:
    async with caller(door, await token(door.db, "annuaire", "org-a")) as http:
        for one in examples("annuaire-1.2.0-snapshot-2"):
            made = await http.post("/fhir/Organization", json=one)
            assert made.status_code == 201, made.text
        for query, least in {
            f"identifier={systems.RPPS_RANG}|F754567860": 1,
            "address-insee=75114": 1,
            "name=CH EURE": 1,
            "address-postalcode=75014": 1,
            "type=GEOGRAPHICAL-ENTITY": 1,
        }.items():
            answer = await http.get(f"/fhir/annuaire/Organization?{query}", headers={"prefer": "handling=strict"})
            assert (answer.status_code, len(answer.json().get("entry", ())) >= least) == (200, True), (query, answer.text)
        profiles = {url for entry in answer.json()["entry"] for url in entry["resource"]["meta"]["profile"]}
        assert not any("interopsante" in url for url in profiles)
        assert (await http.post("/fhir/annuaire/Organization", json=one)).status_code == 405
