"""The link of an invitation: a password, then a second factor, and one is in."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from maillage import record
from maillage.access import identity
from maillage.access.identity import Proof, Step
from maillage.doors.edge import Limit
from maillage.doors.web import sessions
from maillage.doors.web.account import factors, proving
from maillage.doors.web.account.fields import CODE, KEY_NAME, NEW_PASSWORD
from maillage.doors.web.account.local import ASSURANCE
from maillage.doors.web.account.presenters import browser_of
from maillage.doors.web.forms import redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.view import View
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Invalid, NotAllowed, NotFound, Unauthenticated


def _visit(view: View) -> str:
    return sessions.secret_of(view.request, view.door.site, sessions.VISIT_COOKIE) or sessions.new_visit()


async def show_invitation(view: View) -> Response:
    """Choose a password. A link that no longer serves is a page that does not exist."""
    try:
        login = await identity.invited(view.tx, view.path("token"))
    except Unauthenticated:
        return view.page("account/templates/invitation_ended.html", "Invitation terminée", status=404)
    visit, fields = _visit(view), redisplay((NEW_PASSWORD,), view.rejected)
    response = view.page(
        "account/templates/password.html",
        "Bienvenue dans maillage",
        who=login,
        login=login,
        fields=fields,
        problems=summary(view.rejected, fields),
        csrf=visit,
        action=f"/invitation/{view.path('token')}",
    )
    sessions.put_cookie(response, view.door.site, sessions.VISIT_COOKIE, visit)
    return response


async def give_password(view: View) -> Response:
    """Keep the password aside until a second factor comes with it: nobody is left with a password alone."""
    token, wanted = view.path("token"), view.values.get("password", "")
    async with view.door.db.transaction(SYSTEM, lazy=True) as tx:
        login = await _invited(view, token)
        known = await identity.account(tx, login)
    if problem := identity.password_problem(wanted, (login, known["display"] if known else "")):
        raise Invalid.one(problem, "password")
    hashed = await identity.hash_password(wanted)
    async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id) as tx:
        secret = await identity.put_step(tx, Step("enrol", login, password=hashed, invitation=token), view.door.sealer)
    response = view.go("/invitation/second/facteur")
    sessions.put_cookie(response, view.door.site, proving.STEP_COOKIE, secret)
    return response


async def _invited(view: View, token: str) -> str:
    try:
        return await identity.invited(view.tx, token)
    except Unauthenticated as error:
        raise NotFound from error


def _step(view: View) -> str:
    return sessions.secret_of(view.request, view.door.site, proving.STEP_COOKIE)


async def show_factor(view: View) -> Response:
    """The second factor of a new account: a key first, else codes."""
    try:
        step = await identity.step_of(view.tx, _step(view), "enrol", view.door.sealer)
    except Unauthenticated:
        return RedirectResponse("/connexion", 303)
    fields = redisplay((KEY_NAME, CODE), view.rejected)
    return view.page(
        "account/templates/add_factor.html",
        "Votre second facteur",
        options=await factors.key_question(view, step.login, step.login),
        totp=factors.totp_question(view, step.login),
        fields={field.name: field for field in fields},
        problems=summary(view.rejected, fields),
        csrf=sessions.secret_of(view.request, view.door.site, sessions.VISIT_COOKIE),
        action="/invitation/second/facteur",
    )


async def enrol(view: View) -> Response:
    """Password and second factor are kept together, the link has served, and the session begins; recovery codes are shown this once."""
    sealer = view.door.sealer
    step = await identity.take_step(view.tx, _step(view), "enrol", sealer)
    login = await identity.use_invitation(view.tx, step.invitation)
    await identity.set_password(view.tx, login, step.password)
    if view.given("key"):
        await factors.add_key(view, login)
        method = "password+key"
    else:
        secret = factors.open_totp(view, login, view.given("secret"))
        await identity.set_totp(view.tx, login, secret, view.given("code"), sealer)
        method = "password+totp"
    codes = await identity.new_recovery_codes(view.tx, login)
    places = await identity.exercises(view.tx, login)
    if not places:
        raise NotAllowed("no-exercise")
    browser = browser_of(view.request.headers.get("user-agent", ""))
    secret, session = await identity.open_session(view.tx, login, places[0].role_id, Proof(method, ASSURANCE), browser)
    await record.audit(view.tx.acting_as(session.actor), "U", "Account", login, verb="account-enrolled")
    response = view.page("account/templates/recovery.html", "Codes de secours", codes=codes, onward="/")
    sessions.put_cookie(response, view.door.site, sessions.COOKIE, secret)
    sessions.drop_cookie(response, view.door.site, proving.STEP_COOKIE)
    return response


PAGES = (
    get("/invitation/{token:id}", show_invitation, public=True),
    post("/invitation/{token:id}", give_password, again=show_invitation, public=True, once=False, lazy=True, limit=Limit.LOGIN),
    get("/invitation/second/facteur", show_factor, public=True),
    post("/invitation/second/facteur", enrol, again=show_factor, public=True, once=False),
)
