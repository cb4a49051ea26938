"""Each verb of a request that asks something: refused with a bad answer, by who may do it, in a state that calls for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

import pytest
from tests.factories import referrals as make
from tests.support.form_pages import Answers
from tests.support.known_patients import known_patients
from tests.support.refusals import Refused, all_refused

from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = known_patients
pytestmark = pytest.mark.asyncio
ROUTES = ("/demandes/{id:id}/actes/{verb:id}",)
DOCTOR, DESK, TRIAGER, PLANNER = "medecin-clamart", "secretaire-clamart", "hge-percy", "planification-percy"
SAID = "Un mot que l’on garde."


@dataclass(frozen=True, slots=True)
class Verb:
    """In which state, by whom, with what answers, refused at which fields."""

    state: str
    who: str
    answers: Answers
    at: tuple[str, ...]


VERBS = {
    "ask-info": Verb("opened", TRIAGER, {"items": "", "comment": SAID}, ("items",)),
    "answer-info": Verb(
        "info-requested", DOCTOR, {"answers-1-answer": "70 kg", "answers-2-answer": "", "comment": SAID}, ("answers-2-answer",)
    ),
    "accept": Verb("opened", TRIAGER, {"priority": "urgent", "comment": SAID}, ("reason",)),
    "advise": Verb("opened", TRIAGER, {"text": "", "recommendation": "refer-if", "due": "2026-12-24"}, ("text",)),
    "redirect": Verb("opened", TRIAGER, {"service": make.OTHER_SERVICE, "comment": SAID}, ("reason",)),
    "decline": Verb("opened", TRIAGER, {"reason": "no-indication", "comment": ""}, ("comment",)),
    "no-place": Verb("to-book", PLANNER, {"reason": (), "comment": SAID}, ("reason",)),
    "offer": Verb("to-book", PLANNER, {"slot": (), "contact": SAID}, ("slot",)),
    "book": Verb("to-book", PLANNER, {"slot": (), "contact": SAID}, ("slot",)),
    "reschedule": Verb("booked", PLANNER, {"slot": (), "comment": SAID}, ("slot",)),
    "cancel-appointment": Verb("booked", PLANNER, {"side": "hospital", "comment": SAID}, ("reason",)),
    "mark-not-attended": Verb("booked", PLANNER, {"reason": "inconnu", "comment": SAID}, ("reason",)),
    "return-after-absence": Verb("not-attended", TRIAGER, {"contacts": "deux", "comment": SAID}, ("contacts",)),
    "mark-seen": Verb("booked", TRIAGER, {"start-jour": "2026-02-30", "start-heure": "14:00"}, ("start",)),
    "send-outcome": Verb("seen", TRIAGER, {"text": "", "recommendations-1-text": SAID}, ("text",)),
    "acknowledge": Verb("letter-sent", DOCTOR, {"comment": SAID}, ("follow-ups-1-decision",)),
    "dispute": Verb("letter-sent", DOCTOR, {"reason": (), "comment": SAID}, ("reason",)),
    "withdraw": Verb("sent", DOCTOR, {"reason": (), "comment": SAID}, ("reason",)),
    "request-cancellation": Verb("booked", DOCTOR, {"reason": (), "comment": SAID}, ("reason",)),
    "confirm-cancellation": Verb("cancellation-requested", PLANNER, {"comment": "Trop long. " * 1000}, ("comment",)),
    "decide-next": Verb("declined", DOCTOR, {"reason": (), "comment": SAID}, ("reason",)),
    "send-elsewhere": Verb("declined", DOCTOR, {"service": (), "reason": "too-late", "comment": SAID}, ("service",)),
    "insist": Verb("declined", DOCTOR, {"text": "Court."}, ("text",)),
    "change-priority": Verb("sent", DOCTOR, {"priority": "urgent", "reason": (), "comment": SAID}, ("reason",)),
    "declare-unavailable": Verb(
        "to-book", DESK, {"start-jour": "2026-12-10", "start-heure": "08:00", "end-jour": "2026-12-01", "end-heure": "08:00"}, ("start",)
    ),
    "enter-in-error": Verb("sent", DOCTOR, {"reason": (), "comment": SAID}, ("reason",)),
}


OWN_PAGE = frozenset({"answer-info", "offer", "book", "reschedule", "send-outcome", "acknowledge"})
LATE = ("not-attended", "seen", "letter-sent")
"""States that only time brings: reached last."""
LETTER = [{"text": "Coloscopie", "owner": "requester", "due": make.SLOT["end"] + timedelta(days=90)}]


async def test_a_verb_of_a_request_is_refused_beside_its_fields(db: Database, clock: FixedClock) -> None:
    tasks, wrong = dict[str, str](), dict[str, list[str]]()
    for state, rows in groupby(sorted(VERBS.items(), key=lambda item: (item[1].state in LATE, item[1].state)), lambda item: item[1].state):
        more = {"recommendations": LETTER} if state == "letter-sent" else {}
        task = await make.reach(db, clock, state, patient=len(tasks), **more)
        tasks[state] = task
        wrong |= await all_refused(db, [(row.who, _asked(task, verb, row)) for verb, row in rows])
    assert wrong == {}


def _asked(task: str, verb: str, row: Verb) -> Refused:
    page = f"/demandes/{task}"
    action = f"{page}/actes/{verb}"
    return Refused(action if verb in OWN_PAGE else page, action, row.answers, row.at)
