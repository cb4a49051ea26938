"""Sign in and sign out."""

from __future__ import annotations

from starlette.responses import Response

from maillage import access, directory
from maillage.doors.edge import Limit
from maillage.doors.web import sessions
from maillage.doors.web.account import presenters
from maillage.doors.web.account.fields import LOGIN, PASSWORD
from maillage.doors.web.forms import redisplay, summary
from maillage.doors.web.pages import OWN, get, post
from maillage.doors.web.places import organizations
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound


async def show_sign_in(view: View) -> Response:
    """The demonstration logins, one button each; nothing is proposed first."""
    visit = sessions.secret_of(view.request, view.door.site, sessions.VISIT_COOKIE) or sessions.new_visit()
    fields = redisplay((LOGIN, PASSWORD), view.rejected)
    response = view.page(
        "account/templates/sign_in.html",
        "Se connecter",
        groups=await _demonstrated(view) if view.door.site.demo else [],
        back=sessions.safe_path(view.query("vers") or view.given("vers")),
        ended=view.query("fin") == "1",
        csrf=visit,
        psc=view.door.provider is not None,
        fields=fields,
        problems=summary(view.rejected, fields),
    )
    sessions.put_cookie(response, view.door.site, sessions.VISIT_COOKIE, visit)
    return response


async def _demonstrated(view: View) -> list[presenters.Group]:
    accounts, places = await access.demo_accounts(view.tx), await organizations(view.tx)
    return presenters.groups(accounts, {id: (place.label, place.kind) for id, place in places.items()}, await _services(view))


async def _services(view: View) -> dict[str, str]:
    """The service of each demonstration login that works for one alone."""
    names = {service.id: service.name.partition(",")[0] for service in await directory.services(view.tx)}
    return {person.login: names.get(person.service_ids[0], "") for person in directory.demo_people() if len(person.service_ids) == 1}


async def sign_in(view: View) -> Response:
    """Open a session under a new secret, then go where the user wanted to go."""
    if not view.door.site.demo:
        raise NotFound
    if view.session:
        await access.sign_out(view.tx, view.secret)
    secret, _ = await access.sign_in_demo(view.tx, view.given("login"), presenters.browser_of(view.request.headers.get("user-agent", "")))
    response = view.go(sessions.safe_path(view.given("vers")) or "/")
    sessions.put_cookie(response, view.door.site, sessions.COOKIE, secret)
    return response


async def sign_out(view: View) -> Response:
    """End the session at once; the one at the provider may be ended too, by a link: a form may not lead to another site."""
    sealed = await access.sign_out(view.tx, view.secret)
    there = ""
    if sealed and view.door.provider:
        there = await view.door.provider.sign_out_address(view.door.sealer.open(sealed, "psc id token").decode())
    response = _signed_out(view, there) if there else view.go("/connexion", "signed-out")
    sessions.drop_cookie(response, view.door.site, sessions.COOKIE)
    return response


def _signed_out(view: View, there: str) -> Response:
    view.session = None
    return view.page("account/templates/signed_out.html", "Vous êtes déconnecté", there=there)


PAGES = (
    get("/connexion", show_sign_in, public=True, lazy=True),
    post("/connexion", sign_in, public=True, once=False, limit=Limit.LOGIN),
    post("/deconnexion", sign_out, once=False, on=OWN),
)
