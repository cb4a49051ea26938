"""What signing in as a patient and the pages behind it ask of the database, at most: a change is written here with its reason in the commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.doors.test_asking_why_pages import asks, first_look, officer
from tests.doors.test_own_record_documents import Reader, signed_in
from tests.doors.test_own_record_sign_in import with_link
from tests.factories import crossings
from tests.factories import referrals as requests
from tests.support import france_connect as fc
from tests.support.statements import Asked, counted

from maillage import journeys
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = crossings.territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
STEPS = {
    "/mon-dossier/retour 403": 3,
    "/mon-dossier/connexion, from a link": 0,
    "/mon-dossier/retour, from a link": 16,
    "/mon-dossier/connexion": 0,
    "/mon-dossier/retour": 11,
}
READ = {
    "/mon-dossier": 0,
    "/mon-dossier/cles": 0,
    "/suivi/{visit:id}": 5,
    "/suivi/{visit:id}/dossier": 8,
    "/suivi/{visit:id}/dossier/{document:id}": 8,
    "/suivi/{visit:id}/choix": 11,
    "/suivi/{visit:id}/dossier/{document:id}/fichier": 7,
    "/mes-documents/{token:seal}": 9,
    "/suivi/{visit:id}/acces": 9,
    "/suivi/{visit:id}/acces/{look:id}": 8,
    "POST /suivi/{visit:id}/acces/{look:id}": 19,
    "/suivi/{visit:id}/acces, asked": 10,
    "/urgences": 5,
    "/questions/{id:id}": 5,
}
MOST = {**STEPS, **READ}


@pytest.fixture
def citizens(clock: FixedClock) -> Iterator[fc.Citizens]:
    with fc.citizens(clock.now) as made:
        yield made


async def test_the_own_record_asks_no_more_of_the_database(
    db: Database, dsn: str, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path
) -> None:
    asked = Asked()
    async with counted(dsn, clock) as database:
        async with signed_in(database, clock, citizens, tmp_path) as reader:
            asked.follow(reader.holder.client)
            await reads(reader, asked, database)
        async with db.transaction(SYSTEM) as tx:
            question = await tx.fetchval("SELECT id FROM access_question")
        async with officer(database, "dpo") as visitor:
            await visitor.get("/compte")  # what is read once for each organisation
            asked.follow(visitor.client)
            await visitor.get("/urgences")
            await visitor.get(f"/questions/{question}")
    assert asked.found == READ


async def reads(reader: Reader, asked: Asked, database: Database) -> None:
    """Every page of the own record, then who looked at it, before and after a question."""
    client, page = reader.holder.client, reader.holder.page
    for address in ("/mon-dossier", "/mon-dossier/cles"):
        await client.get(address)
    for end in ("", "/dossier", f"/dossier/{reader.letter}", f"/dossier/{reader.file}", "/choix"):
        await client.get(f"{page}{end}")
    await client.get((await client.get(f"{page}/dossier/{reader.file}/fichier")).headers["location"])
    named = replace(requests.TRIAGER, display="Dr Léo Castanier")
    await requests.act(database, named, journeys.put_label, "DocumentReference", reader.file, "INVISIBLE_PATIENT")
    await client.get(f"{page}{await first_look(reader)}")
    await asks(reader)
    with asked.when("asked"):
        await client.get(f"{page}/acces")


async def test_the_steps_of_france_connect(dsn: str, clock: FixedClock, citizens: fc.Citizens) -> None:
    asked = Asked()
    async with counted(dsn, clock) as database, with_link(database, citizens) as (holder, _):
        asked.follow(holder.client)
        await holder.client.get("/mon-dossier/retour?state=of-nobody")
        with asked.when("from a link"):
            assert (await fc.through(holder)).status_code == 303
        assert (await fc.through(holder, "/mon-dossier/connexion")).status_code == 303
    assert asked.found == STEPS
