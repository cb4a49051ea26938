"""« Comptes de l'organisation »: its administrator invites staff, allows professionals who come by Pro Santé Connect, closes accesses."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from maillage import directory
from maillage.access import identity
from maillage.doors.web import sessions
from maillage.doors.web.catalogue import role_words
from maillage.doors.web.forms import Choice, Field, Reader, redisplay_at, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.view import View
from maillage.kernel.errors import NotAllowed

LOGIN = Field(
    "login", "Identifiant", required=True, hint="Lettres minuscules, chiffres, point ou tiret. Par exemple prenom.nom.", maxlength=100
)
RPPS = Field("rpps", "Numéro RPPS", required=True, hint="Onze chiffres.", maxlength=20, inputmode="numeric")


def _administrator(view: View) -> str:
    """The organisation that this person manages. Raises `NotAllowed`."""
    if not view.actor.is_one_of(*identity.ADMINISTRATORS):
        raise NotAllowed("not-administrator")
    return view.actor.organization


async def _people(view: View, organization: str) -> Field:
    roles = [role for role in await directory.roles_in(view.tx, organization) if role.practitioner_id != view.actor.id]
    choices = tuple(Choice(role.id, f"{role.display or role.id}, {role_words(role.codes)}") for role in roles)
    return Field("role", "Personne", "select", required=True, choices=choices)


async def _fields(view: View, organization: str) -> tuple[list[Field], list[Field]]:
    """The questions of the two forms: for who has an RPPS number, for who has none."""
    people = await _people(view, organization)
    return [people, RPPS], [replace(people, scope="local-"), LOGIN]


async def show_accounts(view: View) -> Response:
    """Who may sign in for this organisation, and how."""
    organization = _administrator(view)
    return view.page(
        "account/templates/accounts.html", "Comptes de l’organisation", lines=await identity.accounts_at(view.tx, organization)
    )


async def show_invite(view: View) -> Response:
    """Who is to be let in."""
    view.require_fresh()
    by_rpps, local = await _fields(view, _administrator(view))
    by_rpps, local = redisplay_at(view, "/comptes/rpps", by_rpps), redisplay_at(view, "/comptes/invitation", local)
    wanted = view.query("compte")
    return view.page(
        "account/templates/invite.html",
        "Donner un accès",
        by_rpps=by_rpps,
        local=[field.started(wanted) if field.name == "login" and not view.rejected else field for field in local],
        problems=summary(view.rejected, by_rpps if view.request.url.path == "/comptes/rpps" else local),
    )


async def invite(view: View) -> Response:
    """A local account and its link, shown this once, to be handed over by a way that the administrator trusts."""
    view.require_fresh()
    _, (people, login) = await _fields(view, _administrator(view))
    reader = Reader(view.values)
    role, name = reader.read(people), reader.read(login)
    reader.done()
    secret = await identity.invite(view.tx, name, role)
    link = f"{view.door.site.origin}/invitation/{secret}"
    return view.page("account/templates/invited.html", "Invitation prête", link=link, login=name)


async def authorise(view: View) -> Response:
    """A professional may come by Pro Santé Connect."""
    view.require_fresh()
    (people, rpps), _ = await _fields(view, _administrator(view))
    reader = Reader(view.values)
    role, number = reader.read(people), reader.read(rpps)
    reader.done()
    await identity.authorise(view.tx, number, role)
    return view.go("/comptes", "authorised")


async def close(view: View) -> Response:
    """Somebody no longer works here: the access to this place ends, and its sessions with it."""
    view.require_fresh()
    organization = _administrator(view)
    mine = {(line.login, line.role_id) for line in await identity.accounts_at(view.tx, organization)}
    wanted = (view.given("login"), view.given("role"))
    if view.session and wanted[0] == view.session.login:
        raise NotAllowed("own-account")
    if wanted not in mine:
        raise NotAllowed("not-administrator")
    await identity.end_exercise(view.tx, *wanted)
    return view.go(sessions.safe_path("/comptes"), "account-closed")


PAGES = (
    get("/comptes", show_accounts, on="Practitioner", to="write"),
    get("/comptes/acces", show_invite, on="Practitioner", to="write"),
    post("/comptes/invitation", invite, again=show_invite, once=False, on="Practitioner", to="write"),
    post("/comptes/rpps", authorise, again=show_invite, once=False, on="Practitioner", to="write"),
    post("/comptes/fin", close, once=False, on="Practitioner", to="write"),
)
