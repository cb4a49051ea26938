"""How somebody wants pages to look: kept in the browser's own cookie, which holds nothing else; the server draws them so, without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from maillage.doors.web import sessions
from maillage.doors.web.language import LANGUAGES
from maillage.doors.web.settings import Site

COOKIE = "maillage-affichage"
THEMES = ("clair", "sombre")
_AGE = 400 * 86_400
"""Seconds: what browsers keep at most."""


@dataclass(frozen=True, slots=True)
class Display:
    """Light, dark or as the system says (empty); single keys or none; the language."""

    theme: str = ""
    keys: bool = True
    lang: str = "fr"

    @property
    def written(self) -> str:
        """As the cookie says it."""
        return f"{self.theme or 'systeme'}.{'touches' if self.keys else 'sans-touches'}.{self.lang}"


def display_of(request: Request, site: Site) -> Display:
    """What the cookie asks for; anything that is not ours is as if nothing was asked."""
    theme, keys, lang = (*sessions.secret_of(request, site, COOKIE).split("."), "", "", "")[:3]
    return Display(theme if theme in THEMES else "", keys != "sans-touches", lang if lang in LANGUAGES else "fr")


def put_display(response: Response, site: Site, display: Display) -> None:
    """Keep the choice in the browser."""
    sessions.put_cookie(response, site, COOKIE, display.written, _AGE)
