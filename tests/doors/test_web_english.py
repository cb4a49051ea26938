"""English: each text of the templates has its own, a page asked for in English holds no French sentence of ours, and nothing leaks into French."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment
from tests.support.web import make_door, territory, visiting

from maillage.doors.web.language import Place, english, plain
from maillage.doors.web.rendering import ROOT
from maillage.store import Database

FILL = territory
WEB = Path(ROOT)
TEMPLATES = sorted(path for path in WEB.rglob("*.html") if path.name != "example.html")
LETTERS = re.compile(r"[A-Za-zÀ-ÿ]{2}")
SAME = (
    frozenset(
        {
            "maillage",
            "INS",
            "CPTS",
            "CSV",
            "Patient",
            "Patients",
            "Service",
            "Services",
            "Notifications",
            "Communication",
            "Task",
            "Schedule",
            "Date",
        }
    )
    | {"Appointment", "Schedule,Appointment", "Task,Communication", "Indisponibilités du patient (2)", "Indisponibilités du patient (3)"}
    | {
        "Commune",
        "Description",
        "Pages",
        "Page",
        "Site",
        "Document",
        "Documents",
        "Opposition",
        "Licences",
        "Allergies",
        "Minutes",
        "Places",
        "RPPS",
    }
)
"""Written the same in both languages, or a code."""
CODE = re.compile(r"[a-z0-9_./?=&#,:%{}~*+-]*|M[\d. a-zA-Z,-]+")


def texts(path: Path) -> list[str]:
    """The texts of a template: between its tags, and what it gives to components."""
    place, found = Place(), []
    for _, kind, value in Environment(autoescape=True).lex(path.read_text(encoding="utf-8")):
        if kind == "data":
            for part in place.parts(value):
                if place._text:
                    found.append(part)
                else:
                    found += re.findall(r'(?:aria-label|title|placeholder|alt|data-label)="([^"]+)', part)
        elif kind == "string" and (" " in value.strip("\"' ") or value[1:2].isupper()):
            found.append(value[1:-1])
    return [plain(text) for text in found if LETTERS.search(text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_each_text_has_its_english(path: Path) -> None:
    known = english().keys() | SAME
    missing = [text for text in texts(path) if text not in known and text.strip(" ·,.:»«") not in known and not CODE.fullmatch(text)]
    assert [text for text in missing if not re.fullmatch(r"(m-[a-z-]+ ?)+|aria-[a-z]+=\W?.*", text)] == []


PAGES = ("/", "/patients", "/services", "/vacations", "/accueil", "/planification", "/compte", "/affichage", "/agenda", "/territoire")
FRENCH = re.compile(r"\b(?:le|la|les|des|une|aucun|aucune|votre|vous|pour|avec|dans|sont)\b", re.IGNORECASE)


@pytest.mark.asyncio
async def test_a_page_asked_for_in_english_speaks_english(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        kept = await visitor.post("/affichage", {"lang": "en", "theme": "systeme", "keys": "touches"}, shown="/affichage")
        assert kept.status_code == 303
        for path in PAGES:
            page = (await visitor.get(path)).text
            assert '<html lang="en"' in page, path
            frame = re.sub(r"<[^>]+>", " ", page.partition("<main")[0].partition("<body")[2] + page.partition("<footer")[2])
            assert FRENCH.findall(frame.replace("DONNÉES FICTIVES", "")) == [], path
        home = (await visitor.get("/")).text
        assert "My lists" in home
        assert "Mes listes" not in home
        assert "This page does not exist" in (await visitor.get("/patients/nobody")).text
        await visitor.post("/affichage", {"lang": "fr", "theme": "systeme", "keys": "touches"}, shown="/affichage")
        assert "Mes listes" in (await visitor.get("/")).text
