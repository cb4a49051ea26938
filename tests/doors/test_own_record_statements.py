"""What the pages behind a strong sign-in ask of the database, at most: a change is written here with its reason in the commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.conftest import LIMITS
from tests.doors.test_asking_why_pages import asks, first_look, officer
from tests.doors.test_own_record_documents import signed_in
from tests.factories import crossings
from tests.factories import referrals as requests
from tests.support import france_connect as fc
from tests.support import postgres
from tests.support.walking import Counted

from maillage import journeys
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = crossings.territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
LIGHT = 60_000
MOST = {
    "/mon-dossier": 0,
    "/mon-dossier/cles": 0,
    "/suivi/{visit}": 5,
    "/suivi/{visit}/dossier": 8,
    "/suivi/{visit}/dossier/{letter}": 8,
    "/suivi/{visit}/dossier/{file}": 8,
    "/suivi/{visit}/dossier/{file}/fichier": 7,
    "/mes-documents/{token}": 9,
    "/suivi/{visit}/choix": 11,
    "/suivi/{visit}/acces": 9,
    "/suivi/{visit}/acces/{look}": 8,
    "/suivi/{visit}/acces, asked": 10,
    "/urgences": 5,
    "/questions/{id}": 5,
}


@pytest.fixture
def citizens(clock: FixedClock) -> Iterator[fc.Citizens]:
    with fc.citizens(clock.now) as made:
        yield made


async def test_the_own_record_asks_no_more_of_the_database(
    db: Database, dsn: str, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path
) -> None:
    counted = await postgres.open_both(dsn, clock, limits=LIMITS, connection_class=Counted)
    found: dict[str, int] = {}

    async def look(client: httpx.AsyncClient, name: str, address: str) -> httpx.Response:
        Counted.asked.clear()
        answer = await client.get(address)
        found[name] = len(Counted.asked)
        assert answer.status_code in (200, 303), name
        assert len(answer.content) < LIGHT, name
        return answer

    try:
        async with signed_in(counted, clock, citizens, tmp_path) as reader:
            client, page = reader.holder.client, reader.holder.page
            await look(client, "/mon-dossier", "/mon-dossier")
            await look(client, "/mon-dossier/cles", "/mon-dossier/cles")
            await look(client, "/suivi/{visit}", page)
            await look(client, "/suivi/{visit}/dossier", f"{page}/dossier")
            await look(client, "/suivi/{visit}/dossier/{letter}", f"{page}/dossier/{reader.letter}")
            await look(client, "/suivi/{visit}/dossier/{file}", f"{page}/dossier/{reader.file}")
            file = await look(client, "/suivi/{visit}/dossier/{file}/fichier", f"{page}/dossier/{reader.file}/fichier")
            await look(client, "/mes-documents/{token}", file.headers["location"])
            await look(client, "/suivi/{visit}/choix", f"{page}/choix")
            named = replace(requests.TRIAGER, display="Dr Léo Castanier")
            await requests.act(counted, named, journeys.put_label, "DocumentReference", reader.file, "INVISIBLE_PATIENT")
            await look(client, "/suivi/{visit}/acces", f"{page}/acces")
            await look(client, "/suivi/{visit}/acces/{look}", f"{page}{await first_look(reader)}")
            await asks(reader)
            await look(client, "/suivi/{visit}/acces, asked", f"{page}/acces")
        async with db.transaction(SYSTEM) as tx:
            question = await tx.fetchval("SELECT id FROM access_question")
        async with officer(counted, "dpo") as visitor:
            await visitor.get("/compte")  # what is read once for each organisation
            await look(visitor.client, "/urgences", "/urgences")
            await look(visitor.client, "/questions/{id}", f"/questions/{question}")
    finally:
        await counted.close()
    assert found == MOST
