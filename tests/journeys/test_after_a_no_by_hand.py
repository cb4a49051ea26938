"""What a city doctor does after a no, or after a letter that answers nothing: the same request to another service, or what is missing said to the first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests.factories import referrals as make
from tests.journeys.conftest import Running
from tests.journeys.inspection import inspect
from tests.journeys.people import Person, patient_of
from tests.journeys.test_gestures import Hand
from tests.journeys.test_pages_that_follow import elsewhere, send

from maillage import referrals
from maillage.doors.web.typography import french
from maillage.store import Database

pytestmark = pytest.mark.browser
CLINIC, WHY, LETTER = "Médecine interne, HIA Percy", "Pas d’indication d’endoscopie à ce stade.", "Vu ce jour. Merci de votre confiance."
MOST = 5
"""Gestures from the list to the request that is sent: to choose anew costs less than to compose, and nothing is typed twice."""


async def declined(db: Database) -> str:
    """A request that the specialist read and declined."""
    task = await send(db)
    await make.act(db, make.TRIAGER, referrals.open_, task)
    await make.act(db, make.TRIAGER, referrals.decline, task, reason="no-indication", comment=WHY)
    return task


async def answered(db: Database) -> str:
    """A request whose patient was seen today, with a letter that concludes nothing."""
    task = await send(db)
    await make.act(db, make.TRIAGER, referrals.open_, task)
    await make.act(db, make.TRIAGER, referrals.accept, task)
    await make.act(db, make.TRIAGER, referrals.mark_seen, task, start=db.clock.now())
    await make.act(db, make.TRIAGER, referrals.send_outcome, task, text=LETTER)
    return task


def test_a_doctor_sends_to_another_service_what_was_declined(person: Callable[..., Person], server: Running) -> None:
    # Given a request that the hospital declined
    task, patient = elsewhere(server, declined), patient_of("cms-clamart-soins")
    doctor = person("medecin-clamart")
    doctor.goes_to("/")
    hand, page = Hand(doctor), doctor.page
    # When the doctor reads why, and first forgets to say to whom
    hand.clicks(page.get_by_role("region", name="À mon tour").get_by_role("link").first)
    doctor.sees(WHY)
    form = doctor.unfolds("Adresser ailleurs")
    form.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_focused()
    inspect(doctor)
    # Then in a few gestures the same request goes to the service that she chooses
    doctor.goes_to(f"/demandes/{task}")
    hand.clicks(page.locator("summary", has_text=french("Adresser ailleurs")))
    form = page.locator("details[open]", has=page.locator("summary", has_text=french("Adresser ailleurs")))
    hand.clicks(form.locator("label", has_text=CLINIC))
    hand.clicks(form.get_by_text("Autre spécialité souhaitée", exact=True))
    hand.clicks(form.get_by_role("button"))
    doctor.sees("Demande envoyée à l'autre service.")
    doctor.sees_title(CLINIC)
    doctor.sees(make.TEXT)
    assert hand.gestures <= MOST
    inspect(doctor)
    # And it is with the other service, while the first one is closed
    other = person("medecine-interne-percy")
    other.opens_from("À trier", patient)
    other.sees(make.TEXT)
    doctor.goes_to(f"/demandes/{task}")
    doctor.sees("Cette demande est close.")


def test_a_doctor_says_what_a_letter_lacks(person: Callable[..., Person], server: Running) -> None:
    # Given a letter that concludes nothing
    elsewhere(server, answered)
    patient = patient_of("cms-clamart-soins")
    doctor = person("medecin-clamart")
    doctor.opens_from("Comptes rendus à lire", patient)
    doctor.sees(LETTER)
    # When the doctor says that the conclusion is missing
    hand = Hand(doctor)
    hand.clicks(doctor.page.locator("summary", has_text="Il me manque"))
    form = doctor.page.locator("details[open]", has=doctor.page.locator("summary", has_text="Il me manque"))
    hand.clicks(form.get_by_text("Pas de conclusion", exact=True))
    hand.fills(form.get_by_label("Commentaire", exact=False).first, "Faut-il poursuivre le fer ?")
    hand.clicks(form.get_by_role("button"))
    doctor.sees("Question envoyée au service. Le compte rendu est à compléter.")
    assert hand.gestures <= 3
    inspect(doctor)
    # Then the specialist owes a letter again, and reads what it lacks
    specialist = person("hge-percy")
    specialist.opens_from("Comptes rendus dus", patient)
    specialist.sees("Faut-il poursuivre le fer ?")
    specialist.clicks("Envoyer le compte rendu")
    specialist.writes("Lettre", "Conclusion : poursuivre le fer trois mois.")
    specialist.clicks("Envoyer le compte rendu")
    specialist.sees("Compte rendu envoyé")
    # And the doctor reads the letter that answers
    doctor.opens_from("Comptes rendus à lire", patient)
    doctor.sees("Conclusion : poursuivre le fer trois mois.")
