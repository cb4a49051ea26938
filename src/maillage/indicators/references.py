"""What was published elsewhere, to be read beside our figures and never as their target: other populations, other definitions."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Reference:
    """One published value: what it measured, and where."""

    value: str
    meaning: dict[str, str]
    source: str


@cache
def references() -> dict[str, tuple[Reference, ...]]:
    """The published values by indicator (workflow rule book 0.9: grey, with source, and said to be of another population)."""
    text = files(__package__).joinpath("references.csv").read_text(encoding="utf-8")
    found: dict[str, tuple[Reference, ...]] = {}
    for row in csv.DictReader(text.splitlines(), delimiter=";"):
        one = Reference(row["value"], {"fr": row["fr"], "en": row["en"]}, row["source"])
        found[row["key"]] = (*found.get(row["key"], ()), one)
    return found
