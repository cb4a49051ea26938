"""The whole loop, by hand: from the doctor of the centre to the hospital, to the session held in the centre, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.journeys.inspection import inspect, picture
from tests.journeys.people import Person, patient_of

from maillage.kernel.clock import FixedClock

pytestmark = pytest.mark.browser
HGE = "Hépato-gastro-entérologie, HIA Percy"
LETTER = "Coloscopie à prévoir. Arrêt des anti-inflammatoires. Fer par voie orale pendant trois mois."


Everybody = Callable[..., Person]
Patient = dict[str, Any]


def test_a_referral_goes_to_the_hospital_and_back(person: Everybody, clock: FixedClock) -> None:
    patient = patient_of("cms-clamart-soins")
    the_doctor_asks(person, patient)
    clock.advance(timedelta(hours=2))
    the_specialist_triages(person, patient)
    the_office_books(person, patient)
    clock.advance(timedelta(days=3))
    the_patient_comes(person)
    clock.advance(timedelta(hours=3))
    the_specialist_writes_back(person, patient)
    the_doctor_acknowledges(person, patient)


def the_doctor_asks(person: Everybody, patient: Patient) -> None:
    """Given a doctor of the centre with a patient in front of her."""
    doctor = person("medecin-clamart")
    inspect(doctor)
    doctor.finds(patient)
    inspect(doctor)
    doctor.begins_request(patient, HGE)
    inspect(doctor, "demande-formulaire")
    # When she forgets an answer, the page says which, and nothing written is lost
    doctor.clicks("Vérifier la demande")
    doctor.sees("réponses manquent")
    inspect(doctor, "demande-manque")
    doctor.clicks("Reprendre le formulaire")
    doctor.answers_hge_form()
    doctor.clicks("Garder le brouillon")
    doctor.sees("Brouillon enregistré.")
    doctor.clicks("Vérifier la demande")
    inspect(doctor, "demande-verifier")
    doctor.clicks("Envoyer la demande")
    doctor.sees("Vérifiez les cinq traits d'identité")
    inspect(doctor)
    doctor.ticks("J'ai vérifié ces cinq traits")
    doctor.ticks("Le patient est informé")
    doctor.clicks("Envoyer la demande")
    # Then the request is with the service
    doctor.sees("Demande envoyée")
    doctor.sees("Au service")


def the_specialist_triages(person: Everybody, patient: Patient) -> None:
    """When the specialist triages the request."""
    specialist = person("hge-percy")
    inspect(specialist)
    specialist.opens_from("À trier", patient)
    specialist.sees("Lue")
    inspect(specialist, "fil-tri")
    picture(specialist, "fil-tri-320", 320)
    specialist.clicks("Accepter")
    specialist.sees("Demande acceptée")


def the_office_books(person: Everybody, patient: Patient) -> None:
    """And the office books the first place at the centre."""
    office = person("planification-percy")
    office.opens_from("À programmer", patient)
    office.clicks("Réserver")
    inspect(office, "reserver")
    office.page.get_by_role("radio").first.check()
    office.clicks("Réserver")
    office.sees("Rendez-vous confirmé")
    office.sees("Centre municipal de santé de Clamart")


def the_patient_comes(person: Everybody) -> None:
    """And the patient comes on the day."""
    desk = person("secretaire-clamart")
    desk.goes_to("/vacations")
    inspect(desk)
    desk.goes_to("/accueil")
    inspect(desk)
    desk.clicks("Accueillir")
    inspect(desk)
    form = desk.unfolds("Noter l'arrivée")
    form.get_by_role("checkbox").check()
    form.get_by_role("button").click()
    desk.sees("Arrivée enregistrée")


def the_specialist_writes_back(person: Everybody, patient: Patient) -> None:
    """And the specialist sees the patient and writes back."""
    specialist = person("hge-percy")
    specialist.opens_from("Vus ?", patient)
    specialist.clicks("Patient vu")
    specialist.sees("Vu, compte rendu attendu")
    specialist.clicks("Envoyer le compte rendu")
    inspect(specialist, "compte-rendu")
    specialist.writes("Lettre", LETTER)
    follow_up = specialist.page.get_by_role("group", name="Suite 1")
    follow_up.get_by_label("Ce qui est à faire").fill("Contrôler l'hémoglobine")
    follow_up.get_by_label("Échéance").fill("2027-02-15")
    follow_up.get_by_label("Le médecin demandeur").check()
    specialist.clicks("Envoyer le compte rendu")
    specialist.sees("Compte rendu envoyé")


def the_doctor_acknowledges(person: Everybody, patient: Patient) -> None:
    """Then the doctor reads the letter, takes its follow-up, and the loop is closed."""
    doctor = person("medecin-clamart")
    doctor.opens_from("Comptes rendus à lire", patient)
    doctor.sees(LETTER)
    inspect(doctor, "fil-compte-rendu")
    doctor.clicks("Accuser réception et clôturer")
    inspect(doctor, "accuser-reception")
    doctor.page.get_by_role("group", name="Contrôler").get_by_label("Je prends").check()
    doctor.clicks("Accuser réception et clôturer")
    doctor.sees("La boucle est fermée")
    doctor.sees("Terminée")
    inspect(doctor, "fil-clos")
