"""What a result says: every code has its sentence in both languages, with the same figures in it, and a result that is kept can be told in either."""

from __future__ import annotations

import ast
import json
import math
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
from tests.support.fits import fit_of

from maillage.doors.web.language import speak
from maillage.doors.web.simulation import presenters
from maillage.simulation import answers, load, shipped, shipped_names, spreadsheet, words
from maillage.simulation.sentences import LANGUAGES, Said, english, limits, said, sentences, spoken, tell
from maillage.simulation.study import Study, study

CODES = {
    "alone",
    "against",
    "idle",
    *(f"{how}.{name}" for how in ("less", "more", "same") for name in answers.SAID),
    *(f"held.{how}" for how in ("yes", "no", "open")),
    *(f"loaded.{name}" for name in words.CHARGED),
    *(f"limit.{name}" for name in ("compares", "not-fitted", "not-foretold", "fitted", "patience", "simplified", "places")),
    *(f"warm-up.{how}" for how in ("never", "over")),
    *("gap", "played", "assumed", "weights", "weight", "trace", "report.code"),
    *(f"fit.{name}" for name in ("factor", "not-informed", "far", "held-out")),
    *(f"forecast.{name}" for name in ("from", "memory", "day", "evening", "beds", "score")),
    *(f"plan.{name}" for name in ("proposal", "size", "cost", "made-of", "moved", "waits", "waits-more", "clause", "full", "one-more")),
    *(f"plan.{name}" for name in ("other-weights", "unreachable", "choices")),
    *("team.found", "team.none", "breaks.at", "breaks.never", "plot.day", "plot.warm-up", "plot.scenario"),
}
FRENCH = re.compile(r"[àâéèêëîïôùûç«»]|\b(?:le|la|les|des|une|aucune|pour|avec|dans|sont|sans|par|et|ou|du|de)\b", re.IGNORECASE)


@cache
def two() -> tuple[Study, Study]:
    a, b = (study(shipped(f"percy-35000-{name}"), replications=2, days=30, warm_up=5) for name in ("rebuilt", "overflow"))
    return a, b


def test_each_code_has_its_sentence_in_both_languages_and_no_sentence_is_without_a_code() -> None:
    assert sentences().keys() == CODES
    assert [code for code, told in sentences().items() if not all(told[lang].strip() for lang in LANGUAGES)] == []


@pytest.mark.parametrize("code", sorted(CODES))
def test_both_languages_say_the_same_figures(code: str) -> None:
    """And write them alike: so many decimals, a date."""
    french, other = (sorted((name, spec) for _, name, spec, _ in Formatter().parse(sentences()[code][lang]) if name) for lang in LANGUAGES)
    assert french == other


def test_no_english_sentence_is_french() -> None:
    assert [told["en"] for told in sentences().values() if FRENCH.search(told["en"])] == []


def test_numbers_are_written_as_the_language_writes_them() -> None:
    assert [words.number(-1.25, lang) for lang in LANGUAGES] == ["−1,2", "−1.2"]
    assert [tell(said("idle", hours=None), lang) for lang in LANGUAGES] == [
        "Le médecin de ville y est sans patient – h par jour.",
        "The city doctor is without a patient for – h a day.",
    ]
    assert words.number(math.inf, "en") == "–"


def test_a_sentence_says_how_its_figures_are_written() -> None:
    factor = said("fit.factor", name="Transferts", median=-1.256, low=1, high=None)
    assert [tell(factor, lang) for lang in LANGUAGES] == ["Transferts : × −1,26 [1,00 ; –]", "Transfers: × −1.26 [1.00 ; –]"]
    day = said("forecast.from", weeks=20, begin="2026-05-04", hour=0)
    assert [tell(day, lang) for lang in LANGUAGES] == [
        "20 semaines de comptes ; à partir du 04/05/2026, 0 h. Ne dit rien d'une personne.",
        "20 weeks of counts; from 04/05/2026, 0:00. Says nothing of a person.",
    ]


def test_the_titles_that_ship_are_said_in_english_and_those_that_somebody_gave_stay() -> None:
    assert [name for name in shipped_names() if spoken(shipped(name).title, "en") == shipped(name).title] == []
    head = said("against", other="Mon service", first=shipped("percy-20000").title)
    assert tell(head, "en") == "With “Mon service” rather than “Percy today: 20,000 visits, present team”:"
    assert tell(head, "fr") == "Avec « Mon service » plutôt que « Percy aujourd'hui : 20 000 passages, équipe actuelle » :"


def test_a_result_that_was_kept_is_told_in_either_language() -> None:
    kept = json.loads(json.dumps(answers.answer(*two()), allow_nan=False))
    assert [tell(each) for each in kept["conclusion"]] == answers.told(*two())
    told = [tell(each, "en") for each in (*kept["conclusion"], *kept["limits"])]
    assert [text for text in told if FRENCH.search(text)] == []
    assert told[0].startswith("With “Percy: 35,000 visits, rebuilt department, city doctor in the evening” rather than")
    figures = re.compile(r"\d+(?:[.,]\d+)?")
    for each in kept["conclusion"][1:]:
        assert figures.findall(tell(each, "en")) == [found.replace(",", ".") for found in figures.findall(tell(each, "fr"))]


def test_a_page_tells_how_a_scenario_was_fitted_in_its_language() -> None:
    kept: list[Said] = json.loads(json.dumps(limits(fit_of(), None)))
    speak("en")
    try:
        shown = presenters.limits_of({"limits": kept})
    finally:
        speak("fr")
    assert shown[1].startswith("Fitted to this department: 39 weeks from 05/01/2026,")
    assert shown[2] == "Not fitted to this department."
    assert [text for text in shown if FRENCH.search(text)] == []
    assert presenters.limits_of({"limits": kept})[1].startswith("Calé sur ce service : 39 semaines")


def fixed() -> set[str]:
    """What the sources of the simulation say as it stands: by `spoken`, by headings and heads of tables."""
    found: set[str] = set()
    for path in Path(str(files("maillage.simulation"))).glob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id in ("spoken", "_heading", "_heads"):
                found |= {node.value for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return found


def test_the_fixed_texts_of_results_have_their_english() -> None:
    named = (words.LABELS, words.STOPPED, words.FACTORS, words.WAYS_OUT, words.JUDGED, words.FORETOLD, words.HEAVIER)
    tables = (*(each.values() for each in named), *words.MAIN.values(), spreadsheet.HEADS)
    said_as_they_stand = {text for table in tables for text in table if text} | fixed()
    assert {"HYPOTHÈSE", "1. Objectifs", "Paramètre", "écart"} <= said_as_they_stand
    assert sorted(said_as_they_stand - english().keys()) == []
    assert sorted(text for text in english().values() if FRENCH.search(text)) == []


def test_the_sources_of_a_model_are_said_in_english() -> None:
    sources = {parameter.source for parameter in load("ed").parameters.values()}
    assert sorted(
        source for source in sources if source not in english() and (FRENCH.search(source) or " :" in source or " ;" in source)
    ) == ["Gellibert, Périgueux 2017"]
