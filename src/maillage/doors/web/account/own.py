"""« Mon compte »: the places where one works, one's sessions, and the fresh proof that a grave act asks for."""

from __future__ import annotations

from starlette.responses import Response

from maillage.access import WebSession, identity
from maillage.doors.edge import Limit
from maillage.doors.web import places, sessions
from maillage.doors.web.account import presenters, proving
from maillage.doors.web.account.fields import CODE
from maillage.doors.web.account.presenters import browser_words
from maillage.doors.web.forms import redisplay, summary
from maillage.doors.web.pages import OWN, get, post
from maillage.doors.web.view import View
from maillage.kernel.errors import Invalid, NotAllowed, Unauthenticated
from maillage.store import Transaction


def own_session(view: View) -> WebSession:
    """The session of a page that is never public."""
    if view.session is None:
        raise Unauthenticated("session-ended")
    return view.session


async def show_account(view: View) -> Response:
    """Who one is here, where one works, and what may be changed."""
    session = own_session(view)
    known = await places.organizations(view.tx)
    found = await identity.exercises(view.tx, session.login)
    return view.page(
        "account/templates/account.html",
        "Mon compte",
        administers=session.actor.is_one_of(*identity.ADMINISTRATORS),
        session_shown=presenters.session_words(session),
        exercises=presenters.exercises(found, {id: place.label for id, place in known.items()}, session.actor.role_id or ""),
    )


async def choose_exercise(view: View) -> Response:
    """Work in another place from now on: another session id, other form tokens, and nothing of the first place stays open."""
    secret, _ = await identity.renew_session(view.tx, view.secret, role_id=view.given("exercice"), limits=view.door.site.limits)
    response = view.go("/", "exercise")
    sessions.put_cookie(response, view.door.site, sessions.COOKIE, secret)
    return response


async def show_sessions(view: View) -> Response:
    """Where one is signed in, the present browser marked."""
    session = own_session(view)
    known = await places.organizations(view.tx)
    lines = await identity.sessions_of(view.tx, session.login, view.door.site.limits)
    labels = {id: place.label for id, place in known.items()}
    browsers = {line.id: browser_words(line.browser) for line in lines}
    return view.page("account/templates/sessions.html", "Mes sessions", lines=lines, browsers=browsers, labels=labels, current=session.id)


async def end_one(view: View) -> Response:
    """End a session on another browser."""
    await identity.revoke_session(view.tx, own_session(view).login, view.path("id"))
    return view.go("/compte/sessions", "session-ended")


async def end_others(view: View) -> Response:
    """End every session but this one."""
    session = own_session(view)
    await identity.revoke_others(view.tx, session.login, session.id)
    return view.go("/compte/sessions", "sessions-ended")


async def show_confirm(view: View) -> Response:
    """Ask for a factor again, then go back to where it was needed."""
    session = own_session(view)
    [field] = redisplay((CODE,), view.rejected)
    return view.page(
        "account/templates/confirm.html",
        "Confirmer votre identité",
        back=sessions.safe_path(view.query("vers") or view.given("vers")),
        method=session.method,
        psc=view.door.provider is not None,
        asked=await proving.what_to_ask(view, session.login, "confirm"),
        fields={"code": field},
        problems=summary(view.rejected, [field]),
        csrf=session.csrf,
        action="/compte/confirmer",
    )


async def confirm(view: View) -> Response:
    """A factor of the house, shown again. In the demonstration one click is the factor."""
    session = own_session(view)
    if session.method == "demo":
        async with view.door.db.transaction(session.actor, request_id=view.tx.request_id) as tx:
            return await confirmed(view, tx, "demo")
    try:
        await proving.count_attempt(view, session.login)
    except NotAllowed as error:
        return proving.too_soon(view, error)
    try:
        async with view.door.db.transaction(session.actor, request_id=view.tx.request_id) as tx:
            word = await proving.check_factor(view, tx, session.login, "confirm", recovery=False)
            await identity.forget_attempts(tx, session.login, view.address)
            return await confirmed(view, tx, word)
    except (Invalid, Unauthenticated):
        await proving.note_failure(view, session.login, "step-up-failed")
        raise


async def confirmed(view: View, tx: Transaction, method: str, back: str = "") -> Response:
    """A factor was shown: the same session under a new id, and back to where it was needed."""
    secret, _ = await identity.renew_session(tx, view.secret, method=method, limits=view.door.site.limits)
    response = view.go(sessions.safe_path(back or view.given("vers")) or "/compte")
    sessions.put_cookie(response, view.door.site, sessions.COOKIE, secret)
    return response


PAGES = (
    get("/compte", show_account, on=OWN),
    post("/compte/exercice", choose_exercise, once=False, on=OWN),
    get("/compte/sessions", show_sessions, on=OWN),
    post("/compte/sessions/autres/fin", end_others, once=False, on=OWN),
    post("/compte/sessions/{id:id}/fin", end_one, once=False, on=OWN),
    get("/compte/confirmer", show_confirm, on=OWN),
    post("/compte/confirmer", confirm, again=show_confirm, once=False, lazy=True, limit=Limit.LOGIN, on=OWN),
)
