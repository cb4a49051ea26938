"""A doctor opens a record in an emergency: one visible step away, said to be traced, told to who has to know, and reviewed by somebody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from tests.journeys.inspection import inspect
from tests.journeys.people import Person, name_of, patient_of

from maillage.doors.web.typography import french
from maillage.kernel.clock import FixedClock

pytestmark = pytest.mark.browser
WHY = "Malaise sur la voie publique, traitement inconnu."


def looks_for_a_stranger(doctor: Person) -> None:
    """By the strict traits, a record exists that the hospital may not see: nothing of it is shown but the way in."""
    patient = patient_of("cds-montgeron")
    doctor.goes_to("/patients")
    doctor.writes("Nom de naissance", patient["name"][0]["family"])
    doctor.writes("Premier prénom", patient["name"][0]["given"][0])
    doctor.writes("Date de naissance", patient["birthDate"])
    doctor.clicks("Chercher")
    doctor.sees("Un dossier existe, votre structure n’y a pas accès")
    expect(doctor.page.get_by_role("link", name=name_of(patient))).to_have_count(0)
    inspect(doctor, "acces-d-urgence-propose")


def test_a_record_is_opened_in_an_emergency_and_reviewed(person: Callable[..., Person], clock: FixedClock) -> None:
    doctor, senior = person("hge-percy"), person("referent-hge")
    looks_for_a_stranger(doctor)
    doctor.clicks("Accès d’urgence")
    doctor.sees_title("Accès d’urgence")
    # A reason and a sentence are asked for, and nothing is chosen beforehand
    expect(doctor.page.locator("input:checked")).to_have_count(0)
    doctor.page.locator("main form").get_by_role("button").click()
    expect(doctor.page.get_by_role("alert")).to_be_focused()
    inspect(doctor, "acces-d-urgence")
    doctor.page.get_by_role("group", name="Motif").get_by_role("radio").first.check()
    doctor.writes("Expliquez en quelques mots", WHY)
    doctor.page.locator("main form").get_by_role("button").click()
    # Then the record is open, and each of its pages says how
    doctor.sees_title("Dossier du patient")
    expect(doctor.page.get_by_role("note").filter(has_text=french("Chaque consultation est tracée"))).to_be_visible()
    inspect(doctor, "dossier-ouvert-en-urgence")
    # The senior was told, and says whether it was right; the doctor cannot
    clock.advance(timedelta(minutes=1))
    senior.sign_in()
    senior.page.locator('form[action^="/notifications/BreakGlass/"]').get_by_role("button").first.click()
    senior.sees(WHY)
    inspect(senior, "examen-d-un-acces")
    senior.page.get_by_role("group", name="Conclusion").get_by_role("radio").first.check()
    senior.page.locator("main form").get_by_role("button").click()
    senior.sees("Aucun accès à examiner")
    # Who reviews finds the way there from the patients, nobody else does
    senior.goes_to("/patients")
    senior.clicks("Accès à examiner")
    senior.sees_title("Accès à examiner")
    doctor.goes_to("/patients")
    expect(doctor.page.locator('a[href="/urgences"]')).to_have_count(0)
    doctor.goes_to("/urgences")
    expect(doctor.page.get_by_role("heading", level=1)).not_to_have_text(french("Accès à examiner"))
