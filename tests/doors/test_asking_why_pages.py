"""« Demander pourquoi » on the pages: the patient beside each look after a strong sign-in, the officer of the house among what is to be reviewed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.doors.test_own_record_documents import Reader, signed_in
from tests.factories import crossings
from tests.factories import patients as make
from tests.factories import referrals as requests
from tests.support import france_connect as fc
from tests.support.web import SAME_SITE, Visitor, hidden, make_door, visiting

from maillage import access, journeys
from maillage.access.questions import FOCUS
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = crossings.territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
WHO = "Dr Léo Castanier"
QUESTION = "Je ne connais <b>pas</b> ce médecin."
WHY = "Le docteur Castanier a écrit votre compte rendu : il vous avait vu le jour même."
LINK = re.compile(r'href="(/suivi/[^/]+/acces/([^"]+))"')


@pytest.fixture
def citizens(clock: FixedClock) -> Iterator[fc.Citizens]:
    with fc.citizens(clock.now) as made:
        yield made


@asynccontextmanager
async def looked_at(db: Database, clock: FixedClock, citizens: fc.Citizens, folder: Path) -> AsyncIterator[Reader]:
    """A patient who signed in, and whose file a doctor of the hospital restricted under a name."""
    async with signed_in(db, clock, citizens, folder) as reader:
        named = replace(requests.TRIAGER, display=WHO)
        await requests.act(db, named, journeys.put_label, "DocumentReference", reader.file, "INVISIBLE_PATIENT")
        yield reader


async def first_look(reader: Reader) -> str:
    """The newest look that can be asked about: what follows the page's address."""
    found = LINK.search((await reader.holder.sees("/acces")).text)
    assert found
    return f"/acces/{found[2]}"


async def asks(reader: Reader, text: str = QUESTION) -> httpx.Response:
    look = await first_look(reader)
    return await reader.holder.acts(look, shown=look, text=text)


@asynccontextmanager
async def officer(db: Database, *roles: str, organization: str = requests.HOSPITAL) -> AsyncIterator[Visitor]:
    """Somebody of a house who was let in."""
    async with db.transaction(SYSTEM) as tx:
        await access.put_account(
            tx, "officer", practitioner_id="aumontel-delphine", roles=list(roles), display="Delphine Aumontel", demo=True,
            role_id="percy-planification-aumontel", organization_id=organization,
        )  # fmt: skip
    async with visiting(make_door(db), "officer") as visitor:
        yield visitor


async def test_a_patient_asks_and_reads_the_answer(db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path) -> None:
    async with looked_at(db, clock, citizens, tmp_path) as reader:
        page = await reader.holder.sees(await first_look(reader))
        assert page.status_code == 200
        assert WHO in page.text
        answer = await asks(reader)
        assert answer.headers["location"].endswith("/acces?fait=ask-why")
        page = await reader.holder.sees("/acces?fait=ask-why")
        assert "Votre question est envoyée." in page.text
        assert f"pourquoi {WHO} (" in page.text
        assert "Je ne connais &lt;b&gt;pas" in page.text
        assert "Vous aurez une réponse avant le" in page.text
        assert "Question posée" in page.text
        # When the officer of the house answers
        async with officer(db, "dpo") as visitor:
            queue = await visitor.get("/urgences")
            [address] = set(re.findall(r'href="(/questions/[^"]+)"', queue.text))
            shown = await visitor.get(address)
            assert "Je ne connais &lt;b&gt;pas" in shown.text
            assert f"/patients/{reader.patient}/acces" in shown.text
            short = await visitor.post(f"{address}/reponse", {"text": "Bon."}, shown=address)
            assert short.status_code == 422
            assert "15 caractères" in short.text
            sent = await visitor.post(f"{address}/reponse", {"text": WHY}, shown=address)
            assert sent.headers["location"] == "/urgences?fait=answer-why"
            assert WHY in (await visitor.get(address)).text
            assert "Aucune question" in (await visitor.get("/urgences")).text
        # Then the patient reads it
        assert WHY in (await reader.holder.sees("/acces")).text


