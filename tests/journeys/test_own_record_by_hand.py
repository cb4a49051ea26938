"""Given a link of the desk, when the patient signs in by FranceConnect, then the own letters are there to read, and who looked; without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.factories import patients as make
from tests.factories import referrals as requests
from tests.journeys.conftest import Running
from tests.journeys.inspection import inspect, picture
from tests.journeys.people import french, patient_of
from tests.journeys.test_pages_that_follow import elsewhere
from tests.journeys.test_patient_by_hand import SMALL, Patient
from tests.support import france_connect as fc
from tests.support import hostile_files as files
from tests.support import postgres
from tests.support.web import SEALING_KEY

from maillage import journeys, referrals
from maillage.documents import Checked
from maillage.doors.connectors.france_connect import FranceConnect
from maillage.doors.web import WebDoor
from maillage.kernel.clock import FixedClock
from maillage.settings import DataSettings, DemoSettings, IdentitySettings, ServerSettings, Settings
from maillage.store import Database
from maillage.store.blobs import Vault

pytestmark = pytest.mark.browser
PAPER = files.pdf()
LETTER = "Cher confrère, j’ai vu ce jour votre patient. L’examen est rassurant. Je le revois dans un an."


class WithFranceConnect(Running):
    """The pages, with FranceConnect+ on the loopback, which encrypts what it says for us."""

    def __init__(self, cluster: postgres.TestCluster, clock: FixedClock, citizens: fc.Citizens) -> None:
        super().__init__(cluster, clock)
        self.citizens = citizens

    @property
    def settings(self) -> Settings:
        return Settings(
            demo=DemoSettings(enabled=True),
            server=ServerSettings(base_url=self.address),
            identity=IdentitySettings(key=SEALING_KEY),
            data=DataSettings(folder=Path(self.files.name)),
            franceconnect=fc.settings(self.citizens, key=fc.our_key(), timeout=30),
        )

    def application(self, database: Database) -> Any:
        known = self.settings
        provider = FranceConnect(known.franceconnect, self.address)
        [self.citizens.closes] = provider.published_keys()
        return WebDoor(database, operations=journeys.OPERATIONS, settings=known, patient_provider=provider)


@pytest.fixture
def server(cluster: postgres.TestCluster, clock: FixedClock) -> Iterator[WithFranceConnect]:
    with fc.citizens(clock.now) as citizens, WithFranceConnect(cluster, clock, citizens).running() as running:
        yield running


async def a_letter_with_a_file(db: Database, server: WithFranceConnect) -> tuple[journeys.Given, str, str]:
    """What the care side did before: the visit, its letter and a file, and a link that the desk gave; with the birth date and the Task."""
    rank = (await requests.patients(db, 40)).index(patient_of(requests.CENTRE)["id"])
    task = await requests.seen(db, server.clock, patient=rank)
    await requests.act(db, requests.TRIAGER, referrals.send_outcome, task, text=LETTER, title="Compte rendu de votre rendez-vous")
    async with db.transaction(requests.TRIAGER) as tx:
        paper = Checked("pieces", "ordonnance.pdf", "application/pdf", PAPER)
        await referrals.attach(tx, Vault.of(server.settings), task, [paper], "letter")
    given = await make.given(db, requests.TRIAGER, "Task", task)
    server.citizens.pivot = await fc.pivot_of(db, given.patient)
    return given, await make.born(db, given.patient), task


def looked(one: Patient, name: str = "") -> None:
    """The page stands on three screens, in light and dark; and its picture."""
    one.messages = [said for said in one.messages if "/auth?" not in said]
    inspect(one, "")  # type: ignore[arg-type]  # somebody in front of a page
    if name:
        picture(one, name, 390)  # type: ignore[arg-type]  # the same
    one.page.set_viewport_size({"width": 390, "height": 800})


@pytest.mark.parametrize("javascript", [True, False])
def test_a_patient_reads_the_own_letters(browser: Browser, server: WithFranceConnect, javascript: bool) -> None:
    given, born, task = elsewhere(server, lambda db: a_letter_with_a_file(db, server))
    one = Patient(browser, server.address, javascript=javascript)
    look = looked if javascript else lambda *_: None
    try:
        # Given the page of the link, which opens no document
        one.opens(f"{server.address}/p/{given.token}", born, given.code)
        one.taps_on("Lire mes documents")
        titled(one, "Mes documents")
        look(one, "patient-connexion")
        # When the patient signs in there, then the letter is four taps away from the link
        one.taps_on("Se connecter avec FranceConnect")
        titled(one, "Mon dossier")
        look(one, "patient-dossier")
        one.taps_on("Compte rendu de votre rendez-vous")
        one.sees("L’examen est rassurant")
        assert one.taps == 4
        look(one, "patient-document")
        # And the file is fetched
        one.page.go_back()
        one.taps_on("ordonnance.pdf")
        fetches(one, "ordonnance.pdf")
        # And everybody who looked is named
        one.page.goto(one.page.url.rpartition("/dossier/")[0] + "/acces")
        one.sees("Voici qui a ouvert votre dossier")
        look(one)
        asks_why(one, look)
        # What the doctor holds back goes from the list at once
        elsewhere(server, lambda db: held_back(db, task))
        one.page.goto(one.page.url.replace("/acces", "/dossier"))
        one.sees("Aucun document pour l’instant")
        comes_back(one, server, look)
    finally:
        one.leave()


def asks_why(one: Patient, look: Callable[..., None]) -> None:
    """Two taps, and nothing to write: the house has thirty days to say why."""
    before = one.taps
    one.page.get_by_role("link", name=french("Demander pourquoi")).first.click()
    titled(one, "Demander pourquoi")
    assert one.page.evaluate(SMALL) == []
    look(one, "patient-pourquoi")
    one.taps_on("Envoyer ma question")
    assert one.taps - before == 1  # and the link
    one.sees("Votre question est envoyée. Vous aurez une réponse sous 30 jours.")
    expect(one.page.get_by_role("heading", name="Vos questions")).to_be_visible()
    assert one.page.evaluate(SMALL) == []
    look(one)


def titled(one: Patient, title: str) -> None:
    expect(one.page.get_by_role("heading", level=1)).to_have_text(french(title))


def fetches(one: Patient, name: str) -> None:
    """One tap, and the file is there as it was kept."""
    with one.page.expect_download() as fetched:
        one.taps_on("Télécharger")
    assert fetched.value.suggested_filename == name
    assert Path(fetched.value.path()).read_bytes() == PAPER


def comes_back(one: Patient, server: WithFranceConnect, look: Callable[..., None]) -> None:
    """Leaving closes the page; next time FranceConnect alone is enough, until the patient wants it no more."""
    one.taps_on("Fermer")
    one.sees("Se déconnecter de FranceConnect")
    one.page.goto(f"{server.address}/mon-dossier")
    look(one, "patient-entree")
    one.taps_on("Se connecter avec FranceConnect")
    titled(one, "Mon dossier")
    one.taps_on("Ne plus utiliser FranceConnect ici")
    titled(one, "C’est fait")


async def held_back(db: Database, task: str) -> None:
    letter = str((await requests.look(db, task))["document_id"])
    await requests.act(db, requests.TRIAGER, journeys.put_label, "DocumentReference", letter, "INVISIBLE_PATIENT")


def test_a_stranger_with_the_paper_of_somebody_else_is_told_what_to_do(browser: Browser, server: WithFranceConnect) -> None:
    given, born, _ = elsewhere(server, lambda db: a_letter_with_a_file(db, server))
    server.citizens.pivot |= {"family_name": "AUTREPERSONNE"}
    one = Patient(browser, server.address)
    try:
        one.opens(f"{server.address}/p/{given.token}", born, given.code)
        one.taps_on("Lire mes documents")
        one.taps_on("Se connecter avec FranceConnect")
        one.sees("L’identité de FranceConnect n’est pas celle de ce dossier")
        one.sees("Montrez votre pièce d’identité au secrétariat")
        looked(one, "patient-refuse")
    finally:
        one.leave()
