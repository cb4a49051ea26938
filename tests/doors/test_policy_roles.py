"""Roles over both doors: what a desk is not shown leaves by no page and no interaction (vulnerability class 2 and 4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.factories import referrals as make
from tests.support.web import make_door, territory, visiting

from maillage import access, journeys
from maillage.access import Holder
from maillage.access.identity.secret import digest
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM, Actor
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
FAR = datetime(2099, 1, 1, tzinfo=UTC)
CANARY = make.TEXT
EVERY_SCOPE = ("user/*.cruds",)


async def known(db: Database) -> None:
    """The centre knows its first patient."""
    async with db.transaction(SYSTEM) as tx:
        await access.link(tx, (await make.patients(db))[0], make.CENTRE, "presence", "Task/earlier")


async def sent(db: Database) -> str:
    await known(db)
    return await make.sent(db)


def at(organization: str, *roles: str, assurance: str = "eidas2") -> Actor:
    return Actor("person", f"one-{'-'.join(roles)}", (organization,), frozenset(roles), scopes=EVERY_SCOPE, assurance=assurance)


@asynccontextmanager
async def speaking(db: Database, actor: Actor) -> AsyncIterator[httpx.AsyncClient]:
    """The FHIR door for a person of a role: as when their own software calls it with their token."""
    door = FhirDoor(db, mode="test", operations=journeys.OPERATIONS, intake=journeys.INTAKE)
    door._tokens[digest("token")] = (db.clock.now(), Holder(actor, FAR))
    headers = {"authorization": "Bearer token", "content-type": "application/fhir+json"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://testserver", headers=headers) as client:
        yield client


async def test_a_desk_reads_the_administrative_part_by_every_way_of_reading(db: Database) -> None:
    task = await sent(db)
    row = await make.look(db, task)
    patient, request = row["patient_id"], row["request_id"]
    ways = (
        *(f"Task/{task}", f"Task/{task}/_history", f"Task/{task}/_history/1", "Task", f"ServiceRequest/{request}", "ServiceRequest"),
        *(f"Patient/{patient}/$everything", f"Patient/{patient}/*", "QuestionnaireResponse", "_history", "Task?_include=Task:focus"),
        *("Task?_include=Task:patient&_revinclude=Provenance:target", f"ServiceRequest?_id={request}&_elements=reasonCode,note"),
        f"ServiceRequest/{request}?_summary=data",
    )
    async with speaking(db, at(make.CENTRE, "medecin")) as doctor, speaking(db, at(make.CENTRE, "secretaire")) as desk:
        whole = [(await doctor.get(f"/fhir/{way}")).text for way in ways]
        shown = [await desk.get(f"/fhir/{way}") for way in ways]
        batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "QuestionnaireResponse"}}]}
        shown.append(await desk.post("/fhir", json=batch))
    assert any(CANARY in text for text in whole), "the whole is there for who may read it"
    for way, answer in zip((*ways, "batch"), shown, strict=True):
        assert answer.status_code == 200, (way, answer.text)
        assert CANARY not in answer.text, way
        assert "SUBSETTED" in answer.text, way
        assert '"item"' not in answer.text, way


async def test_a_desk_is_told_no_clinical_type_and_searches_by_none(db: Database) -> None:
    await sent(db)
    async with speaking(db, at(make.CENTRE, "secretaire")) as desk:
        refused = {
            way: ((answer := await desk.get(f"/fhir/{way}")).status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"])
            for way in (
                "Observation",
                "Condition/1",
                "Encounter?reason-code=x",
                "Patient?_has:Condition:patient:code=x",
            )
        }
    assert refused == {
        "Observation": (403, "role"),
        "Condition/1": (403, "role"),
        "Encounter?reason-code=x": (403, "search-withheld"),
        "Patient?_has:Condition:patient:code=x": (403, "search-withheld"),
    }


@pytest.mark.parametrize("role", ["administrateur", "chercheur", "garde", ""])
async def test_who_has_no_part_in_care_gets_no_patient_data(db: Database, role: str) -> None:
    task = await sent(db)
    patient = (await make.look(db, task))["patient_id"]
    async with speaking(db, at(make.CENTRE, *([role] if role else []))) as client:
        for way in (f"Patient/{patient}", f"Task/{task}", "Task", f"Patient/{patient}/$everything", "ServiceRequest"):
            answer = await client.get(f"/fhir/{way}")
            assert (answer.status_code, CANARY in answer.text) == (403, False), way
        assert "Task" not in (await client.get("/fhir/_history")).text


async def test_nothing_proved_opens_nothing(db: Database) -> None:
    async with speaking(db, at(make.CENTRE, "medecin", assurance="")) as client:
        answer = await client.get("/fhir/Task")
    assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (403, "assurance")


async def test_a_desk_does_not_write_what_it_is_not_shown(db: Database) -> None:
    basic = {"resourceType": "Basic", "code": {"text": "x"}}
    async with speaking(db, at(make.CENTRE, "secretaire")) as desk, speaking(db, at(make.CENTRE, "medecin")) as doctor:
        made: dict[str, Any] = (await doctor.post("/fhir/Basic", json=basic)).json()
        refused = [
            await desk.post("/fhir/Basic", json=basic),
            await desk.put(f"/fhir/Basic/{made['id']}", json=made, headers={"if-match": 'W/"1"'}),
            await desk.delete(f"/fhir/Basic/{made['id']}", headers={"if-match": 'W/"1"'}),
        ]
    assert [answer.status_code for answer in refused] == [403, 403, 403]


async def test_the_page_of_a_request_shows_a_desk_no_clinical_text(db: Database) -> None:
    task = await sent(db)
    async with visiting(make_door(db), "medecin-clamart") as doctor, visiting(make_door(db), "secretaire-clamart") as desk:
        assert CANARY in (await doctor.get(f"/demandes/{task}")).text
        shown = await desk.get(f"/demandes/{task}")
        assert shown.status_code == 200
        assert CANARY not in shown.text
        assert "Contenu médical" in shown.text
        home = await desk.get("/")
        assert CANARY not in home.text


async def test_a_desk_goes_on_with_its_own_draft_and_with_no_other(db: Database) -> None:
    await known(db)
    [draft] = await make.draft(db)
    async with visiting(make_door(db), "secretaire-clamart") as desk:
        assert (await desk.get(f"/demandes/{draft}/remplir")).status_code == 403
        assert (await desk.get(f"/demandes/{draft}/verifier")).status_code == 403


async def test_a_bed_manager_opens_no_page_beyond_the_role(db: Database) -> None:
    async with visiting(make_door(db), "coordination-boucles") as coordinator:
        assert (await coordinator.get("/patients/nouveau")).status_code == 403
        assert (await coordinator.get("/territoire")).status_code == 200


async def test_nobody_leafs_through_patients(db: Database) -> None:
    await known(db)
    async with db.transaction(SYSTEM) as tx:
        row = await tx.fetchrow("SELECT id, family, given, birth_date FROM patient ORDER BY id LIMIT 1")
    family, given, born = f"family={row['family']}", f"given={row['given']}", f"birthdate={row['birth_date']}"
    async with speaking(db, at(make.CENTRE, "medecin")) as doctor:
        for way in (
            "",
            "?gender=female",
            f"?{family}",
            f"?{family}&{given}",
            f"?{family}&{given}&gender:not=x",
            f"?{family}&given:contains=a&{born}",
            "?name=a",
        ):
            answer = await doctor.get(f"/fhir/Patient{way}")
            assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (422, "too-few-traits"), way
        for way in (f"?_id={row['id']}", f"?{family}&{given}&{born}", f"?family:exact={row['family']}&{given}&{born}", "?identifier=x|1"):
            assert (await doctor.get(f"/fhir/Patient{way}")).status_code == 200, way
        assert row["id"] in (await doctor.get(f"/fhir/Patient?{family}&{given}&{born}")).text
