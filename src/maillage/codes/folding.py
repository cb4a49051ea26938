"""Text as searches compare it: no accents, no case, single spaces. Stored values and queries pass through the same function."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "đ": "d", "ł": "l", "ð": "d", "þ": "th", "ı": "i", "’": "'", "‘": "'", "ʼ": "'"})


_BETWEEN_WORDS = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """`"  Élodie  Lefèvre-Œuf"` -> `"elodie lefevre-oeuf"`."""
    if text.isascii():
        return " ".join(text.casefold().split())
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


LONGEST_KEPT = 100


def plain(text: str) -> str:
    """The same without punctuation: `"Lefèvre-Œuf"` -> `"lefevre oeuf"`; a text that is all punctuation keeps it."""
    return _known(text) if len(text) <= LONGEST_KEPT else _plain(text)


def _plain(text: str) -> str:
    folded = fold(text)
    return _BETWEEN_WORDS.sub(" ", folded).strip() or folded


_known = lru_cache(maxsize=8192)(_plain)
"""The displays of codes come back with each resource."""