async def test_who_reads_a_look_or_a_question_is_in_the_trail(
    db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path
) -> None:
    async with looked_at(db, clock, citizens, tmp_path) as reader:
        look = await first_look(reader)
        before = await written(db, "accesses")
        await reader.holder.sees(look)
        assert await written(db, "accesses") == before + 1
        await asks(reader)
        async with officer(db, "dpo") as visitor:
            [address] = set(re.findall(r'href="(/questions/[^"]+)"', (await visitor.get("/urgences")).text))
            assert await written(db, "access-question") == 0
            await visitor.get(address)
        assert await written(db, "access-question") == 1


async def written(db: Database, verb: str) -> int:
    async with db.trail.transaction(SYSTEM) as tx:
        return int(await tx.fetchval("SELECT count(*) FROM audit_event WHERE verb = $1", verb))


async def test_one_look_is_asked_about_once(db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path) -> None:
    async with looked_at(db, clock, citizens, tmp_path) as reader:
        look = await first_look(reader)
        form = hidden(await reader.holder.sees(look))
        for key, status in (("one", 303), ("two", 409)):
            sent = await reader.holder.client.post(f"{reader.holder.page}{look}", data={**form, "_key": key, "text": ""}, headers=SAME_SITE)
            assert sent.status_code == status
        assert "Vous avez déjà posé cette question." in sent.text
        long = await asks(reader, "x" * 501)
        assert long.status_code == 422


async def test_a_look_that_is_not_told_cannot_be_asked_about(
    db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path
) -> None:
    async with looked_at(db, clock, citizens, tmp_path) as reader:
        assert (await reader.holder.sees("/acces/no-such-look")).status_code == 404
        look = await first_look(reader)
        given = await make.given(db, requests.TRIAGER, "Task", reader.task, new_code=True)
    async with make.browsing(db) as holder:
        await holder.opens(given.token, await make.born(db, given.patient), given.code)
        assert (await holder.sees(look)).status_code == 403
        page = await holder.sees("/acces")
        assert page.status_code == 200
        assert "Demander pourquoi" not in page.text


async def test_the_message_leads_to_the_answer_and_to_nothing_else(
    db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path
) -> None:
    async with looked_at(db, clock, citizens, tmp_path) as reader:
        await asks(reader)
        async with officer(db, "dpo") as visitor:
            [address] = set(re.findall(r'href="(/questions/[^"]+)"', (await visitor.get("/urgences")).text))
            await visitor.post(f"{address}/reponse", {"text": WHY}, shown=address)
        async with db.transaction(SYSTEM) as tx:
            token = await access.patient_link.give_link(tx, reader.patient, (FOCUS, address.rpartition("/")[2]))
            code = await access.patient_link.give_code(tx, reader.patient)
    async with make.browsing(db) as holder:
        opened = await holder.opens(token, await make.born(db, reader.patient), code)
        assert opened.status_code == 303
        assert (await holder.sees()).headers["location"].endswith("/acces")
        page = await holder.sees("/acces")
        assert WHY in page.text
        assert LINK.search(page.text) is None
        assert (await holder.sees("/dossier")).status_code == 200
        assert "compte rendu" not in (await holder.sees("/dossier")).text.lower()


@pytest.mark.parametrize(("roles", "status"), [(("dpo",), 404), (("planificateur",), 403), (("medecin",), 403)])
async def test_another_house_and_other_jobs_read_no_question(
    db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path, roles: tuple[str, ...], status: int
) -> None:
    async with looked_at(db, clock, citizens, tmp_path) as reader:
        await asks(reader)
    async with db.transaction(SYSTEM) as tx:
        id = await tx.fetchval("SELECT id FROM access_question")
    house = requests.CENTRE if roles == ("dpo",) else requests.HOSPITAL
    async with officer(db, *roles, organization=house) as visitor:
        assert (await visitor.get(f"/questions/{id}")).status_code == status
        assert (await visitor.post(f"/questions/{id}/reponse", {"text": WHY}, shown="/compte")).status_code == status
