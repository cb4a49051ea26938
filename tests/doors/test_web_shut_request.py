"""The page of a request that its patient's refusal has shut: who may know that it is there, what is not shown, and how it ends."""

from __future__ import annotations

import pytest
from tests.factories import referrals as make
from tests.journeys.conftest import opened_territory
from tests.support.furnished import KNOWN, request
from tests.support.web import make_door, visiting

from maillage import journeys, referrals
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = opened_territory
pytestmark = pytest.mark.asyncio
DESK = make.person("vernois-colette", make.CENTRE, "secretaire", role_id="clamart-secretaire-vernois")
END = 'action="/demandes/{}/actes/close-opposed"'


async def shut(db: Database) -> tuple[str, str]:
    """An accepted request whose patient opposes since; the Task and the patient's family name."""
    patient = KNOWN[0]["id"]
    task = await request(db, patient, make.BOOKABLE)
    await make.act(db, make.TRIAGERS[make.BOOKABLE], referrals.accept, task)
    async with db.transaction(DESK) as tx:
        await journeys.oppose(tx, patient, act="reading", said_by="patient")
    async with db.transaction(SYSTEM) as tx:
        return task, str(await tx.fetchval("SELECT family FROM patient WHERE id = $1", patient))


async def test_the_service_ends_it_from_the_page_where_no_name_is_left(db: Database) -> None:
    task, name = await shut(db)
    async with visiting(make_door(db), "planification-percy") as visitor:
        page = await visitor.get(f"/demandes/{task}")
        assert page.status_code == 200
        assert "s’oppose au partage" in page.text
        assert name.upper() not in page.text.upper()
        assert END.format(task) in page.text
        ended = await visitor.post(f"/demandes/{task}/actes/close-opposed", {}, shown=f"/demandes/{task}")
        assert ended.headers["location"] == f"/demandes/{task}?fait=close-opposed"
        after = await visitor.get(f"/demandes/{task}?fait=close-opposed")
        assert "Demande close" in after.text
        assert END.format(task) not in after.text
        again = await visitor.post(f"/demandes/{task}/actes/close-opposed", {}, shown=f"/demandes/{task}")
        assert again.status_code == 409


async def test_who_asked_is_told_that_it_was_sent_and_ends_it_too(db: Database) -> None:
    task, name = await shut(db)
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        page = await visitor.get(f"/demandes/{task}")
        assert "Votre demande a été envoyée" in page.text
        assert name.upper() not in page.text.upper()
        assert "programmer" not in page.text.partition("<main")[2].partition("</main>")[0], (
            "what the service did of it is not shared any more"
        )
        ended = await visitor.post(f"/demandes/{task}/actes/close-opposed", {}, shown=f"/demandes/{task}")
        assert ended.status_code == 303
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT state FROM referral_task WHERE id = $1", task) == "cancelled"


async def test_a_draft_is_not_called_sent(db: Database) -> None:
    patient = KNOWN[0]["id"]
    async with db.transaction(make.GP) as tx:
        request_id = await referrals.create_request(tx, patient_id=patient, service_ids=[make.BOOKABLE], requester_role_id=make.GP.role_id)
        [task] = [row["id"] for row in await referrals.tasks_of(tx, request_id)]
    async with db.transaction(DESK) as tx:
        await journeys.oppose(tx, patient, act="reading", said_by="patient")
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        page = await visitor.get(f"/demandes/{task}")
        assert "n’a pas été envoyée" in page.text
        ended = await visitor.post(f"/demandes/{task}/actes/close-opposed", {}, shown=f"/demandes/{task}")
        assert ended.status_code == 303


async def test_nobody_else_knows_that_it_is_there(db: Database) -> None:
    task, _ = await shut(db)
    for stranger in ("secretaire-chic", "coordination-seine"):
        async with visiting(make_door(db), stranger) as visitor:
            assert (await visitor.get(f"/demandes/{task}")).status_code == 404
    async with visiting(make_door(db), "lits-percy") as visitor:
        page = await visitor.get(f"/demandes/{task}")
        assert page.status_code == 200
        assert END.format(task) not in page.text, "of the house, and neither its clinician nor its office"
