"""Nothing is chosen in the place of who answers: no gate, no permission, no urgency, no first hit."""

from __future__ import annotations

import re

import pytest
from tests.support.web import make_door, territory, visiting

from maillage import directory
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
_CHOSEN = re.compile(r"<(?:input|option)[^>]*\s(?:checked|selected)[^>]*>")


def chosen(page: str) -> list[str]:
    """What a page shows as answered already."""
    return _CHOSEN.findall(page)


async def patient_of(db: Database, organization: str) -> str:
    async with db.transaction(SYSTEM) as tx:
        return str(await tx.fetchval("SELECT id FROM patient WHERE owner_org = $1 ORDER BY id LIMIT 1", organization))


async def test_the_form_of_no_service_answers_for_its_writer(db: Database) -> None:
    patient = await patient_of(db, "cms-clamart-soins")
    async with db.transaction(SYSTEM) as tx:
        services = [service.id for service in await directory.services(tx)]
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        for service in services:
            page = await visitor.get(f"/demandes/nouvelle?patient={patient}&service={service}")
            assert page.status_code == 200
            assert chosen(page.text) == [], service
        asked = await visitor.get(f"/demandes/nouvelle?patient={patient}&service=percy-hge&acte=advice")
        assert len(chosen(asked.text)) == 1, "what the button said is what the person chose"


async def test_a_slot_is_sought_for_a_priority_that_somebody_chose(db: Database) -> None:
    patient = await patient_of(db, "cms-clamart-soins")
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        path = f"/patients/{patient}/rendez-vous"
        page = await visitor.get(f"{path}?service=percy-dermatologie")
        assert "Choisissez la priorité" in page.text
        assert [found for found in chosen(page.text) if "percy-dermatologie" not in found] == []
        unsaid = await visitor.post(path, {"service": "percy-dermatologie", "slot": "x", "how": "book"}, shown=path)
        assert unsaid.status_code == 422
        waiting = await visitor.post(f"/patients/{patient}/attente", {"service": "percy-dermatologie"}, shown=path)
        assert waiting.status_code == 422
        assert "f-attente-priority" in waiting.text


async def test_a_new_patient_has_no_sex_and_no_place_beforehand(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        assert chosen((await visitor.get("/patients/nouveau")).text) == []
