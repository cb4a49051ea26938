"""A request whose service works at a peer, on the pages of the town: what is said of it, and what may be done here."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factories import referrals as make
from tests.support.furnished import KNOWN, request
from tests.support.machines import jwks
from tests.support.web import make_door, territory, visiting

from maillage import journeys
from maillage.access import peers
from maillage.access.clients.types import Client
from maillage.journeys import exchange
from maillage.kernel.actor import SYSTEM, Actor
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
PERCY = Actor("client", "percy", (make.HOSPITAL,), frozenset({"logiciel"}))
VERBS = {operation.name: operation.call for operation in journeys.OPERATIONS if operation.type == "Task"}


async def shared(db: Database) -> str:
    async with db.transaction(SYSTEM) as tx:
        client = Client("percy", "backend", "percy", (make.HOSPITAL,), peers.SCOPES, jwks(), "", (), "")
        await peers.add_peer(tx, client, "https://percy.example/fhir", "clamart")
    return await request(db, KNOWN[0]["id"], make.SERVICE)


async def there(db: Database, verb: str, task: str, **given: Any) -> None:
    async with db.transaction(PERCY) as tx:
        await VERBS[verb](tx, task, **given)


async def test_the_page_says_what_was_told(db: Database) -> None:
    task = await shared(db)
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        page = f"/demandes/{task}"
        assert "votre dernier geste part dès qu’elle répond" in (await visitor.get(page)).text
        [(_, fence)] = await exchange.lease(db)
        parcel = await exchange.prepare(db, "percy", fence)
        assert parcel is not None
        await exchange.told(db, parcel)
        assert "tout lui est transmis" in (await visitor.get(page)).text
        async with db.transaction(SYSTEM) as tx:
            await tx.execute("UPDATE referral_step SET told_at = NULL, refused_at = now() WHERE task_id = $1", task)
        assert "les deux suivis peuvent différer" in (await visitor.get(page)).text


async def test_an_offer_of_a_diary_elsewhere_is_answered_without_a_slot_of_ours(db: Database) -> None:
    task = await shared(db)
    await there(db, "accept", task)
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        page = f"/demandes/{task}"
        assert f"{page}/actes/book" not in (await visitor.get(page)).text, "nothing to choose from here"
        await there(db, "offer", task, appointment_id="there-1", **make.SLOT)
        shown = (await visitor.get(page)).text
        assert "dans une autre installation" in shown
        assert f"{page}/actes/book" in shown
        assert f"{page}/actes/reschedule" not in shown
        form = (await visitor.get(f"{page}/actes/book")).text
        assert 'name="slot"' not in form
        assert 'name="start"' not in form
        async with db.transaction(SYSTEM) as tx:
            version = await tx.fetchval("SELECT version FROM referral_task WHERE id = $1", task)
        done = await visitor.post(
            f"{page}/actes/book", {"contact": "Appel au patient", "_version": str(version)}, shown=f"{page}/actes/book"
        )
        assert done.status_code == 303, done.text
    assert (await make.look(db, task))["state"] == "booked"
