"""Who may ask why, and who may answer: pure checks, reasons as codes."""

from __future__ import annotations

from maillage.access.emergency.rules import may_review
from maillage.access.questions.types import LONGEST, SHORTEST_ANSWER, Question
from maillage.access.types import STRONG
from maillage.kernel.actor import Actor
from maillage.kernel.answers import Allowed, Answer, Refused


def may_ask(actor: Actor) -> bool:
    """Whether it is the patient in person, after a strong sign-in: a link alone does not show who looked at the whole record."""
    return actor.kind == "patient" and actor.assurance in STRONG


def check_asking(actor: Actor, text: str) -> Answer:
    """The patient in person, in few words or in none."""
    if not may_ask(actor):
        return Refused("assurance")
    return Refused("question-long") if len(text.strip()) > LONGEST else Allowed()


def check_answering(actor: Actor, question: Question, text: str) -> Answer:
    """Who reviews emergency accesses in that house, never the person who looked; once, and in a sentence."""
    if not may_review(actor):
        return Refused("role")
    if actor.id == question.look.practitioner_id:
        return Refused("own-access")
    if len(text.strip()) < SHORTEST_ANSWER:
        return Refused("answer-short")
    return Refused("answered-already") if question.answer is not None else Allowed()
