"""What results say, told in French or in English: a result keeps codes and figures, whoever shows it makes the sentence."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any, Final

from maillage.simulation.fitted import Fitted
from maillage.simulation.words import number, written

LANGUAGES: Final = ("fr", "en")
Said = dict[str, Any]
"""A sentence to be: its code, and the figures and names that stand in it."""


def said(code: str, /, **values: float | str | None) -> Said:
    """The sentence of this code with these figures; a figure that JSON cannot say is none."""
    return {"code": code, "values": values}


@cache
def sentences() -> dict[str, dict[str, str]]:
    """Every sentence of `sentences.csv`: code to language to text."""
    return {row["code"]: {lang: row[lang] for lang in LANGUAGES} for row in _table("sentences.csv")}


@cache
def english() -> dict[str, str]:
    """The English of every fixed text of this package, titles of scenarios that ship included: French text to English."""
    return {row["fr"]: row["en"] for row in _table("english.csv")}


def _table(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter=";"))


def tell(told: Mapping[str, Any], lang: str = "fr") -> str:
    """The sentence in this language. Raises `KeyError` for a code without one."""
    return _Writing(lang).vformat(sentences()[told["code"]][lang], (), told["values"])


class _Writing(Formatter):
    """What stands in a sentence, as its language writes it: `{x}` a number as on pages or a name, `{x:.2f}` so many decimals, `{x:day}` a date."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def format_field(self, value: float | str | None, spec: str) -> str:
        """One figure or name."""
        if value is None:
            return "–"
        if isinstance(value, str):
            return f"{date.fromisoformat(value):%d/%m/%Y}" if spec == "day" else spoken(value, self.lang)
        return written(format(value, spec), self.lang) if spec else number(value, self.lang)


def spoken(text: str, lang: str) -> str:
    """A fixed text of ours in this language; what somebody wrote stays as it is."""
    return english().get(text, text) if lang == "en" else text


LIMITS: Final = (said("limit.compares"), said("limit.not-fitted"), said("limit.patience"), said("limit.simplified"), said("limit.places"))
"""What is said with every result of a scenario that was not fitted to its department."""


def limits(*calibrations: Fitted | None) -> list[Said]:
    """What is said with every result; a scenario that was fitted to its department says how."""
    found = [how_fitted(each) for each in calibrations or (None,)]
    return [LIMITS[0], *(each for n, each in enumerate(found) if each not in found[:n]), *LIMITS[2:]]


def how_fitted(fitted: Fitted | None) -> Said:
    """By what a scenario was fitted and how well; or that it was not."""
    if fitted is None:
        return LIMITS[1]
    begin, judged = fitted.begin.isoformat(), {each.measure: 100 * each.coverage for each in fitted.back_test}
    if not fitted.calibrated:
        return said("limit.not-foretold", weeks=fitted.weeks, begin=begin, held=fitted.held_out)
    return said("limit.fitted", weeks=fitted.weeks, begin=begin, held=fitted.held_out, inside=100 * fitted.inside_band, **judged)
