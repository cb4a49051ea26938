"""« Demander pourquoi » : after a strong sign-in a patient asks why somebody looked, and reads the answer beside the look."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from maillage import journeys, record
from maillage.access import questions
from maillage.access.questions import Look, Question
from maillage.doors.web import places
from maillage.doors.web.forms import Field, Reader, redisplay, summary
from maillage.doors.web.pages import OWN, get, post
from maillage.doors.web.patients.accesses import Access, accesses
from maillage.doors.web.tracker.pages import csrf_of, own_page
from maillage.doors.web.view import View
from maillage.kernel.errors import NotAllowed, NotFound

MOST = 100
TEXT = Field("text", "Votre question", "textarea", False, "Vous pouvez laisser vide.", rows=3, maxlength=questions.LONGEST, marked=False)


async def looks(view: View) -> tuple[list[Access], bool]:
    """Everybody who looked at what the page is about, the newest first, and whether there are more: that they were read is written down."""
    await record.audit(view.tx, "R", "Patient", view.actor.id, patient=view.actor.id, verb="accesses", act="audit-read")
    async with view.door.trail.transaction(view.actor, request_id=view.tx.request_id, lazy=True, origin=view.tx.origin) as reading:
        found = await record.accesses(reading, view.actor, view.actor.id, limit=MOST)
    rows = [row for row in found.rows if row["actor_kind"] in ("person", "client")]
    return accesses(rows, await places.organizations(view.tx)), found.position is not None


async def asked(view: View) -> dict[str, tuple[Question, str]]:
    """The questions of the patient and the houses that were asked, by the look that each is about."""
    found = await questions.own(view.tx)
    houses = await places.organizations(view.tx) if found else {}
    return {one.look.id: (one, houses[one.look.organization_id].label) for one in found}


async def _look(view: View) -> Access:
    """The look that the address names, among those that the patient is told of, by somebody of a house that can answer."""
    if not questions.may_ask(view.actor):
        raise NotAllowed("assurance")
    found, _ = await looks(view)
    one = next((look for look in found if look.id == view.path("look")), None)
    if one is None or not one.house:
        raise NotFound("AuditEvent", view.path("look"))
    return one


async def show(view: View) -> Response:
    """Who looked, and one question that may stay empty."""
    look = await _look(view)
    fields = redisplay((TEXT,), view.rejected)
    return view.page(
        "tracker/templates/ask_why.html",
        "Demander pourquoi",
        own_page=own_page(view),
        csrf=csrf_of(view),
        look=look,
        fields=fields,
        problems=summary(view.rejected, fields),
    )


async def ask(view: View) -> Response:
    """Ask; the house has thirty days."""
    look = await _look(view)
    reader = Reader(view.values)
    text = reader.read(TEXT)
    reader.done()
    await journeys.ask_why(view.tx, Look(look.id, look.at, look.actor, look.who, look.house), text or "")
    return view.go(f"{own_page(view)}/acces", "ask-why")


PAGES = tuple(
    replace(page, patient=True)
    for page in (
        get("/suivi/{visit:id}/acces/{look:id}", show, on="AuditEvent"),
        post("/suivi/{visit:id}/acces/{look:id}", ask, again=show, on=OWN),
    )
)
