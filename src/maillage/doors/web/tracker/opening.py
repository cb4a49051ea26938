"""From a link to its page: the birth date and the code, guesses slowed, every link that cannot open answered alike."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import RedirectResponse, Response

from maillage import messaging
from maillage.access import identity, patient_link
from maillage.access.patient_link import Link
from maillage.doors.edge import Limit
from maillage.doors.web import sessions, visits
from maillage.doors.web.forms import Field, Reader, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.view import View
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Invalid, NotAllowed, Unauthenticated

BORN = Field("naissance", "Votre date de naissance", "date", True, autocomplete="bday")
CODE = Field(
    "code",
    "Votre code à 6 chiffres",
    "text",
    True,
    "On vous l’a donné avec le rendez-vous, ou par un autre message.",
    maxlength=12,
    inputmode="numeric",
)


async def show_opening(view: View) -> Response:
    """The two questions; nothing is said of whom or what the link is about."""
    link = await patient_link.live_link(view.tx.beyond(), view.path("token"))  # whoever is signed in at this browser
    visit = sessions.secret_of(view.request, view.door.site, sessions.VISIT_COOKIE) or sessions.new_visit()
    if link is None:
        return _with_visit(view, visit, _ended(view, visit))
    fields = [replace(field, value="") if field.name == CODE.name else field for field in redisplay((BORN, CODE), view.rejected)]
    page = view.page(
        "tracker/templates/open.html",
        "Ouvrir mon suivi",
        fields=fields,
        problems=summary(view.rejected, fields),
        csrf=visit,
        action=f"/p/{view.path('token')}",
        coded=link.code_hash is not None,
    )
    return _with_visit(view, visit, page)


def _with_visit(view: View, visit: str, page: Response) -> Response:
    sessions.put_cookie(page, view.door.site, sessions.VISIT_COOKIE, visit)
    return page


def _ended(view: View, csrf: str) -> Response:
    """The link is used, old, taken back, or was never one: said in the same words, with the way to a new one."""
    return view.page(
        "tracker/templates/ended.html", "Ce lien ne s’ouvre plus", status=404, csrf=csrf, action=f"/p/{view.path('token')}/nouveau"
    )


async def open_page(view: View) -> Response:
    """Look at the birth date and the code, then open the page, once."""
    token = view.path("token")
    async with view.door.db.transaction(SYSTEM, lazy=True) as tx:
        link = await patient_link.live_link(tx, token)
    reader = Reader(view.values)
    born, code = reader.read(BORN), reader.read(CODE)
    reader.done()
    try:
        await _count(view, link)
    except NotAllowed as error:
        return _too_soon(view, error)
    matches = await identity.password_matches(link.code_hash if link else None, patient_link.typed(code))
    if link is None or not patient_link.opens(link, code_matches=matches, born=born):
        await _note_failure(view, link)
        raise Invalid.one("link-refused", "code")
    return await _opened(view, token, link)


async def _count(view: View, link: Link | None) -> None:
    """Every guess counts before it is looked at. Raises `NotAllowed("wait")` when it comes too early."""
    async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id) as tx:
        await identity.begin_attempt(tx, patient_link.attempt_name(link), view.address)


async def _note_failure(view: View, link: Link | None) -> None:
    if link is not None:
        async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id, origin=view.tx.origin) as tx:
            await patient_link.note_wrong_code(tx, link)


async def _opened(view: View, token: str, link: Link) -> Response:
    async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id, origin=view.tx.origin) as tx:
        try:
            secret, visit = await patient_link.open_page(tx, token, link)
        except Unauthenticated:
            return RedirectResponse(f"/p/{token}", 303)
        await identity.forget_attempts(tx, patient_link.attempt_name(link), view.address)
    response = RedirectResponse(f"/suivi/{visit.id}", 303)
    sessions.put_cookie(response, view.door.site, visits.cookie(visit.id), secret, int(patient_link.OPEN.total_seconds()))
    return response


def _too_soon(view: View, error: NotAllowed) -> Response:
    seconds = int(error.extra["seconds"])
    page = view.page("tracker/templates/wait.html", "Trop d’essais", status=429, seconds=seconds, back=f"/p/{view.path('token')}")
    page.headers["Retry-After"] = str(seconds)
    return page


async def ask_new_link(view: View) -> Response:
    """Send a new link to the number or address of the file; the answer is the same for a link that never was one."""
    asked = await patient_link.ask_again(view.tx.beyond(), view.path("token"))
    if asked is not None:
        await messaging.tell_patient(view.tx, messaging.ASKED, focus=asked[1], patient=asked[0])
    return view.page("tracker/templates/asked.html", "Nouveau lien")


PAGES = (
    get("/p/{token:link}", show_opening, public=True),
    post("/p/{token:link}", open_page, again=show_opening, public=True, once=False, lazy=True, limit=Limit.LOGIN),
    post("/p/{token:link}/nouveau", ask_new_link, public=True, once=False, limit=Limit.LOGIN),
)
