"""What results say, told in French or in English: a result keeps codes and figures, whoever shows it makes the sentence."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from maillage.simulation.words import number

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
    return sentences()[told["code"]][lang].format(**{name: _value(value, lang) for name, value in told["values"].items()})


def _value(value: float | str | None, lang: str) -> str:
    if isinstance(value, str):
        return spoken(value, lang)
    return "–" if value is None else number(value, lang)


def spoken(text: str, lang: str) -> str:
    """A fixed text of ours in this language; what somebody wrote stays as it is."""
    return english().get(text, text) if lang == "en" else text


LIMITS: Final = (said("limit.compares"), said("limit.not-fitted"), said("limit.patience"), said("limit.simplified"), said("limit.places"))
"""What is said with every result of a scenario that was not fitted to its department."""


def limits(*calibrations: str) -> list[Said]:
    """What is said with every result; a scenario that was fitted to its department says how."""
    fitted = [said("limit.fitted", calibration=each) if each else LIMITS[1] for each in dict.fromkeys(calibrations)]
    return [LIMITS[0], *(fitted or [LIMITS[1]]), *LIMITS[2:]]
