"""« Pourquoi ? » : what patients ask about accesses, read and answered by the data protection officer or the named senior of the house."""

from __future__ import annotations

from starlette.responses import Response

from maillage import journeys, record
from maillage.access import questions
from maillage.doors.web.forms import Field, Reader, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound

ANSWER = Field(
    "text",
    "Réponse au patient",
    "textarea",
    True,
    "En mots simples : qui a ouvert le dossier, pour quel soin. Quinze caractères au moins.",
    minlength=questions.SHORTEST_ANSWER,
    maxlength=4000,
)


async def show(view: View) -> Response:
    """One question: about which look, by when; and the answer. The officer answers without seeing the record."""
    found = await questions.question(view.tx, view.path("id"))
    if found is None:
        raise NotFound(questions.FOCUS, view.path("id"))
    await record.audit(view.tx, "R", "Patient", found.patient_id, patient=found.patient_id, verb="access-question", act="audit-read")
    fields = redisplay((ANSWER,), view.rejected)
    return view.page(
        "emergency/templates/question.html",
        "Question d’un patient",
        question=found,
        mine=found.look.practitioner_id == view.actor.id,
        trail=view.actor.is_one_of("dpo"),
        fields=fields,
        errors=summary(view.rejected, fields),
    )


async def answer(view: View) -> Response:
    """Answer, once; the patient is told that an answer is there."""
    reader = Reader(view.values)
    text = reader.read(ANSWER)
    reader.done()
    await journeys.answer_why(view.tx, view.path("id"), text)
    return view.go("/urgences", "answer-why")


PAGES = (
    get("/questions/{id:id}", show, on="AuditEvent", to="verb"),
    post("/questions/{id:id}/reponse", answer, again=show, on="AuditEvent"),
)
