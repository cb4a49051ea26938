"""Words of the house: what each code is called on screen, and what it means. GLOSSARY.md is written from the same tables."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("fr", "en")


@dataclass(frozen=True, slots=True)
class Entry:
    """One word: its kind (`state`, `verb`, `reason`...), code, FHIR name, labels, definition and source."""

    room: str
    kind: str
    code: str
    fhir: str
    screen_fr: str
    screen_en: str
    definition: str
    source: str


@cache
def entries() -> tuple[Entry, ...]:
    """Every word, by room then in the order of its table."""
    found: list[Entry] = []
    for table in sorted(files(__package__).iterdir(), key=lambda path: path.name):
        if table.name.endswith(".csv"):
            room = table.name.removesuffix(".csv")
            reader = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
            found += [Entry(room, **{key: (value or "").strip() for key, value in row.items()}) for row in reader]
    return tuple(found)


@cache
def _index() -> dict[tuple[str, str], Entry]:
    return {(entry.kind, entry.code): entry for entry in entries()}


def entry(kind: str, code: str) -> Entry | None:
    """The word of this kind and code, or None."""
    return _index().get((kind, code))


def label(kind: str, code: str, lang: str = "fr") -> str:
    """What the screen shows for a code; the code itself when it has no word (the house tests refuse that for our own codes)."""
    found = entry(kind, code)
    if found is None:
        return code
    return found.screen_fr if lang == "fr" else found.screen_en
