"""Templates: escaped by default, an undefined variable is an error, French typography applied when they are compiled."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from maillage.doors.web import catalogue, presenters
from maillage.doors.web.assets import Assets
from maillage.doors.web.display import Display
from maillage.doors.web.language import EnglishPages, language, translated
from maillage.doors.web.typography import FrenchTypography, french
from maillage.kernel.ids import new_id

ROOT = str(files("maillage.doors.web"))


_FILTERS = (
    *("aware", "meant", "long_date", "plain_date", "short_date", "day_name", "clock", "moment", "short_moment", "day_at", "wall"),
    *("euros", "span", "days", "initials", "file_size"),
)
"""The functions of `presenters` that templates may call as filters."""


_ALWAYS_ALIKE = frozenset({"badge", "icon", "priority", "turn"})
"""Components that say the same whenever they are given the same, and stand on every line of a list: drawn once for each language."""


class Components:
    """`ui.badge(...)` in a template calls the macro of `components/badge/template.html`."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        return _macro(self._environment, name)


@cache
def _macro(environment: Environment, name: str) -> Any:
    found = getattr(environment.get_template(f"components/{name}/template.html").module, name)
    return lru_cache(maxsize=1024)(found) if name in _ALWAYS_ALIKE else found


def component_names() -> list[str]:
    """The component folders, in order."""
    folder = files("maillage.doors.web").joinpath("components")
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and path.joinpath("template.html").is_file())


def printed(text: str) -> str:
    """A text that comes from a form or from data: in English when the table knows it, else as French is printed."""
    return translated(text) if language() == "en" else french(text)


def make_environment(assets: Assets, lang: str = "fr") -> Environment:
    """The environment of every page in one language: their fixed texts are put into it when they are compiled."""
    environment = Environment(
        loader=FileSystemLoader(ROOT),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[EnglishPages if lang == "en" else FrenchTypography],
        auto_reload=False,
    )
    environment.filters |= {"french": printed} | {name: getattr(presenters, name) for name in _FILTERS}
    environment.globals |= {
        "ui": Components(environment),
        "role_words": catalogue.role_words,
        "say": catalogue.say,
        "word": catalogue.word,
        "explain": catalogue.explain,
        "count": presenters.count,
        "age": presenters.age,
        "asset": assets.url,
        "new_id": new_id,
        "demo": False,
        "session": None,
        "shown": 0,
        "navigation": (),
        "own": False,
        "display": Display(),
        "lang": lang,
    }
    return environment
