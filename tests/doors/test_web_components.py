"""Each component is a folder: a template, an example, and what the example must hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from maillage.doors.web.account.pages import example_values
from maillage.doors.web.assets import Assets
from maillage.doors.web.catalogue import LANGUAGES, sentences
from maillage.doors.web.rendering import ROOT, component_names, make_environment
from maillage.doors.web.typography import french

WEB = Path(ROOT)
ENVIRONMENT = make_environment(Assets.load())
BANNED = (
    r"\sstyle=",
    r"<style",
    r'\son[a-z]+="',
    r"<script(?! src=\"\{\{ asset\('trusted_types.js'\) \}\}\"></script>)(?! defer src=\"\{\{ asset\('htmx.min.js'\) \}\}\"></script>)(?! type=\"module\" src=\"\{\{ asset\([^)]*\) \}\}\"></script>)",
    r"\shx-",
    r"javascript:",
    r"btn-outline-(?:warning|info|light)",
    r"text-body-tertiary",
    r"\|\s*safe",
)
TEMPLATES = sorted(str(path.relative_to(WEB)) for path in WEB.rglob("*.html"))


@pytest.mark.parametrize("name", component_names())
def test_component_shows_what_it_promises(name: str) -> None:
    folder = WEB / "components" / name
    promised = tomllib.loads((folder / "test.toml").read_text(encoding="utf-8"))
    shown = ENVIRONMENT.get_template(f"components/{name}/example.html").render(**example_values())
    assert [text for text in promised["has"] if french(text) not in shown and text not in shown] == []
    assert [text for text in promised["lacks"] if text in shown] == []


@pytest.mark.parametrize("path", TEMPLATES)
def test_templates_hold_nothing_that_the_policy_forbids(path: str) -> None:
    text = (WEB / path).read_text(encoding="utf-8")
    allowed = {r"\|\s*safe"} if path == "account/templates/components.html" else set()
    assert [pattern for pattern in BANNED if pattern not in allowed and re.search(pattern, text)] == []


def test_every_template_is_used() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in WEB.rglob("*") if path.suffix in (".py", ".html"))
    unused = [path for path in TEMPLATES if not path.startswith("components/") and f'"{path}"' not in sources]
    assert unused == []


def test_every_sentence_exists_in_both_languages() -> None:
    assert [key for key, texts in sentences().items() if not all(texts.get(lang) for lang in LANGUAGES)] == []


def test_every_template_compiles_with_french_spaces() -> None:
    for path in TEMPLATES:
        ENVIRONMENT.get_template(path)
    shown = ENVIRONMENT.from_string("Vraiment ? Oui : « voici » l'exemple, 1 152 lits").render()
    assert shown == "Vraiment\u202f? Oui\u00a0: «\u00a0voici\u00a0» l’exemple, 1\u202f152 lits"


def test_style_sheets_reach_nowhere_else() -> None:
    for path in (WEB / "static").glob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert "http" not in text, path
        assert "@import" not in text, path
        assert len(text.splitlines()) <= 500, path
