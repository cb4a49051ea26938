"""Sign in, sign out, legal pages, and the gallery of components."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from starlette.responses import Response

from maillage import access, directory
from maillage.doors.web import sessions
from maillage.doors.web.account import licences, presenters
from maillage.doors.web.forms import Choice, Field, yes_no
from maillage.doors.web.pages import get, post
from maillage.doors.web.places import organizations
from maillage.doors.web.rendering import component_names
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound


async def show_sign_in(view: View) -> Response:
    """The demonstration logins, one button each; nothing is proposed first."""
    accounts = await access.demo_accounts(view.tx) if view.door.site.demo else []
    places = await organizations(view.tx)
    visit = sessions.secret_of(view.request, view.door.site, sessions.VISIT_COOKIE) or sessions.new_visit()
    response = view.page(
        "account/templates/sign_in.html",
        "Se connecter",
        groups=presenters.groups(accounts, {id: (place.label, place.kind) for id, place in places.items()}, await _services(view)),
        back=_safe(view.query("vers")),
        ended=view.query("fin") == "1",
        csrf=visit,
    )
    sessions.put_cookie(response, view.door.site, sessions.VISIT_COOKIE, visit)
    return response


async def _services(view: View) -> dict[str, str]:
    """The service of each demonstration login that works for one alone."""
    names = {service.id: service.name.partition(",")[0] for service in await directory.services(view.tx)}
    return {person.login: names.get(person.service_ids[0], "") for person in directory.demo_people() if len(person.service_ids) == 1}


async def sign_in(view: View) -> Response:
    """Open a session under a new secret, then go where the user wanted to go."""
    if not view.door.site.demo:
        raise NotFound
    if view.session:
        await access.sign_out(view.tx, sessions.secret_of(view.request, view.door.site))
    secret, _ = await access.sign_in_demo(view.tx, view.given("login"))
    response = view.go(_safe(view.given("vers")) or "/")
    sessions.put_cookie(response, view.door.site, sessions.COOKIE, secret)
    return response


async def sign_out(view: View) -> Response:
    """End the session at once."""
    await access.sign_out(view.tx, sessions.secret_of(view.request, view.door.site))
    response = view.go("/connexion", "signed-out")
    sessions.drop_cookie(response, view.door.site, sessions.COOKIE)
    return response


def _safe(path: str) -> str:
    """A path of ours to come back to, or nothing: never another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path else ""


async def show_accessibility(view: View) -> Response:
    """The declaration that a deployer completes after an audit."""
    return view.page("account/templates/accessibility.html", "Accessibilité")


async def show_licences(view: View) -> Response:
    """Everything that is shipped to the browser, with its licence."""
    return view.page("account/templates/licences.html", "Licences", shipped=licences.shipped())


async def show_components(view: View) -> Response:
    """The components with their examples."""
    shown = [
        (name, view.door.templates.get_template(f"components/{name}/example.html").render(**example_values())) for name in component_names()
    ]
    return view.page("account/templates/components.html", "Composants", examples=shown)


def example_values() -> dict[str, object]:
    """What the examples show: fixed, invented, the same on every day."""
    now = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    choices = (Choice("routine", "Standard"), Choice("urgent", "Prioritaire", "Réponse en 2 jours ouvrés"))
    return {
        "example_now": now,
        "example_soon": now + timedelta(hours=5),
        "example_late": now - timedelta(days=3),
        "example_far": now + timedelta(days=9),
        "example_birth": date(1959, 3, 2),
        "example_fields": [
            Field(
                "exemple-texte",
                "Question posée",
                "textarea",
                True,
                "Vingt caractères au moins.",
                value="Avis",
                error="Écrivez au moins 20 caractères.",
            ),
            Field("exemple-choix", "Priorité", "radio", True, choices=choices),
            Field(
                "exemple-cases", "Signes d’alarme", "checks", choices=(Choice("a", "Anémie"), Choice("b", "Amaigrissement")), chosen=("b",)
            ),
            yes_no("exemple-oui", "Traitement antithrombotique", required=True),
            Field("exemple-date", "Date du test", "date"),
            Field("exemple-heure", "Début de la visite", "datetime", True),
            Field("exemple-liste", "Service", "select", choices=choices),
            Field("exemple-case", "Les cinq traits ont été vérifiés avec le patient", "checkbox", True),
        ],
    }


PAGES = (
    get("/connexion", show_sign_in, public=True),
    post("/connexion", sign_in, public=True, once=False),
    post("/deconnexion", sign_out, once=False),
    get("/accessibilite", show_accessibility, public=True),
    get("/licences", show_licences, public=True),
    get("/components", show_components, public=True),
)
