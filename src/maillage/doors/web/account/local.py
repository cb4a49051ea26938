"""Sign in with a local account: the password, then a second factor, then the place where one works."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from maillage.access import identity
from maillage.access.identity import Proof, Step
from maillage.doors.edge import Limit
from maillage.doors.web import places, sessions
from maillage.doors.web.account import presenters, proving
from maillage.doors.web.account.fields import CODE, RECOVERY
from maillage.doors.web.account.sign_in import show_sign_in
from maillage.doors.web.forms import redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.view import View
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Invalid, NotAllowed, Unauthenticated

ASSURANCE = "eidas2"
"""Two factors of different kinds: what the eIDAS regulation calls substantial."""


async def give_password(view: View) -> Response:
    """The first factor. Whatever is wrong, known login or not, the answer is the same, after the same work."""
    login, password = view.given("login").lower(), view.values.get("password", "")
    back, sealer = sessions.safe_path(view.given("vers")), view.door.sealer
    try:
        await proving.count_attempt(view, login)
    except NotAllowed as error:
        return proving.too_soon(view, error)
    async with view.door.db.transaction(SYSTEM, lazy=True) as tx:
        kept = await identity.password_of(tx, login)
    if not await identity.password_matches(kept, password):
        await proving.note_failure(view, login)
        raise Invalid.one("login-refused", "login")
    async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id) as tx:
        await identity.forgive_attempt(tx, login, view.address)
        secret = await identity.put_step(tx, Step("factor", login, back=back), sealer)
    response = view.go("/connexion/second-facteur")
    sessions.put_cookie(response, view.door.site, proving.STEP_COOKIE, secret)
    return response


def _step_secret(view: View) -> str:
    return sessions.secret_of(view.request, view.door.site, proving.STEP_COOKIE)


async def show_factor(view: View) -> Response:
    """The second factor: a key first, else a code, else a recovery code."""
    try:
        step = await identity.step_of(view.tx, _step_secret(view), "factor", view.door.sealer)
    except Unauthenticated:
        return RedirectResponse("/connexion", 303)
    fields = redisplay((CODE, RECOVERY), view.rejected)
    return view.page(
        "account/templates/factor.html",
        "Second facteur",
        asked=await proving.what_to_ask(view, step.login, "sign-in"),
        fields={field.name: field for field in fields},
        problems=summary(view.rejected, fields),
        csrf=sessions.secret_of(view.request, view.door.site, sessions.VISIT_COOKIE),
        action="/connexion/second-facteur",
        back="",
    )


async def give_factor(view: View) -> Response:
    """The second factor, then in. Raises `Invalid` when it is wrong; failures cost a growing wait, as those of passwords do."""
    async with view.door.db.transaction(SYSTEM, lazy=True) as tx:
        login = (await identity.step_of(tx, _step_secret(view), "factor", view.door.sealer)).login
    try:
        await proving.count_attempt(view, login)
    except NotAllowed as error:
        return proving.too_soon(view, error)
    return await _factor_given(view, login)


async def _factor_given(view: View, login: str) -> Response:
    sealer = view.door.sealer
    try:
        async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id) as tx:
            word = await proving.check_factor(view, tx, login, "sign-in", recovery=True)
            step = await identity.take_step(tx, _step_secret(view), "factor", sealer)
            await identity.forget_attempts(tx, login, view.address)
            proof = Proof(f"password+{word}", ASSURANCE)
            return await proving.begin_work(view, tx, Step("place", login, proof, step.back))
    except (Invalid, NotAllowed, Unauthenticated):
        await proving.note_failure(view, login)
        raise


async def show_places(view: View) -> Response:
    """The places where one works: one is chosen before anything is shown."""
    try:
        step = await identity.step_of(view.tx, _step_secret(view), "place", view.door.sealer)
    except Unauthenticated:
        return RedirectResponse("/connexion", 303)
    known = await places.organizations(view.tx)
    found = await identity.exercises(view.tx, step.login)
    visit = sessions.secret_of(view.request, view.door.site, sessions.VISIT_COOKIE) or sessions.new_visit()
    response = view.page(
        "account/templates/place.html",
        "Choisir le lieu d’exercice",
        exercises=presenters.exercises(found, {id: place.label for id, place in known.items()}, ""),
        csrf=visit,
    )
    sessions.put_cookie(response, view.door.site, sessions.VISIT_COOKIE, visit)
    return response


async def choose_place(view: View) -> Response:
    """Open the session there."""
    step = await identity.take_step(view.tx, _step_secret(view), "place", view.door.sealer)
    return await proving.open_at(view, view.tx, step, view.given("exercice"))


PAGES = (
    post("/connexion/mot-de-passe", give_password, again=show_sign_in, public=True, once=False, lazy=True, limit=Limit.LOGIN),
    get("/connexion/second-facteur", show_factor, public=True),
    post("/connexion/second-facteur", give_factor, again=show_factor, public=True, once=False, lazy=True, limit=Limit.LOGIN),
    get("/connexion/exercice", show_places, public=True),
    post("/connexion/exercice", choose_place, public=True, once=False),
)
