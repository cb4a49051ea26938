"""What leaves the house in words: no name, no service, no reason (workflow rule book 0.8); the values are an address, a code or a number."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from maillage.messaging import Message


@cache
def sentences() -> dict[str, dict[str, str]]:
    """Every sentence of `words.csv`: key to language to text."""
    text = files(__package__).joinpath("words.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter=";")
    return {row["key"]: {lang: row[lang].replace("\\n", "\n") for lang in ("fr", "en")} for row in rows}


def subject(message: Message, *, demo: bool = False, lang: str = "fr") -> str:
    """The subject of an e-mail."""
    return f"{_banner(demo, lang)}{sentences()[f'{message.kind}.subject'][lang]}"


def text(message: Message, channel: str, *, demo: bool = False, lang: str = "fr") -> str:
    """The body of a message by this channel."""
    return f"{_banner(demo, lang)}{sentences()[f'{message.kind}.{channel}'][lang].format(**message.values)}"


def _banner(demo: bool, lang: str) -> str:
    return sentences()["demo"][lang].strip() + " : " if demo else ""
