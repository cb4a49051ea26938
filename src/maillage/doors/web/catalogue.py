"""The sentences that pages say, keyed by code, in French and in English."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

from maillage.codes import labels
from maillage.doors.web.language import LANGUAGES, language
from maillage.doors.web.typography import french


@cache
def sentences() -> dict[str, dict[str, str]]:
    """Every sentence of `messages.csv`: key to language to text."""
    text = files(__package__).joinpath("messages.csv").read_text(encoding="utf-8")
    return {row["key"]: {lang: row[lang] for lang in LANGUAGES} for row in csv.DictReader(text.splitlines(), delimiter=";")}


def say(key: str, lang: str = "", **values: object) -> str:
    """The sentence of a key, its `{names}` filled, in the language of the page unless one is named. Raises `KeyError` for a key without a sentence."""
    lang = lang or language()
    text = sentences()[key][lang].format(**values)
    return french(text) if lang == "fr" else text


def listed(names: Iterable[str], key: str = "list.and") -> str:
    """`lundi, mardi et jeudi`: the last one after the word of the language."""
    found = list(names)
    return say(key, first=", ".join(found[:-1]), last=found[-1]) if len(found) > 1 else "".join(found)


def done_sentence(code: str) -> str:
    """What the page says after an act; nothing for a code that is not ours."""
    return say(f"done.{code}") if f"done.{code}" in sentences() else ""


def role_words(codes: Iterable[str], lang: str = "") -> str:
    """The roles of somebody in words, the most telling first: `médecin, référent`."""
    order = ("medecin", "infirmier", "secretaire")
    ranked = sorted(set(codes), key=lambda code: (order.index(code) if code in order else len(order), code))
    return ", ".join(word("role", code, lang).lower() for code in ranked)


def word(kind: str, code: str, lang: str = "") -> str:
    """The label of a code of this kind, with French typography."""
    return _word(kind, code, lang or language())


@lru_cache(maxsize=4096)
def _word(kind: str, code: str, lang: str) -> str:
    text = labels.label(kind, code, lang)
    return french(text) if lang == "fr" else text


def explain(reason: str, lang: str = "") -> str:
    """What a user reads for the reason code of an error: our sentence, else its label, else a sentence that says what to do."""
    base, _, detail = reason.partition(":")
    if f"error.{base}" in sentences():
        return say(f"error.{base}", lang, detail=detail)
    for kind in ("error", "reason"):
        if labels.entry(kind, base):
            return word(kind, base, lang)
    return say("error.other", lang, reason=reason)
