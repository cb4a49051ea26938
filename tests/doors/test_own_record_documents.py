"""What a patient reads of the own record, and what nobody shows: what is held back, another patient's, a link used twice (classes 1, 7, 9)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.conftest import LIMITS
from tests.factories import crossings
from tests.factories import patients as make
from tests.factories import referrals as requests
from tests.support import france_connect as fc
from tests.support import hostile_files as files
from tests.support import postgres

from maillage import access, journeys, record, referrals
from maillage.access.queries import VisibleTo
from maillage.documents import Checked
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotFound
from maillage.store import Database
from maillage.store.blobs import Folder, Ring, Vault

FILL = crossings.territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
CANARY = "CANARI-DE-LA-LETTRE"
FILE = Checked("pieces", "radio.pdf", "application/pdf", files.pdf())


@pytest.fixture
def citizens(clock: FixedClock) -> Iterator[fc.Citizens]:
    with fc.citizens(clock.now) as made:
        yield made


@dataclass(frozen=True)
class Reader:
    """A patient who signed in, the letter of the request, and the file that came with it."""

    holder: make.Holder
    patient: str
    task: str
    letter: str
    file: str

    async def finds(self, id: str) -> httpx.Response:
        return await self.holder.sees(f"/dossier/{id}")


async def written(db: Database, clock: FixedClock, folder: Path, *, patient: int = 0, held: bool = False) -> tuple[str, str, str]:
    """A request whose letter has come back with a file: the Task, the letter, the file."""
    task = await requests.seen(db, clock, patient=patient)
    await requests.act(db, requests.TRIAGER, referrals.send_outcome, task, text=f"Cher confrère, {CANARY}.", title="Lettre du spécialiste")
    letter = str((await requests.look(db, task))["document_id"])
    vault = Vault(Folder(folder / "documents"), Ring(folder / "documents.keys"))
    if held:
        await requests.act(db, requests.TRIAGER, journeys.put_label, "DocumentReference", letter, "INVISIBLE_PATIENT")
    async with db.transaction(requests.TRIAGER) as tx:
        [file] = await referrals.attach(tx, vault, task, [FILE], "letter")
    return task, letter, file


@asynccontextmanager
async def signed_in(db: Database, clock: FixedClock, citizens: fc.Citizens, folder: Path, *, held: bool = False) -> AsyncIterator[Reader]:
    task, letter, file = await written(db, clock, folder, held=held)
    given = await make.given(db, requests.TRIAGER, "Task", task)
    citizens.pivot = await fc.pivot_of(db, given.patient)
    async with make.browsing(db, franceconnect=fc.settings(citizens), data=folder) as holder:
        await holder.opens(given.token, await make.born(db, given.patient), given.code)
        await fc.through(holder)
        yield Reader(holder, given.patient, task, letter, file)


async def test_a_letter_is_read_and_its_file_fetched_once_each_look_written_down(
    db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path
) -> None:
    async with signed_in(db, clock, citizens, tmp_path) as reader:
        page = await reader.holder.sees("/dossier")
        assert "Lettre du spécialiste" in page.text
        assert CANARY not in page.text, "a list tells titles alone"
        letter = await reader.finds(reader.letter)
        assert CANARY in letter.text
        assert letter.headers["cache-control"] == "no-store"
        assert "Un fichier PDF" in (await reader.finds(reader.file)).text
        address = (await reader.finds(f"{reader.file}/fichier")).headers["location"]
        got = await reader.holder.client.get(address)
        assert (got.status_code, got.content, got.headers["content-type"]) == (200, FILE.data, "application/pdf")
        assert got.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in got.headers["content-security-policy"]
        assert (await reader.holder.client.get(address)).status_code == 404, "once"
        late = (await reader.finds(f"{reader.file}/fichier")).headers["location"]
        clock.advance(timedelta(minutes=2))
        assert (await reader.holder.client.get(late)).status_code == 404, "for a minute"
        left = (await reader.finds(f"{reader.file}/fichier")).headers["location"]
        await reader.holder.acts("/fermer", shown="/dossier")
        assert (await reader.holder.client.get(left)).status_code == 404, "not after the page was closed"
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch(
            "SELECT verb, res_id, purpose, actor_id FROM audit_event WHERE actor_kind = 'patient' AND res_type = 'DocumentReference' AND outcome = '0'"
        )
    assert {(row["verb"], row["res_id"]) for row in rows} >= {("read", ""), ("read", reader.letter), ("download", reader.file)}
    assert {(row["purpose"], row["actor_id"]) for row in rows} == {("PATRQT", reader.patient)}


async def test_a_link_alone_opens_no_document(db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path) -> None:
    task, letter, file = await written(db, clock, tmp_path)
    given = await make.given(db, requests.TRIAGER, "Task", task)
    async with make.browsing(db, franceconnect=fc.settings(citizens), data=tmp_path) as holder:
        await holder.opens(given.token, await make.born(db, given.patient), given.code)
        for path in ("/dossier", f"/dossier/{letter}", f"/dossier/{file}", f"/dossier/{file}/fichier"):
            page = await holder.sees(path)
            assert (path, page.status_code) == (path, 200 if path == "/dossier" else 403)
            assert CANARY not in page.text
            assert "Lettre du spécialiste" not in page.text


async def test_what_is_held_back_is_absent_with_its_files_until_it_is_announced(
    db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path
) -> None:
    async with signed_in(db, clock, citizens, tmp_path) as reader:
        address = (await reader.finds(f"{reader.file}/fichier")).headers["location"]
        await requests.act(db, requests.TRIAGER, journeys.put_label, "DocumentReference", reader.letter, "INVISIBLE_PATIENT")
        absent = await reader.finds("absent")
        for id in (reader.letter, reader.file, f"{reader.file}/fichier"):
            page = await reader.finds(id)
            assert (page.status_code, CANARY in page.text) == (404, False)
            assert told(page) == told(absent), "as if it were not there"
        assert (await reader.holder.client.get(address)).status_code == 404, "nor by a link that was made before"
        assert "Aucun document" in (await reader.holder.sees("/dossier")).text
        await requests.act(db, requests.TRIAGER, journeys.lift_label, "DocumentReference", reader.letter, "INVISIBLE_PATIENT")
        assert CANARY in (await reader.finds(reader.letter)).text
        assert (await reader.finds(reader.file)).status_code == 200


def told(page: httpx.Response) -> str:
    return re.sub(r'value="[^"]{16,}"|/dossier/[^" ]*|[0-9a-f]{8}-[0-9a-f-]{27}', "", page.text)


async def test_a_file_that_comes_after_and_a_letter_that_replaces_are_held_back_too(
    db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path
) -> None:
    async with signed_in(db, clock, citizens, tmp_path, held=True) as reader:
        assert (await reader.finds(reader.file)).status_code == 404
        await requests.act(db, requests.GP, referrals.dispute, reader.task, reason="no-conclusion", comment="Il me manque la conclusion.")
        await requests.act(db, requests.TRIAGER, referrals.send_outcome, reader.task, text=f"Corrigée. {CANARY}", title="Lettre corrigée")
        second = str((await requests.look(db, reader.task))["document_id"])
        assert second != reader.letter
        assert (await reader.finds(second)).status_code == 404
        assert CANARY not in (await reader.holder.sees("/dossier")).text


async def test_after_thirty_days_it_is_the_patients_to_read_and_the_named_senior_is_told(
    db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path
) -> None:
    async with signed_in(db, clock, citizens, tmp_path, held=True) as reader:
        clock.advance(timedelta(days=29, hours=23))
        await fc.through(reader.holder, "/mon-dossier/connexion")
        assert (await reader.finds(reader.letter)).status_code == 404
        clock.advance(timedelta(hours=2))
        await fc.through(reader.holder, "/mon-dossier/connexion")
        assert CANARY in (await reader.finds(reader.letter)).text, "even while no worker runs"
        for _ in range(2):
            await db.run(SYSTEM, journeys.release_late)
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT focus_id, organization_id, role FROM notification WHERE event = 'released-late' ORDER BY focus_id")
    house = requests.TRIAGER.organization
    expected = {(reader.letter, house, "referent"), (reader.file, house, "referent")}
    assert {(row["focus_id"], row["organization_id"], row["role"]) for row in rows} == expected
    assert len(rows) == 2, "once each"


@pytest.mark.parametrize("mode", ["both", "second-alone", "first-alone"])
async def test_promise_4_the_own_record_is_the_patients_alone_behind_each_wall(
    db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path, dsn: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another patient's letter, and the own one while it is held back: by the page, by the list, and by the wall itself."""
    _, theirs, their_file = await written(db, clock, tmp_path, patient=1)
    here = db
    if mode == "first-alone":
        here = await Database.open(postgres.owner(dsn), db.clock, limits=LIMITS, connection_class=postgres.ShufflingConnection)
    try:
        async with signed_in(db, clock, citizens, tmp_path, held=True) as known:
            door = make.browsing(here, franceconnect=fc.settings(citizens), data=tmp_path)
            async with door as holder:
                await fc.through(holder, "/mon-dossier/connexion")
                if mode == "second-alone":
                    monkeypatch.setattr(VisibleTo, "sql", lambda _self, _alias, _params: "true")
                for id in (theirs, their_file, known.letter, known.file):
                    assert (await holder.sees(f"/dossier/{id}")).status_code == 404, id
                    assert (await holder.sees(f"/dossier/{id}/fichier")).status_code == 404, id
                page = await holder.sees("/dossier")
                assert page.status_code == 200
                assert CANARY not in page.text
                assert "Aucun document" in page.text
    finally:
        if here is not db:
            await here.close()


