"""Vacations by hand: made, planned, confirmed, published, replaced, settled; and the waiting list that their slots serve first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from tests.conftest import MONDAY
from tests.journeys.conftest import Running
from tests.journeys.inspection import inspect
from tests.journeys.people import Person, name_of
from tests.journeys.test_other_ways import HGE, sent_request

from maillage.kernel.clock import FixedClock
from maillage.kernel.period import day_in_paris

pytestmark = pytest.mark.browser
HERE = "Centre municipal de santé de Clamart, soins"


def in_weeks(weeks: int) -> str:
    return (day_in_paris(MONDAY) + timedelta(weeks=weeks)).isoformat()


def begins_vacation(planner: Person) -> None:
    """The service and the place first."""
    planner.goes_to("/planification")
    inspect(planner)
    planner.clicks("Créer une vacation")
    planner.page.get_by_label("Service de l’hôpital").select_option(label=HGE)
    planner.page.get_by_label("Lieu").select_option(label=HERE)
    inspect(planner)
    planner.clicks("Continuer")


def describes_vacation(planner: Person) -> None:
    """Every Friday afternoon, with slots kept for the fast track and for a centre."""
    planner.chooses("Salle", "Salle de vacation 2")
    planner.page.get_by_label("Rythme").select_option(label="Chaque semaine")
    planner.ticks("Vendredi")
    planner.writes("Début", "14:00")
    planner.writes("Fin", "17:00")
    planner.writes("Premier jour", in_weeks(0))
    planner.writes("Créneaux très urgents", "1")
    share = planner.page.get_by_role("group", name="Part gardée pour un centre (1)")
    share.get_by_label("Centre").select_option(label="Centre de santé de Montgeron")
    share.get_by_label("Créneaux gardés").fill("2")


def closes_a_day(planner: Person) -> None:
    """The second Friday, for a training day."""
    planner.page.locator("summary", has_text="Ajouter une exception").click()
    planner.page.locator("#f-add-exception-day").fill((day_in_paris(MONDAY) + timedelta(days=11)).isoformat())
    planner.page.get_by_role("group", name="Type").get_by_label("Jour fermé").check()
    planner.page.locator("#f-add-exception-reason").fill("Formation")
    planner.clicks("Enregistrer l’exception")
    planner.sees("Formation")


def plans(planner: Person, start: int, end: int) -> None:
    """The sessions between two weeks from now."""
    form = planner.page.locator("#f-plan-start")
    if not form.is_visible():
        planner.page.locator("summary", has_text="Planifier une période").click()
    form.fill(in_weeks(start))
    planner.page.locator("#f-plan-end").fill(in_weeks(end))
    planner.clicks("Planifier")


def ticks_sessions(person: Person) -> None:
    """Choose every session: none is chosen beforehand."""
    boxes = person.page.locator('input[name="session"]')
    expect(boxes.first).to_be_visible()
    assert person.page.locator('input[name="session"]:checked').count() == 0
    for box in boxes.all():
        box.check()


def test_a_planner_opens_a_vacation_in_a_centre(person: Callable[..., Person]) -> None:
    planner, host = person("planification-percy"), person("gestionnaire-clamart")
    begins_vacation(planner)
    inspect(planner, "nouvelle-vacation")
    # When the form is sent with nothing in it, each error leads to its question
    planner.clicks("Créer la vacation")
    expect(planner.page.get_by_role("alert")).to_be_focused()
    inspect(planner)
    describes_vacation(planner)
    planner.clicks("Créer la vacation")
    planner.sees("La vacation est créée")
    planner.sees("Chaque vendredi")
    # When one day is closed and a period is planned
    closes_a_day(planner)
    plans(planner, 0, 4)
    planner.sees("salle à confirmer par le site")
    coming = planner.page.get_by_role("table", name="Vacations à venir")
    expect(coming.locator("tbody tr")).to_have_count(3)
    address = planner.page.url.split("?")[0]
    # Then the host confirms the room, and the planner publishes
    host.goes_to("/planification")
    host.sees("Salles à confirmer")
    host.page.goto(address)
    host.clicks("Confirmer salle, matériel et aide des vacations cochées")
    expect(host.page.get_by_role("alert")).to_be_focused()
    ticks_sessions(host)
    host.clicks("Confirmer salle, matériel et aide des vacations cochées")
    host.sees("confirmés pour les vacations cochées")
    planner.page.goto(address)
    inspect(planner, "modele-de-vacation")
    ticks_sessions(planner)
    planner.clicks("Publier les vacations cochées")
    planner.sees("Leurs places sont ouvertes")
    expect(coming.get_by_text("Ouverte")).to_have_count(3)
    # And a change of template leaves what is published as it is
    planner.clicks("Modifier")
    planner.writes("Fin", "16:00")
    inspect(planner)
    planner.clicks("Enregistrer les changements")
    planner.sees("14 h 00 – 16 h 00")
    expect(coming.get_by_text("17 h 00")).to_have_count(3)


def test_an_absent_practitioner_is_replaced(person: Callable[..., Person]) -> None:
    planner = person("planification-percy")
    planner.goes_to("/planification/consultation-mpr-percy")
    planner.page.get_by_role("table", name="Vacations à venir").get_by_role("link").first.click()
    form = planner.unfolds("Signaler une absence")
    form.get_by_label("Maladie").check()
    form.get_by_role("button").click()
    planner.sees("Un remplaçant est cherché")
    planner.goes_to("/planification")
    planner.page.get_by_role("region", name="Remplacement cherché").get_by_role("link").first.click()
    form = planner.unfolds("Remplacer")
    form.get_by_label("Dr Octave Chantemerle").check()
    form.get_by_role("button").click()
    planner.sees("Le remplaçant est enregistré")
    planner.sees_title("Médecine physique et de réadaptation, Dr Octave Chantemerle")


def test_both_sides_sign_the_same_figures(person: Callable[..., Person], clock: FixedClock) -> None:
    # Given a session that was held
    planner, host, doctor = person("planification-percy"), person("gestionnaire-clamart"), person("hge-percy")
    planner.goes_to("/planification/vacation-hge-clamart")
    planner.page.get_by_role("table", name="Vacations à venir").get_by_role("link").first.click()
    address = planner.page.url
    clock.advance(timedelta(days=3, hours=2))
    doctor.sign_in()
    doctor.page.goto(address)
    doctor.clicks("Démarrer")
    clock.advance(timedelta(hours=5))
    doctor.sign_in()
    doctor.page.goto(address)
    doctor.clicks("Terminer")
    doctor.sees("La vacation est terminée")
    # When the two sides sign different figures, the second is told
    for signer, cost in ((planner, "1250,50"), (host, "900")):
        signer.sign_in()
        signer.page.goto(address)
        form = signer.unfolds("Signer le décompte")
        form.get_by_label("Coût (en euros)").fill(cost)
        form.get_by_role("button").click()
    host.sees("L’autre partie a signé d’autres chiffres")
    inspect(host, "decompte-refuse")
    # Then the same figures settle the session
    host.writes("Coût (en euros)", "1250,50")
    host.clicks("Signer le décompte")
    host.sees("Décomptée")
    host.sees("1 250,50 €")
    inspect(host)


def without_place(person: Callable[..., Person]) -> tuple[Person, Person, dict[str, object]]:
    """Given a patient who was accepted and for whom there was no place."""
    _, specialist, patient = sent_request(person)
    specialist.opens_from("À trier", patient)
    specialist.clicks("Accepter")
    office = person("planification-percy")
    office.opens_from("À programmer", patient)
    form = office.unfolds("Pas de place dans le délai")
    form.get_by_role("radio").first.check()
    form.get_by_role("button").click()
    return specialist, office, patient


def test_the_waiting_list_is_served_first(person: Callable[..., Person], server: Running) -> None:
    specialist, office, patient = without_place(person)
    office.goes_to("/attente")
    office.sees(name_of(patient))
    office.sees("prochain")
    # When the office changes the rank, everybody sees why
    office.page.get_by_role("link", name=name_of(patient)).click()
    form = office.unfolds("Changer le rang")
    form.get_by_role("button").click()
    expect(office.page.get_by_role("alert")).to_be_focused()
    inspect(office)
    office.chooses("Nouveau rang", "Plus haut")
    office.writes("Motif, que chacun verra", "Anémie qui s’aggrave, appel du médecin traitant.")
    office.clicks("Changer le rang")
    office.goes_to("/attente")
    office.sees("Anémie qui s’aggrave")
    # When new sessions are published, their slots go to the waiting list first
    office.goes_to("/planification/vacation-hge-clamart")
    plans(office, 7, 8)
    host = person("gestionnaire-clamart")
    host.goes_to("/planification/vacation-hge-clamart")
    ticks_sessions(host)
    host.clicks("Confirmer salle, matériel et aide des vacations cochées")
    office.goes_to("/planification/vacation-hge-clamart")
    ticks_sessions(office)
    office.clicks("Publier les vacations cochées")
    server.tick()
    office.goes_to("/attente")
    office.sees("Créneaux proposés, réponse attendue")
    inspect(office, "liste-d-attente")
    # Then the first yes takes the slot, and the request is booked
    office.clicks("Le patient accepte")
    office.sees("Le patient prend ce créneau")
    office.sees("Personne n’attend")
    specialist.opens_from("Vus ?", patient)
    specialist.sees("Rendez-vous confirmé")


def test_an_office_gives_a_slot_from_the_record(person: Callable[..., Person]) -> None:
    _, specialist, patient = sent_request(person)
    specialist.opens_from("À trier", patient)
    specialist.clicks("Accepter")
    office = person("planification-percy")
    office.opens_from("À programmer", patient)
    office.page.get_by_role("link", name=name_of(patient)).click()
    office.clicks("Donner un rendez-vous")
    # The request that is open there is the way to book: the page says so
    office.page.get_by_label("Service").select_option(label=HGE)
    office.clicks("Chercher les places libres")
    office.sees("Une demande est déjà ouverte dans ce service")
    # For another service a slot is given, held, or waited for
    office.page.get_by_label("Service").select_option(label="Dermatologie, HIA Percy")
    office.page.get_by_label("Priorité").first.select_option(label="Standard")
    office.clicks("Chercher les places libres")
    inspect(office, "donner-un-rendez-vous")
    office.clicks("Réserver")
    expect(office.page.get_by_role("alert")).to_contain_text("Places libres")
    office.page.get_by_role("radio").first.check()
    office.clicks("Retenir 10 minutes")
    office.sees("Le créneau est retenu 10 minutes")
    office.clicks("Réserver")
    office.sees("Rendez-vous confirmé")
    inspect(office)
    # It may be moved beyond the first places: from a day that the office chooses
    office.unfolds("Déplacer")
    form = office.page.locator("form", has=office.page.locator('[name="des"]'))
    form.locator('[name="des"]').fill(in_weeks(3))
    form.get_by_role("button").click()
    expect(office.page.locator(".m-choice-group").first).to_contain_text("décembre")
    office.page.locator('input[name="slot"]').first.check()
    office.page.locator('form[action*="/actes/move?des="]').get_by_role("button").click()
    office.sees("décembre 2026")


def test_a_second_request_points_to_the_first(person: Callable[..., Person]) -> None:
    doctor, _, patient = sent_request(person)
    first = doctor.page.url.split("?")[0]
    doctor.begins_request(patient, HGE)
    doctor.sees("Une demande de votre structure est déjà ouverte dans ce service")
    inspect(doctor, "demande-en-double")
    doctor.answers_hge_form()
    doctor.clicks("Vérifier la demande")
    doctor.sees("dites plus bas pourquoi il en faut une autre")
    doctor.clicks("Suivre cette demande")
    assert doctor.page.url == first
