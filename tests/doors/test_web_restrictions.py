"""The page of labels: who keeps a document closes it and opens it again; what it closes, and that it was done, are written down."""

from __future__ import annotations

import re

import pytest
from tests.factories import referrals as make
from tests.support.web import Visitor, make_door, patient_of, territory, visiting

from maillage import access, record
from maillage.kernel.actor import SYSTEM, Actor
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
READER = Actor("person", "somebody", (make.HOSPITAL,), frozenset({"infirmier"}), assurance="eidas2")


async def result(db: Database, id: str, owner: str) -> str:
    """A result about a patient of the centre, kept by a house and addressed to the hospital; answers the patient."""
    patient = patient_of(make.CENTRE)
    async with db.transaction(SYSTEM) as tx:
        resource = {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": f"dosage {id}"}}
        await record.first_photograph(tx, resource, patient=patient, owner=owner, parties=sorted({owner, make.CENTRE, make.HOSPITAL}))
    return patient


async def seen(db: Database, id: str, actor: Actor = READER) -> bool:
    async with db.transaction(actor) as tx:
        return bool(await record.existing(tx, "Observation", [id], access.visible_to(actor, "Observation")))


def offered(page: str) -> list[str]:
    return re.findall(r'<option value="([^"]+)"', page)


async def restrict(visitor: Visitor, place: str, **given: str) -> int:
    return (await visitor.post(place, given, shown=place)).status_code


async def test_who_keeps_a_result_restricts_it_and_lifts_it(db: Database) -> None:
    patient = await result(db, "ours", make.CENTRE)
    await result(db, "theirs", make.HOSPITAL)
    place = f"/patients/{patient}/restrictions"
    async with visiting(make_door(db), "medecin-clamart") as doctor:
        page = (await doctor.get(place)).text
        assert [one for one in offered(page) if one] == [f"Patient/{patient}", "Observation/ours"], (
            "what another house keeps is not ours to close"
        )
        assert "checked" not in page, "nothing is chosen beforehand"
        assert await restrict(doctor, place) == 422
        assert await restrict(doctor, place, what="Observation/theirs", code="PSY") == 422
        assert await seen(db, "ours")
        assert await restrict(doctor, place, what="Observation/ours", code="PSY") == 303
        assert not await seen(db, "ours"), "closed to whom the label does not name"
        assert await restrict(doctor, place, what="Observation/ours", code="PSY") == 409
        page = (await doctor.get(place)).text
        assert "dosage ours" in page
        [end] = re.findall(rf'action="({place}/[^"]+/fin)"', page)
        assert (await doctor.post(end, {}, shown=place)).headers["location"] == f"{place}?fait=unlabel"
        assert await seen(db, "ours")
        assert (await doctor.post(end, {}, shown=place)).status_code == 404
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT verb, patient_id FROM audit_event WHERE res_id = 'ours' AND verb LIKE '%label-%' ORDER BY seq")
    assert [tuple(row) for row in rows] == [("label-PSY", patient), ("unlabel-PSY", patient)]


async def test_the_whole_record_is_closed_by_its_keeper_alone(db: Database) -> None:
    patient = await result(db, "ours", make.CENTRE)
    place = f"/patients/{patient}/restrictions"
    async with visiting(make_door(db), "medecin-clamart") as doctor, visiting(make_door(db), "hge-percy") as other:
        assert await restrict(doctor, place, what=f"Patient/{patient}", code="V") == 303
        assert "Tout le dossier du patient" in (await doctor.get(place)).text
        assert not await seen(db, "ours")
        assert (await other.get(place)).status_code == 404


async def test_a_desk_restricts_no_clinical_document(db: Database) -> None:
    patient = await result(db, "ours", make.CENTRE)
    place = f"/patients/{patient}/restrictions"
    async with visiting(make_door(db), "secretaire-clamart") as desk:
        page = await desk.get(place)
        assert "Observation/" not in page.text
        assert "dosage" not in page.text
        assert await restrict(desk, place, what="Observation/ours", code="PSY") == 422
    assert await seen(db, "ours")