async def test_a_patient_of_an_empty_link_and_no_sign_in_sees_nothing(db: Database, clock: FixedClock, tmp_path: Path) -> None:
    """The own record hangs on the sign-in, never on a list of things that happens to be empty."""
    task, letter, _ = await written(db, clock, tmp_path)
    patient = str((await requests.look(db, task))["patient_id"])
    for assurance, seen in (("", False), ("lien", False), ("demo", False), ("eidas2", True)):
        actor = Actor("patient", patient, (), frozenset({"patient"}), assurance=assurance, purpose="PATRQT", patient=patient)
        async with db.transaction(actor) as tx:
            visible = access.visible_to(actor, "DocumentReference", tx.now)
            if seen:
                assert (await record.read(tx, "DocumentReference", letter, visible)).id == letter
            else:
                with pytest.raises(NotFound):
                    await record.read(tx, "DocumentReference", letter, visible)


async def test_who_looked_is_told_whole(db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path) -> None:
    async with signed_in(db, clock, citizens, tmp_path) as reader:
        named = replace(requests.TRIAGER, display="Dr Léo Castanier")
        await requests.act(db, named, journeys.put_label, "DocumentReference", reader.file, "INVISIBLE_PATIENT")
        page = await reader.holder.sees("/acces")
        assert "Voici qui a ouvert votre dossier" in page.text
        assert "<strong>Dr Léo Castanier</strong>, médecin" in page.text
        assert "demandez la liste au service" not in page.text
