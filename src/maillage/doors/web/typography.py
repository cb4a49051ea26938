"""French typography: one filter for texts that come from data, one Jinja extension for the texts of templates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

NARROW, FIXED = "\u202f", "\u00a0"
_RULES = (
    (re.compile(r"(?<=\w)'(?=\w)"), "’"),
    (re.compile(r"[ \u00a0\u202f]+(?=[;?!])"), NARROW),
    (re.compile(r"[ \u00a0\u202f]+(?=:(?:\s|$))"), FIXED),
    (re.compile(r"«[ \u00a0\u202f]*"), "«" + FIXED),
    (re.compile(r"[ \u00a0\u202f]*»"), FIXED + "»"),
    (re.compile(r"(?<=\d)[ \u00a0](?=\d{3}(?!\d))"), NARROW),
    (re.compile(r"(?<=\d) (?=(?:€|%|h|min|ans?|mois|jours?)(?!\w))"), FIXED),
)
_ANY = re.compile(r"['«»;?!:]|\d[ \u00a0]")
"""What no rule applies without."""


def french(text: str) -> str:
    """The text with the spaces and apostrophes that French printing asks for; idempotent."""
    if not _ANY.search(text):
        return text
    for pattern, written in _RULES:
        text = pattern.sub(written, text)
    return text


class FrenchTypography(Extension):
    """Apply `french` to the fixed text of every template when it is compiled."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Pass every token on, the texts corrected."""
        for token in stream:
            yield Token(token.lineno, token.type, french(token.value)) if token.type == "data" else token
