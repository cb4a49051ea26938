"""The verbs of a question: ask why somebody looked, answer, and call for an answer that is late."""

from __future__ import annotations

from typing import NoReturn

from maillage import record
from maillage.access.questions import queries, rules
from maillage.access.questions.types import ANSWER_WITHIN, Look, Question
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.kernel.ids import new_id
from maillage.store import Transaction, register

register("access_question_once", lambda: Conflict("asked-already"))
register("access_answer_pkey", lambda: Conflict("answered-already"))

_ASK = """INSERT INTO access_question (id, patient_id, look_id, looked_at, practitioner_id, display, organization_id, text, asked_at, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
_OF_THE_FORM = frozenset({"question-long", "answer-short"})


async def ask(tx: Transaction, look: Look, text: str = "") -> Question:
    """Ask why. What a patient decides is written by the server. Raises `NotAllowed("assurance")`, `Invalid`, `Conflict("asked-already")`."""
    answer = rules.check_asking(tx.actor, text)
    if isinstance(answer, Refused):
        _refuse(answer)
    made = Question(new_id(), tx.actor.id, look, text.strip(), tx.now, tx.now + ANSWER_WITHIN)
    about = (look.id, look.at, look.practitioner_id, look.display, look.organization_id)
    await tx.beyond().execute(_ASK, made.id, made.patient_id, *about, made.text, made.asked_at, made.due_at)
    await record.audit(tx, "E", "Patient", made.patient_id, patient=made.patient_id, verb="ask-why")
    return made


async def answer(tx: Transaction, id: str, text: str) -> Question:
    """Answer, once. Raises `NotFound` beyond the actor's organisations, `NotAllowed`, `Invalid`, `Conflict("answered-already")`."""
    found = await queries.question(tx, id)
    if found is None:
        raise NotFound("AccessQuestion", id)
    checked = rules.check_answering(tx.actor, found, text)
    if isinstance(checked, Refused):
        _refuse(checked)
    await tx.execute(
        "INSERT INTO access_answer (question_id, patient_id, text, at, answered_by, owner_org, parties) VALUES ($1, $2, $3, $4, $5, $6, ARRAY[$6])",
        *(id, found.patient_id, text.strip(), tx.now, tx.actor.role_id or tx.actor.id, found.look.organization_id),
    )
    await record.audit(tx, "E", "Patient", found.patient_id, patient=found.patient_id, verb="answer-why")
    return found


def _refuse(answer: Refused) -> NoReturn:
    if answer.reason == "answered-already":
        raise Conflict(answer.reason)
    if answer.reason in _OF_THE_FORM:
        raise Invalid.one(answer.reason, "text")
    raise NotAllowed(answer.reason)


async def call_for_answers(tx: Transaction) -> list[tuple[str, str]]:
    """The questions whose answer is late, each told once: (id, organisation)."""
    rows = await tx.fetch(
        """
        UPDATE access_question q SET called_at = $1 WHERE q.due_at <= $1 AND q.called_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM access_answer a WHERE a.question_id = q.id) RETURNING q.id, q.organization_id
        """,
        tx.now,
    )
    return sorted((row["id"], row["organization_id"]) for row in rows)
