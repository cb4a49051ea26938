"""What a patient reads after a strong sign-in: the documents, one by one, each look written down first; and how to end the sign-in for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from starlette.responses import Response

from maillage import documents, record
from maillage.access import patient_binding, patient_link, visible_to
from maillage.access.identity import spend
from maillage.access.types import STRONG
from maillage.doors.web import places, sessions, visits
from maillage.doors.web.own_record import presenters
from maillage.doors.web.pages import Page, get, post
from maillage.doors.web.referrals.files import disposition
from maillage.doors.web.view import View
from maillage.kernel.errors import NotAllowed, NotFound
from maillage.kernel.ids import new_id

MOST = 200
PURPOSE = "own-document-link"
KIND = "DocumentReference"


def is_signed_in(view: View) -> bool:
    """Whether the page stands on a strong sign-in, not on a link alone."""
    return view.session is not None and view.session.assurance in STRONG


def require_signed_in(view: View) -> None:
    """Raise `NotAllowed("assurance")` behind a link alone: it opens no document."""
    if not is_signed_in(view):
        raise NotAllowed("assurance")


def home(view: View) -> str:
    """The address of the page."""
    return f"/suivi/{view.path('visit')}"


async def show(view: View) -> Response:
    """The documents, the newest first; behind a link alone, the way to sign in, or that there is none here."""
    if not is_signed_in(view):
        provider = view.door.patient_provider is not None
        return view.page(
            "own_record/templates/needed.html", "Mes documents", own_page=home(view), provider=provider, visit=view.path("visit")
        )
    asked = record.Asked(view.actor.id, [KIND], limit=MOST)
    found = await record.of_patient(view.tx, asked, lambda kind: visible_to(view.actor, kind, view.tx.now))
    await record.audit(view.tx, "R", KIND, patient=view.actor.id, verb="read")
    papers = presenters.papers(found, await places.organizations(view.tx))
    csrf = view.session.csrf if view.session else ""
    return view.page(
        "own_record/templates/record.html", "Mon dossier", own_page=home(view), papers=papers, cut=len(found) == MOST, csrf=csrf
    )


async def _paper(view: View) -> presenters.Paper:
    """One document, through both walls; what is held back, another patient's or gone is absent alike."""
    require_signed_in(view)
    id = view.path("document")
    found = await record.read(view.tx, KIND, id, visible_to(view.actor, KIND, view.tx.now))
    paper = next(iter(presenters.papers([found], await places.organizations(view.tx))), None)
    if paper is None:
        raise NotFound(KIND, id)
    return paper


async def read(view: View) -> Response:
    """A letter as text on the page; of anything else what it is, and the way to its file."""
    paper = await _paper(view)
    await record.audit(view.tx, "R", KIND, paper.id, patient=view.actor.id, verb="read")
    return view.page("own_record/templates/paper.html", "Un document", own_page=home(view), paper=paper)


async def link(view: View) -> Response:
    """On to the file, by an address that is good once, for this page, for a minute."""
    paper = await _paper(view)
    seconds = timedelta(seconds=view.door.settings.documents.link_seconds)
    token = view.door.sealer.pack([view.path("visit"), paper.id, new_id()], PURPOSE, view.tx.now + seconds)
    return view.go(f"/mes-documents/{token}")


async def serve(view: View) -> Response:
    """The bytes: the link is used up, its page still open, its patient still sees the document, and the look is written down, all or nothing.

    Whatever fails is answered alike: no such page.
    """
    token = view.path("token")
    visit_id, id, _ = view.door.sealer.unpack(token, PURPOSE, view.tx.now)
    visit = await patient_link.visit_of_id(view.tx, visit_id)
    if visit is None or visit.assurance not in STRONG:
        raise NotFound(KIND, id)
    await spend(view.tx, token.encode(), timedelta(seconds=view.door.settings.documents.link_seconds))
    tx = view.tx.acting_as(visit.actor(frozenset()))
    found = await record.read(tx, KIND, id, visible_to(tx.actor, KIND, tx.now))
    attached = presenters.attachment_of(found)
    if attached is None:
        raise NotFound(KIND, id)
    title, kind, data = attached.title, attached.content_type, attached.data
    if attached.document:
        kept, data = await documents.load(tx, view.door.vault, attached.document)
        title, kind = kept.title, kept.content_type
    await record.audit(tx, "R", KIND, id, patient=visit.patient_id, verb="download")
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    return Response(data, headers={"Content-Disposition": disposition(title, inline=False), "Content-Type": kind + charset})


async def stop(view: View) -> Response:
    """The patient no longer wants FranceConnect to open this file: at once, and this page too."""
    require_signed_in(view)
    await patient_binding.end(view.tx, view.actor.id, "patient")
    view.session = None
    response = view.page("own_record/templates/stopped.html", "C’est fait")
    sessions.drop_cookie(response, view.door.site, visits.cookie(view.path("visit")))
    return response


def _own(page: Page) -> Page:
    return replace(page, patient=True)


PAGES = (
    *map(
        _own,
        (
            get("/suivi/{visit:id}/dossier", show, on=KIND),
            get("/suivi/{visit:id}/dossier/{document:id}", read, on=KIND),
            get("/suivi/{visit:id}/dossier/{document:id}/fichier", link, on=KIND),
            post("/suivi/{visit:id}/connexion/fin", stop, on=KIND, once=False),
        ),
    ),
    get("/mes-documents/{token:seal}", serve, public=True, bare=True),
)
