"""How pages look and answer to keys: chosen once, for this browser."""

from __future__ import annotations

from starlette.responses import Response

from maillage.doors.web.catalogue import say
from maillage.doors.web.display import THEMES, Display, display_of, put_display
from maillage.doors.web.forms import Choice, Field, Reader, redisplay, summary
from maillage.doors.web.pages import OWN, get, post
from maillage.doors.web.view import View

SHORTCUTS = (
    ("/", "search"),
    ("g l", "lists"),
    ("g p", "patients"),
    ("g s", "services"),
    ("g v", "diary"),
    ("g t", "territory"),
    ("?", "help"),
)


def _fields(now: Display) -> list[Field]:
    themes = tuple(Choice(theme, say(f"display.{theme}")) for theme in ("systeme", *THEMES))
    keys = (Choice("touches", say("display.keys-on")), Choice("sans-touches", say("display.keys-off")))
    tongues = tuple(Choice(lang, name) for lang, name in (("fr", "Français"), ("en", "English")))
    return [
        Field("lang", say("display.language"), "radio", True, say("display.language.hint"), choices=tongues, chosen=(now.lang,)),
        Field("theme", say("display.theme"), "radio", True, choices=themes, chosen=(now.theme or "systeme",)),
        Field("keys", say("display.keys"), "radio", True, choices=keys, chosen=("touches" if now.keys else "sans-touches",)),
    ]


async def show_display(view: View) -> Response:
    """The choices, as they stand, and the keyboard map."""
    fields = redisplay(_fields(display_of(view.request, view.door.site)), view.rejected)
    keys = [(key, say(f"display.key.{name}")) for key, name in SHORTCUTS]
    return view.page(
        "account/templates/display.html", say("display.title"), fields=fields, errors=summary(view.rejected, fields), keys=keys
    )


async def choose_display(view: View) -> Response:
    """Keep the choices in this browser."""
    reader = Reader(view.values)
    lang, theme, keys = (reader.read(field) for field in _fields(Display()))
    reader.done()
    response = view.go("/affichage", "display")
    put_display(response, view.door.site, Display(theme if theme in THEMES else "", keys != "sans-touches", lang or "fr"))
    return response


PAGES = (get("/affichage", show_display, on=OWN), post("/affichage", choose_display, again=show_display, once=False, on=OWN))
