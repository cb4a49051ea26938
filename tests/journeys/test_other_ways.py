"""The other ways of a request: more information, a no and what follows, without JavaScript, by keyboard, and two people at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from tests.journeys.inspection import inspect
from tests.journeys.people import Person, name_of, patient_of

from maillage.kernel.clock import FixedClock

pytestmark = pytest.mark.browser
HGE = "Hépato-gastro-entérologie, HIA Percy"


def sent_request(person: Callable[..., Person], **options: bool) -> tuple[Person, Person, dict[str, object]]:
    """Given a request that a doctor of the centre sent, and the specialist who will triage it."""
    patient = patient_of("cms-clamart-soins")
    doctor = person("medecin-clamart", **options)
    doctor.begins_request(patient, HGE)
    doctor.answers_hge_form()
    doctor.sends()
    doctor.sees("Demande envoyée")
    return doctor, person("hge-percy", **options), patient


def test_a_missing_piece_is_asked_for_and_answered(person: Callable[..., Person]) -> None:
    doctor, specialist, patient = sent_request(person)
    specialist.opens_from("À trier", patient)
    form = specialist.unfolds("Demander un complément")
    form.get_by_label("Éléments demandés").fill("Date de la dernière coloscopie\nHémoglobine")
    form.get_by_role("button").click()
    specialist.sees("Complément demandé")

    doctor.opens_from("À mon tour", patient)
    doctor.clicks("Répondre au complément")
    inspect(doctor, "repondre")
    doctor.clicks("Répondre au complément")
    expect(doctor.page.get_by_role("alert")).to_be_focused()
    inspect(doctor)
    group = doctor.page.get_by_role("group", name="Date de la dernière coloscopie")
    group.get_by_label("Réponse").fill("Mars 2019, normale")
    doctor.page.get_by_role("group", name="Hémoglobine").get_by_role("checkbox").check()
    doctor.clicks("Répondre au complément")
    doctor.sees("Mars 2019, normale")
    doctor.sees("ne peut pas être fourni")
    specialist.opens_from("Compléments reçus", patient)
    specialist.sees("Mars 2019, normale")


def test_a_no_is_explained_and_the_doctor_may_insist_once(person: Callable[..., Person], clock: FixedClock) -> None:
    doctor, specialist, patient = sent_request(person)
    specialist.opens_from("À trier", patient)
    form = specialist.unfolds("Ne pas retenir")
    form.get_by_role("button").click()
    # Lack of capacity is not among the reasons, and a reason and a sentence are asked for
    specialist.sees_title("Ne pas retenir")
    expect(specialist.page.get_by_role("alert")).to_contain_text("Motif")
    inspect(specialist, "ne-pas-retenir")
    specialist.page.get_by_role("group", name="Motif").get_by_role("radio").first.check()
    specialist.page.get_by_label("Commentaire").fill("Pas d'indication endoscopique à ce stade, surveillance clinique.")
    specialist.clicks("Ne pas retenir")
    specialist.sees("Non retenue")

    doctor.opens_from("À mon tour", patient)
    doctor.acts("Je maintiens ma demande", Texte="L'anémie s'aggrave malgré le fer, le patient a 76 ans et maigrit.")
    doctor.sees("Maintenue, avis du référent")
    clock.advance(timedelta(minutes=5))
    senior = person("referent-hge")
    senior.opens_from("Maintenues", patient)
    senior.clicks("Accepter")
    senior.sees("Demande acceptée")


def test_an_unread_request_reached_by_its_address_waits_for_one_gesture(person: Callable[..., Person]) -> None:
    doctor, specialist, _ = sent_request(person)
    specialist.page.goto(doctor.page.url.partition("?")[0])
    specialist.sees("Personne du service n'a encore lu cette demande")
    inspect(specialist, "demande-non-lue")
    specialist.clicks("Lire la demande")
    specialist.sees("La question")
    specialist.sees("Lue")


def test_no_place_is_written_down_and_refuses_nobody(person: Callable[..., Person]) -> None:
    _, specialist, patient = sent_request(person)
    specialist.opens_from("À trier", patient)
    specialist.clicks("Accepter")
    office = person("planification-percy")
    office.opens_from("À programmer", patient)
    form = office.unfolds("Pas de place dans le délai")
    form.get_by_role("radio").first.check()
    form.get_by_role("button").click()
    office.sees("Acceptée, en attente de place")
    office.has_nothing_in("À programmer")


def test_a_cancelled_session_brings_its_patients_back(person: Callable[..., Person]) -> None:
    _, specialist, patient = sent_request(person)
    specialist.opens_from("À trier", patient)
    specialist.clicks("Accepter")
    office = person("planification-percy")
    office.opens_from("À programmer", patient)
    office.clicks("Réserver")
    office.page.get_by_role("radio").first.check()
    office.clicks("Réserver")
    office.goes_to("/vacations")
    office.page.locator(".m-vacation", has_text="Hépato").click()
    office.sees(name_of(patient))
    inspect(office, "vacation")
    form = office.unfolds("Annuler la vacation")
    form.get_by_label("Maladie").or_(form.get_by_role("radio")).first.check()
    form.get_by_role("button").click()
    office.sees("La vacation est annulée")
    office.opens_from("À programmer", patient)
    office.sees("À reprogrammer")


def test_an_office_books_a_bookable_service_at_once(person: Callable[..., Person]) -> None:
    secretary = person("secretaire-clamart")
    secretary.begins_request(patient_of("cms-clamart-soins"), "Dermatologie, HIA Percy")
    secretary.page.get_by_label("Médecin demandeur").select_option(label="Dr Maud Isambert")
    secretary.answers_form("dermatologie")
    secretary.sends()
    secretary.sees("Demande envoyée")
    secretary.clicks("Réserver")
    secretary.page.get_by_role("radio").first.check()
    secretary.clicks("Réserver")
    secretary.sees("Rendez-vous confirmé")
    secretary.sees("Centre municipal de santé de Clamart")


def test_the_loop_needs_no_javascript(person: Callable[..., Person]) -> None:
    _, specialist, patient = sent_request(person, javascript=False)
    specialist.opens_from("À trier", patient)
    specialist.clicks("Accepter")
    specialist.sees("Demande acceptée")


def test_two_people_at_once_lose_nothing(person: Callable[..., Person]) -> None:
    _, specialist, patient = sent_request(person)
    other = person("referent-hge")
    specialist.opens_from("À trier", patient)
    other.page.goto(specialist.page.url)
    other.page.get_by_role("button", name="Mettre en pause").click()  # who lets the page follow sees the other's choice at once
    specialist.clicks("Accepter")
    form = other.unfolds("Ne pas retenir")
    form.get_by_role("radio").first.check()
    form.get_by_label("Commentaire").fill("Indication non retenue après relecture du dossier.")
    form.get_by_role("button").click()
    other.sees_title("La situation a changé")
    other.sees("Indication non retenue après relecture du dossier.")
    inspect(other, "conflit")


def test_a_secretary_sends_by_keyboard_alone(person: Callable[..., Person]) -> None:
    secretary = person("secretaire-clamart")
    secretary.goes_to("/")
    secretary.page.keyboard.press("Tab")
    expect(secretary.page.locator(":focus")).to_have_text("Aller au contenu")
    secretary.page.keyboard.press("Enter")
    secretary.page.keyboard.press("Tab")
    expect(secretary.page.locator(":focus")).to_have_text("Mettre en pause")
    secretary.page.keyboard.press("Tab")
    expect(secretary.page.locator(":focus")).to_have_text("Adresser un patient")
    secretary.page.keyboard.press("Enter")
    secretary.sees_title("Patients")


OTHER_PAGES = {
    "/connexion": "connexion",
    "/accessibilite": "",
    "/licences": "",
    "/components": "",
    "/services": "services",
    "/services/percy-hge": "",
    "/territoire": "",
    "/patients/nouveau": "nouveau-patient",
    "/listes/sent-by-us": "",
    "/nulle-part": "",
}


def test_every_other_page_is_sound(person: Callable[..., Person]) -> None:
    reader = person("secretaire-clamart")
    for path, name in OTHER_PAGES.items():
        reader.goes_to(path)
        inspect(reader, name)


def test_a_search_without_enough_traits_says_what_to_give(person: Callable[..., Person]) -> None:
    reader = person("secretaire-clamart")
    reader.goes_to("/patients")
    reader.writes("Nom de naissance", "Poirot")
    reader.clicks("Chercher")
    expect(reader.page.get_by_role("alert")).to_be_focused()
    inspect(reader, "recherche-refusee")
