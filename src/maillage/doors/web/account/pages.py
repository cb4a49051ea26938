"""Legal pages, and the gallery of components."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from starlette.responses import Response

from maillage.doors.web.account import licences
from maillage.doors.web.account.reporting import PAGES as REPORTING
from maillage.doors.web.forms import Choice, Field, yes_no
from maillage.doors.web.language import language, speak
from maillage.doors.web.pages import get
from maillage.doors.web.rendering import component_names
from maillage.doors.web.view import View


async def show_accessibility(view: View) -> Response:
    """The declaration that a deployer completes after an audit."""
    return view.page("account/templates/accessibility.html", "Accessibilité")


async def show_licences(view: View) -> Response:
    """Everything that is shipped to the browser, with its licence."""
    return view.page("account/templates/licences.html", "Licences", shipped=licences.shipped())


async def show_components(view: View) -> Response:
    """The components with their examples, which are written in French and said to be."""
    asked = language()
    speak("fr")
    try:
        templates = view.door.templates
        shown = [(name, templates.get_template(f"components/{name}/example.html").render(**example_values())) for name in component_names()]
    finally:
        speak(asked)
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
    get("/accessibilite", show_accessibility, public=True),
    get("/licences", show_licences, public=True),
    get("/components", show_components, public=True),
    *REPORTING,
)
