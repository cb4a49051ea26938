"""Given a patient who asked why somebody looked, when the named senior answers, then nothing of it is left to answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests.factories import referrals as make
from tests.journeys.conftest import Running
from tests.journeys.inspection import inspect
from tests.journeys.people import Person, patient_of
from tests.journeys.test_pages_that_follow import elsewhere

from maillage import journeys
from maillage.access.questions import Look
from maillage.kernel.actor import Actor
from maillage.store import Database

pytestmark = pytest.mark.browser
WHO, QUESTION = "Dr Léo Castanier", "Je ne connais pas ce médecin. Pourquoi a-t-il ouvert mon dossier ?"


async def asked(db: Database) -> None:
    id = patient_of(make.CENTRE)["id"]
    patient = Actor("patient", id, (), frozenset({"patient"}), assurance="eidas2", purpose="PATRQT", patient=id)
    async with db.transaction(patient) as tx:
        await journeys.ask_why(tx, Look("a-look", tx.now, make.TRIAGER.id, WHO, make.HOSPITAL), QUESTION)


def test_the_named_senior_answers_a_patient(person: Callable[..., Person], server: Running) -> None:
    elsewhere(server, asked)
    senior = person("referent-hge")
    # Reached from the lists, the question is what it was, with its date
    senior.clicks("Accès à examiner")
    senior.sees("Aucun accès à examiner")
    inspect(senior)
    senior.clicks(WHO)
    senior.sees(QUESTION)
    inspect(senior, "question-d-un-patient")
    # An answer in one word is no answer
    senior.writes("Réponse au patient", "Soins.")
    senior.clicks("Envoyer la réponse")
    expect(senior.page.get_by_role("alert")).to_be_focused()
    inspect(senior)
    senior.writes("Réponse au patient", "Le docteur Castanier a lu la demande de votre médecin pour vous donner un rendez-vous.")
    senior.clicks("Envoyer la réponse")
    senior.sees("La réponse est envoyée au patient.")
    senior.sees("Aucune question")
    inspect(senior)
    assert [text for text in senior.messages if "status of 4" not in text] == []
