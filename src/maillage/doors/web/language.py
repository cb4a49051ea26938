"""The language of a page: French, or English for who asks for it. Texts written in French in templates and forms have their English in one table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from importlib.resources import files

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from maillage.simulation.sentences import english as simulated

LANGUAGES = ("fr", "en")
_current: ContextVar[str] = ContextVar("language", default="fr")
_SPOKEN = re.compile(r'((?:aria-label|title|placeholder|alt|data-label)=")([^"]+)(?="|\Z)')
"""An attribute that is read, to its end or to where an expression stands in it."""
_COLON = re.compile(r"\s+:")
EDGES = " \u00a0\u202f\n\t·,.:»«"
"""What stands around a text that the table knows."""


def language() -> str:
    """The language in which the present request is answered."""
    return _current.get()


def speak(lang: str) -> None:
    """Answer the present request in this language."""
    _current.set(lang if lang in LANGUAGES else "fr")


@cache
def english() -> dict[str, str]:
    """Every French text of a template or a form, with its English; the words of the simulation have theirs beside them."""
    text = files(__package__).joinpath("english.csv").read_text(encoding="utf-8")
    ours = {row["fr"]: row["en"] for row in csv.DictReader(text.splitlines(), delimiter=";")}
    return {plain(french): said for french, said in (simulated() | ours).items()}


def plain(text: str) -> str:
    """The text as the table knows it: one kind of space and of apostrophe."""
    return " ".join(text.replace("'", "’").split())


def translated(text: str) -> str:
    """The English of a whole text, between the same spaces and signs; the text itself when the table does not know it."""
    for core in (text.strip(), text.strip(EDGES)):
        found = english().get(plain(core))
        if found is not None:
            lead, _, trail = text.partition(core)
            return f"{lead}{found}{_COLON.sub(':', trail)}"
    return text


def spoken(text: str) -> str:
    """A French text of ours in the language of the page: for what is put into a sentence."""
    return translated(text) if language() == "en" else text


class EnglishPages(Extension):
    """Put the English of every text into a template when it is compiled: between tags, in what is read aloud, and in what is given to components."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Pass every token on, the texts translated."""
        place = Place()
        for token in stream:
            if token.type == "data":
                yield Token(token.lineno, token.type, "".join(place.spoken(part) for part in place.parts(token.value)))
            else:
                yield Token(token.lineno, token.type, translated(token.value)) if token.type == "string" else token


class Place:
    """Where one stands in a template, whose expressions cut tags and texts anywhere: in a tag or not, and in which quotes."""

    def __init__(self) -> None:
        self._tag, self._quote, self._text = False, "", False

    def parts(self, data: str) -> Iterator[str]:
        """The text of a template, cut where a tag begins or ends."""
        start = 0
        for at, char in enumerate(data):
            if not self._tag and char == "<":
                self._text = True
                yield data[start:at]
                start, self._tag, self._quote = at, True, ""
            elif self._tag and char in "\"'":
                self._quote = "" if self._quote == char else self._quote or char
            elif self._tag and char == ">" and not self._quote:
                self._text = False
                yield data[start : at + 1]
                start, self._tag = at + 1, False
        self._text = not self._tag
        yield data[start:]

    def spoken(self, part: str) -> str:
        """A part in English: a text whole, a tag in its attributes that are read."""
        if self._text:
            return translated(part)
        return _SPOKEN.sub(lambda found: found[1] + translated(found[2]), part)
