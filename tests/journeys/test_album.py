"""The pictures of the documentation that no journey takes: every page for whom it is made, in the demonstration, on a Monday morning.

`docs/pages.csv` declares them all and `tests/house/test_screens.py` holds that none lacks; here and in the journeys each is taken, and its title is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.journeys.demonstrated import CLIENT, NEW, SEEN, Demonstrated
from tests.journeys.inspection import picture
from tests.journeys.people import Person, words
from tests.journeys.test_every_page import OWN
from tests.journeys.test_pages_that_follow import elsewhere
from tests.journeys.test_patient_by_hand import Patient
from tests.support import postgres
from tests.support.furnished import patients_link

from maillage.kernel.clock import FixedClock

pytestmark = [pytest.mark.browser, pytest.mark.nightly]
COORDINATOR, DOCTOR, DESK, DIRECTOR = "coordination-boucles", "medecin-clamart", "secretaire-clamart", "direction-percy"
MANAGER, PLANNER, SENIOR, SPECIALIST = "gestionnaire-clamart", "planification-percy", "referent-hge", "hge-percy"
VISIT, DAY = f"/patients/{NEW[1]['id']}", "mardi 17 novembre 2026"
"""The record of the patient whose visit is booked, and its day."""
FIRST_PAGE = {COORDINATOR: "Pilotage du territoire"}


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture, who looks, where from, and what is pressed to come there, by its words."""

    picture: str
    who: str
    where: str
    press: tuple[str, ...] = ()
    end: str = ""
    """What is added to that address: a page without JavaScript behind a form that unfolds."""


SHOTS = (
    Shot("accessibilite", DOCTOR, "/accessibilite"),
    Shot("licences", DOCTOR, "/licences"),
    Shot("composants", DOCTOR, "/components"),
    Shot("affichage", DOCTOR, "/affichage"),
    Shot("notifications", DOCTOR, "/notifications"),
    Shot("mes-notifications", DOCTOR, "/compte/notifications"),
    Shot("mes-applications", DOCTOR, "/compte/applications"),
    Shot("page-introuvable", DOCTOR, "/nulle-part"),
    Shot("acces-refuse", DOCTOR, "/partenaires"),
    Shot("listes-medecin-de-ville", DOCTOR, "/"),
    Shot("liste", DOCTOR, "/listes/sent-by-us"),
    Shot("patient", DOCTOR, f"/patients/{SEEN}"),
    Shot("patient-cherche", DOCTOR, "/patients"),
    Shot("brouillon", DOCTOR, "/listes/to-complete", ("COQUELIN",)),
    Shot("acces-au-dossier", DOCTOR, f"/patients/{SEEN}/acces"),
    Shot("acces-au-dossier-papier", DOCTOR, f"/patients/{SEEN}/acces/papier"),
    Shot("choix-du-patient", DOCTOR, f"/patients/{SEEN}/choix"),
    Shot("acces-restreints", DOCTOR, f"/patients/{SEEN}/restrictions"),
    Shot("territoire", DOCTOR, "/territoire"),
    Shot("service", DOCTOR, "/services/percy-dermatologie"),
    Shot("accueil-secretariat", DESK, "/"),
    Shot("rendez-vous", DESK, VISIT, (DAY,)),
    Shot("acces-du-patient-rendez-vous", DESK, VISIT, (DAY, "Accès du patient")),
    Shot("identites", DESK, "/patients/identites"),
    Shot("comparer-deux-dossiers", DESK, "/patients/identites", ("Comparer",)),
    Shot("listes-specialiste", SPECIALIST, "/"),
    Shot("demande-masquee", SPECIALIST, "/listes/to-triage", ("Identité masquée",)),
    Shot("accueil-referent", SENIOR, "/"),
    Shot("relais", SENIOR, "/services/percy-hge/relais"),
    Shot("acces-a-examiner", SENIOR, "/urgences"),
    Shot("accueil-planification", PLANNER, "/"),
    Shot("vacations", PLANNER, "/vacations"),
    Shot("planification", PLANNER, "/planification"),
    Shot("modifier-une-vacation", PLANNER, "/planification/vacation-hge-clamart/modifier"),
    Shot("annuler-une-vacation", PLANNER, "/planification", ("Mer. 18 nov.",), "/actes/cancel-session"),
    Shot("agenda", SPECIALIST, "/agenda"),
    Shot("arrivees", MANAGER, "/accueil?jour=2026-11-17"),
    Shot("listes-de-secours", MANAGER, "/accueil/secours"),
    Shot("pilotage", COORDINATOR, "/pilotage"),
    Shot("simulation", DIRECTOR, "/simulation"),
    Shot("simulation-scenario", DIRECTOR, "/simulation/scenario?depuis=percy-35000-overflow"),
    Shot("simulation-resultats", DIRECTOR, "/simulation", ("Percy : 35 000 passages, service reconstruit, sans",)),
    Shot("previsions", DIRECTOR, "/simulation", ("Prévision",)),
    Shot("partenaires", MANAGER, "/partenaires"),
    Shot("partenaire", MANAGER, "/partenaires/labo-b"),
    Shot("messages-recus", MANAGER, f"/partenaires/{CLIENT}"),
)
OF_PATIENT = {
    "": "patient-suivi",
    "/dates": "patient-dates",
    "/non": "patient-non",
    "/annuler": "patient-annuler",
    "/absence": "patient-absence",
    "/choix": "patient-choix",
    "/accord": "patient-accord",
    "/acces": "patient-acces",
}
"""What stands behind a link, by the end of its address."""


CUT = """() => [...document.querySelectorAll('.m-table-frame')].filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText.slice(0, 80))"""
"""Tables wider than their frame, which hides what is over: the page itself does not scroll."""


@pytest.fixture
def server(cluster: postgres.TestCluster, clock: FixedClock, tmp_path: Path) -> Iterator[Demonstrated]:
    with Demonstrated(cluster, clock, tmp_path).running() as whole:
        yield whole


def test_every_page_has_its_picture(server: Demonstrated, browser: Browser) -> None:
    people: dict[str, Person] = {}
    cut: dict[str, list[str]] = {}
    try:
        for shot in SHOTS:
            if shot.who not in people:
                people[shot.who] = Person(browser, server.address, shot.who, at=FIRST_PAGE.get(shot.who, "Mes listes"))
            take(people[shot.who], shot)
            cut[shot.picture] = people[shot.who].page.evaluate(CUT)
    finally:
        for someone in people.values():
            someone.leave()
    assert {name: tables for name, tables in cut.items() if tables} == {}


def take(one: Person, shot: Shot) -> None:
    one.goes_to(shot.where)
    for said in shot.press:
        main, text = one.page.get_by_role("main"), words(said)
        main.get_by_role("link", name=text).or_(main.get_by_role("button", name=text)).first.click()
        one.page.wait_for_load_state()
    if shot.end:
        one.page.goto(one.page.url + shot.end)
    picture(one, shot.picture)


def test_every_page_of_a_patient_has_its_picture(server: Demonstrated, browser: Browser) -> None:
    opened = elsewhere(server, lambda db: patients_link(db, NEW))
    one = Patient(browser, server.address)
    try:
        one.opens(server.address + opened.link, opened.born, opened.code)
        home = one.page.url.partition("?")[0]
        assert set(OWN) - {"/dossier"} <= OF_PATIENT.keys()
        for end, name in OF_PATIENT.items():
            one.page.goto(home + end)
            picture(one, name, 390)  # type: ignore[arg-type]  # somebody in front of a page
    finally:
        one.leave()
