"""English: each text of the templates has its own, a page asked for in English holds no French sentence of ours, and nothing leaks into French."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from jinja2 import Environment
from tests.support.web import make_door, territory, visiting

from maillage.codes import labels
from maillage.directory import pathways
from maillage.doors.web.booking import recurrence
from maillage.doors.web.language import EDGES, EnglishPages, Place, english, plain, speak, spoken, translated
from maillage.doors.web.referrals import questionnaire
from maillage.doors.web.rendering import ROOT
from maillage.doors.web.simulation import editor, presenters
from maillage.indicators import references
from maillage.simulation import load, shipped, shipped_names, words
from maillage.store import Database

FILL = territory
WEB = Path(ROOT)
TEMPLATES = sorted(path for path in WEB.rglob("*.html") if path.name != "example.html")
LETTERS = re.compile(r"[A-Za-zÀ-ÿ]{2}|[À-ÖØ-öø-ÿ]")
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
        "Conclusion",
    }
)
"""Written the same in both languages, or a code."""
CODE = re.compile(r"[a-z0-9_./?=&#,:%{}~*+-]*|M ?-?\d[\d. a-zA-Z,-]*|(?: ?m-[a-z-]+)+ ?|-aide |aria-[a-z]+=.*")
"""A string of a template that nobody reads: a code, an address, a path that is drawn, a class, an attribute."""


def texts(path: Path) -> list[str]:
    """The texts of a template: between its tags, in what is read aloud, and what it gives to components."""
    place, found = Place(), list[str]()
    for _, kind, value in Environment(autoescape=True).lex(path.read_text(encoding="utf-8")):
        if kind == "data":
            for part in place.parts(value):
                if place._text:
                    found.append(part)
                else:
                    found += re.findall(r'(?:aria-label|title|placeholder|alt|data-label)="([^"]+)', part)
        elif kind == "string" and (" " in value or value[1:2].isupper() or not value.isascii()) and not CODE.fullmatch(value[1:-1]):
            found.append(value[1:-1])
    return [text for text in found if LETTERS.search(text) and not re.fullmatch(r"\s*(?:m-main-narrow|aria-[a-z]+=.*)", text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_each_text_has_its_english(path: Path) -> None:
    known = english().keys() | SAME
    assert [text for text in texts(path) if plain(text) not in known and plain(text.strip(EDGES)) not in known] == []


def test_a_text_is_known_between_signs_and_where_an_expression_follows() -> None:
    """A template is cut by its expressions: what the table knows is found in what is left."""
    assert [translated(text) for text in (", jusqu’à ", " Motif\u00a0: ", "Liste d’attente, ")] == [
        ", until ",
        " Reason: ",
        "Waiting list, ",
    ]
    assert [translated(text) for text in ("Mon service", " · ", "")] == ["Mon service", " · ", ""]
    environment = Environment(autoescape=True, extensions=[EnglishPages])
    template = environment.from_string('<a aria-label="Comparer les deux dossiers de {{ name }}" title="Comparer">Comparer</a>')
    assert template.render(name="X") == '<a aria-label="Compare both files of X" title="Compare">Compare</a>'


SAYS = {"say", "word", "spoken", "role_words", "explain", "listed", "number", "plain_date", "long_date", "short_date"}


def said_at_once(node: ast.AST) -> list[str]:
    """The calls that put something into words when a module is read, before anybody asks in any language."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        parts: list[ast.AST] = [*node.decorator_list, *node.args.defaults, *(each for each in node.args.kw_defaults if each)]
        return [said for part in parts for said in said_at_once(part)]
    if isinstance(node, ast.Lambda):
        return []
    own = [ast.unparse(node)] if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYS else []
    return [*own, *(said for child in ast.iter_child_nodes(node) for said in said_at_once(child))]


