"""Each form with which a request is made, sent and followed, refused with a bad answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.doors.test_patient_rights import in_front, no_news
from tests.doors.test_web_shared import shared, there
from tests.factories import booking as diary
from tests.factories import referrals as make
from tests.support.known_patients import known_patients
from tests.support.refusals import Refused, all_refused

from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = known_patients
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
ROUTES = (
    "/demandes/nouvelle",
    "/demandes/{id:id}/remplir",
    "/demandes/{id:id}/envoyer",
    "/demandes/{id:id}/suites/{child:id}/{verb:id}",
)
DOCTOR, DESK, PLANNER = "medecin-clamart", "secretaire-clamart", "planification-percy"
SAID = "Un mot que l’on garde."


async def test_the_forms_of_a_new_request_and_of_its_sending(db: Database) -> None:
    patient = (await diary.patients(db, 3))[2]
    [draft], [whole] = await make.draft(db), await make.draft(db, patient=1)
    new, page, ready = f"/demandes/nouvelle?patient={patient}&service={make.SERVICE}", f"/demandes/{draft}", f"/demandes/{whole}"
    short = {"fit-date": "31/02/2026", "question": make.TEXT, "priority": "urgent", "then": "check"}
    rows = [
        (
            DESK,
            Refused(
                new, "/demandes/nouvelle", {"requester": "", "question": make.TEXT, "priority": "urgent", "then": "save"}, ("requester",)
            ),
        ),
        (DOCTOR, Refused(f"{page}/remplir", f"{page}/remplir", short, ("fit-date",))),
        (
            DOCTOR,
            Refused(
                f"{ready}/verifier", f"{ready}/envoyer", {"identity-confirmed": (), "patient-informed": "true"}, ("identity-confirmed",)
            ),
        ),
        (
            DOCTOR,
            Refused(f"{ready}/verifier", f"{ready}/envoyer", {"identity-confirmed": "true", "patient-informed": ()}, ("patient-informed",)),
        ),
    ]
    assert await all_refused(db, rows) == {}


FOLLOW_UPS, ELSEWHERE = ("give-news", "hand-back", "done"), ("book", "refuse-offer")
"""The verbs of follow-ups that ask something; those with which the offer of a diary elsewhere is answered."""


async def test_the_forms_of_follow_ups(db: Database, clock: FixedClock) -> None:
    waits = await make.to_book(db, patient=1)
    async with in_front(db, waits) as holder:
        await holder.acts("/sans-nouvelles")
    news = (await no_news(db, waits))["id"]
    due = [{"text": "Coloscopie", "owner": "requester", "due": make.SLOT["end"] + timedelta(days=90)}]
    task = await make.letter_sent(db, clock, recommendations=due)
    [child] = await make.children(db, task, "follow-up")
    page, follow = f"/demandes/{task}", f"/demandes/{task}/suites/{child['id']}"
    rows = [
        (PLANNER, Refused(f"/demandes/{waits}", f"/demandes/{waits}/suites/{news}/give-news", {"comment": "  "}, ("comment",))),
        (DOCTOR, Refused(page, f"{follow}/hand-back", {"comment": ""}, ("comment",))),
        (DOCTOR, Refused(page, f"{follow}/done", {"outcome": "inconnu", "comment": SAID}, ("outcome",))),
        (DOCTOR, Refused(f"{page}/actes/acknowledge", f"{page}/actes/acknowledge",
                         {"follow-ups-1-decision": "hand-back", "follow-ups-1-comment": "", "comment": SAID}, ("follow-ups-1-comment",))),
    ]  # fmt: skip
    assert await all_refused(db, rows) == {}


async def test_the_answers_to_an_offer_of_a_diary_elsewhere(db: Database) -> None:
    task = await shared(db)
    await there(db, "accept", task)
    await there(db, "offer", task, appointment_id="there-1", **make.SLOT)
    page = f"/demandes/{task}"
    rows = [
        (DESK, Refused(f"{page}/actes/book", f"{page}/actes/book", {"contact": ""}, ("contact",))),
        (DESK, Refused(page, f"{page}/actes/refuse-offer", {"reason": "too-far", "comment": SAID, "contact": ""}, ("contact",))),
    ]
    assert await all_refused(db, rows) == {}
