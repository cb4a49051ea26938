"""« Accès d'urgence »: open one record in an emergency, and review what was opened (CSP L1111-17)."""

from __future__ import annotations

from starlette.responses import Response

from maillage import directory, journeys
from maillage.access import emergency, questions
from maillage.access.policy import may_break_the_glass
from maillage.doors.edge import Lane, Limit
from maillage.doors.web.catalogue import word
from maillage.doors.web.forms import Choice, Field, Reader, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound

EXPLANATION = Field(
    "explanation", "Expliquez en quelques mots", "textarea", True, "Quinze caractères au moins. Sera lu lors de l’examen.", minlength=15
)


def _opening() -> tuple[Field, ...]:
    reasons = tuple(Choice(code, word("emergency-reason", code)) for code in emergency.REASONS)
    return Field("reason", "Motif", "radio", True, choices=reasons), EXPLANATION


def _review() -> tuple[Field, ...]:
    decisions = tuple(Choice(code, word("review", code)) for code in emergency.DECISIONS)
    return Field("decision", "Conclusion", "radio", True, choices=decisions), Field("comment", "Remarque", "textarea", rows=3)


async def show_opening(view: View) -> Response:
    """The form of an emergency access; for anybody else there is no such page. A factor must have been shown lately."""
    if not may_break_the_glass(view.actor):
        raise NotFound("Patient", view.path("id"))
    view.require_fresh()
    fields = redisplay(_opening(), view.rejected)
    return view.page(
        "emergency/templates/open.html", "Accès d’urgence", patient_id=view.path("id"), fields=fields, errors=summary(view.rejected, fields)
    )


async def open_record(view: View) -> Response:
    """Break the glass, then show the record."""
    if not may_break_the_glass(view.actor):
        raise NotFound("Patient", view.path("id"))
    view.require_fresh()
    reader = Reader(view.values)
    given = {field.name: reader.read(field) for field in _opening()}
    reader.done()
    patient = view.path("id")
    await journeys.break_glass(view.tx, patient, reason=given["reason"], explanation=given["explanation"])
    return view.go(f"/patients/{patient}", "break-glass")


async def show_queue(view: View) -> Response:
    """What awaits a review in this organisation, and what patients ask, the first due first."""
    found = await emergency.to_review(view.tx)
    return view.page(
        "emergency/templates/queue.html",
        "Accès à examiner",
        glasses=[(one, await _who(view, one)) for one in found],
        questions=await questions.to_answer(view.tx),
    )


async def _who(view: View, glass: emergency.Glass) -> str:
    roles = await directory.roles_of(view.tx, glass.practitioner_id)
    return next((role.display for role in roles if role.id == glass.role_id), roles[0].display if roles else glass.practitioner_id)


async def show_review(view: View) -> Response:
    """One access: who, when, why; and what the reviewer says."""
    found = await emergency.glass(view.tx, view.path("id"))
    if found is None:
        raise NotFound("BreakGlass", view.path("id"))
    fields = redisplay(_review(), view.rejected)
    return view.page(
        "emergency/templates/review.html",
        "Examen d’un accès d’urgence",
        glass=found,
        who=await _who(view, found),
        mine=found.practitioner_id == view.actor.id,
        fields=fields,
        errors=summary(view.rejected, fields),
    )


async def review(view: View) -> Response:
    """Record the conclusion."""
    reader = Reader(view.values)
    given = {field.name: reader.read(field) for field in _review()}
    reader.done()
    await emergency.review(view.tx, view.path("id"), decision=given["decision"], comment=given["comment"] or "")
    return view.go("/urgences", "review")


PAGES = (
    get("/patients/{id:id}/urgence", show_opening, on="Patient", lane=Lane.EMERGENCY),
    post("/patients/{id:id}/urgence", open_record, again=show_opening, on="Patient", lane=Lane.EMERGENCY, limit=Limit.BREAK_GLASS),
    get("/urgences", show_queue, on="AuditEvent", to="verb"),
    get("/urgences/{id:id}", show_review, on="AuditEvent", to="verb"),
    post("/urgences/{id:id}/revue", review, again=show_review, on="AuditEvent"),
)