def test_nothing_is_put_into_words_before_somebody_asks() -> None:
    assert said_at_once(ast.parse("A = tuple(say(x) for x in y)\ndef f(a=word('b')): return say('c')")) == ["say(x)", "word('b')"]
    modules = {path: said_at_once(ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(WEB.rglob("*.py"))}
    assert {str(path.relative_to(WEB)): said for path, said in modules.items() if said} == {}


FRENCH = re.compile(r"\b(?:le|la|les|des|une|aucun|aucune|votre|vous|pour|avec|dans|sont)\b", re.IGNORECASE)
AS_TYPED = {"Français", "illimité", "Réponse en 2 jours ouvrés", "Écrivez au moins 20 caractères."}
"""A language in its own name, what somebody may type, examples of components, which say that they are French."""
FRENCH_TEXT = re.compile(rf"{FRENCH.pattern}|[àâéèêëîïôùûçÀÉÈ]|\b(?:ou|et|du|un|tous|sur|au|aux|chez|sans|par)\b", re.IGNORECASE)


def french_texts(path: Path) -> list[str]:
    """The whole texts of a module that are French, its documentation left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    mute = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    mute |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    found = [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in mute
    ]
    return [text for text in found if LETTERS.search(text) and FRENCH_TEXT.search(text) and not CODE.fullmatch(text)]


def test_each_french_text_of_a_module_has_its_english() -> None:
    assert "Non distribué" in french_texts(WEB / "partners" / "presenters.py")
    known = english().keys() | SAME | AS_TYPED
    found = {(str(path.relative_to(WEB)), text) for path in WEB.rglob("*.py") for text in french_texts(path)}
    assert (
        sorted(
            (path, text) for path, text in found if text not in known and plain(text) not in known and plain(text.strip(EDGES)) not in known
        )
        == []
    )


def test_what_was_published_elsewhere_has_its_english() -> None:
    told = {text for each in references().values() for one in each for text in (one.value, one.source)}
    assert sorted(text for text in told if (re.search(r"\d,\d|[À-ÿ]", text) or text == "Angleterre") and plain(text) not in english()) == []


PAGES = ("/", "/patients", "/services", "/vacations", "/accueil", "/planification", "/compte", "/affichage", "/agenda", "/territoire")


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


@pytest.mark.parametrize("name", pathways.names())
def test_the_form_of_a_pathway_is_whole_in_english(name: str) -> None:
    form = pathways.questionnaire(name)
    speak("en")
    try:
        groups = questionnaire.groups(form, None)
        said = [group.title for group in groups]
        for question in (question for group in groups for question in group.questions):
            said += [question.field.label, question.field.hint, question.condition, *(choice.label for choice in question.field.choices)]
        said = [spoken(text) for text in said]  # as the template prints them
    finally:
        speak("fr")
    assert [text for text in said if FRENCH_FORM.search(text) and text not in english().values()] == []
    texts = {part for item in pathways.walk(form["item"]) for part in questionnaire._split_hint(item["text"]) if part}
    texts |= {option["valueCoding"]["display"] for item in pathways.walk(form["item"]) for option in item.get("answerOption", ())}
    assert sorted(text for text in texts if plain(text) not in english()) == []


FRENCH_FORM = re.compile(rf"{FRENCH.pattern}|\b(?:si|ou|et|du|de|caractères|oui|non)\b", re.IGNORECASE)
RULES = (
    "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TH",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE",
    "FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO,-1FR",
    "FREQ=WEEKLY;INTERVAL=6;BYDAY=TU",
)


def test_a_recurrence_is_said_in_both_languages() -> None:
    assert [recurrence.words(rule) for rule in RULES] == [
        "chaque lundi et jeudi",
        "mercredi, une semaine sur deux",
        "premier lundi et dernier vendredi du mois",
        "mardi, une semaine sur 6",
    ]
    speak("en")
    try:
        assert [recurrence.words(rule) for rule in RULES] == [
            "every Monday and Thursday",
            "Wednesday, every other week",
            "first Monday and last Friday of the month",
            "Tuesday, every 6 weeks",
        ]
        shown = [choice.label for choice in (*recurrence.rhythms(), *recurrence.day_choices())]
    finally:
        speak("fr")
    assert [text for text in shown if FRENCH_FORM.search(text)] == []


FIELDS = sorted(path for path in WEB.rglob("*.py"))


@pytest.mark.parametrize("path", FIELDS, ids=lambda path: str(path.relative_to(WEB)))
def test_each_question_of_a_form_has_its_english(path: Path) -> None:
    found = [
        text.value
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("Field", "Choice", "yes_no")
        for text in (*call.args[1:2], *(word.value for word in call.keywords if word.arg in ("hint", "label", "empty", "group")))
        if isinstance(text, ast.Constant) and isinstance(text.value, str) and LETTERS.search(text.value)
    ]
    assert [text for text in found if plain(text) not in english().keys() | SAME] == []


def simulated() -> list[str]:
    """What the pages of the simulation take from tables of words: figures, units, curves, reasons, moments, zones, teams, sections, scenarios."""
    tables = (words.LABELS, words.STOPPED, words.FORETOLD, presenters.STAFF, presenters.EXITS, presenters.ZONES)
    told = [text for table in tables for text in table.values()] + [text for pair in words.MAIN.values() for text in pair]
    told += [*presenters.SIDES, *editor.DAYS, *(title for title, _ in (*editor.DECIDED, *editor.SUPPOSED))]
    return [*told, *(text for name in shipped_names() for text in (shipped(name).title, shipped(name).question))]


def test_each_word_of_a_simulation_has_its_english() -> None:
    assert sorted({text for text in simulated() if text and plain(text) not in english().keys() | SAME}) == []


def test_each_parameter_and_unit_is_said_in_english() -> None:
    model = load("ed")
    codes = {("parameter", key) for key in model.parameters} | {("unit", one.unit) for one in model.parameters.values() if one.unit}
    codes |= {("simulation-choice", each) for one in model.parameters.values() for each in one.among}
    found = {code: labels.entry(*code) for code in codes}
    assert sorted(code for code, one in found.items() if one is None or not one.screen_en) == []
    assert sorted(one.screen_en for one in found.values() if one and FRENCH_FORM.search(one.screen_en)) == []
