"""A patient asks why somebody looked: the house is told, and the patient when the answer is there (workflow rule book 15)."""

from __future__ import annotations

from maillage import messaging
from maillage.access import choices, questions
from maillage.access.questions import FOCUS, Look, Question
from maillage.journeys.emergency import WATCHERS
from maillage.store import Transaction


async def ask_why(tx: Transaction, look: Look, text: str = "") -> Question:
    """Ask, and tell who answers. Raises as the verb of `access` does."""
    made = await questions.ask(tx, look, text)
    await _tell(tx.beyond(), "access-question", made.id, look.organization_id)
    return made


async def answer_why(tx: Transaction, id: str, text: str) -> Question:
    """Answer, and tell the patient that an answer is there: the message says no more. Raises as the verb of `access` does."""
    found = await questions.answer(tx, id, text)
    if not await choices.refuses(tx, found.patient_id, choices.MESSAGES):
        await messaging.tell_patient(tx, "access-answer", focus=(FOCUS, id), patient=found.patient_id)
    return found


async def watch(tx: Transaction) -> None:
    """What the scheduler does: call for the answers that are late."""
    for id, organization in await questions.call_for_answers(tx):
        await _tell(tx, "access-question-late", id, organization, urgent=True)


async def _tell(tx: Transaction, event: str, id: str, organization: str, *, urgent: bool = False) -> None:
    await messaging.notify(tx, event, focus=(FOCUS, id), organizations=[organization], roles=WATCHERS, urgent=urgent)
