"""What docs/*.csv claim, and the tests that they name."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("promises", "hazards", "asvs")


@cache
def rows(document: str) -> list[dict[str, str]]:
    """The lines of one document."""
    return list(csv.DictReader((ROOT / "docs" / f"{document}.csv").read_text(encoding="utf-8").splitlines()))


def tests_of(row: dict[str, str]) -> list[str]:
    """The tests that a line names, as `path::name`."""
    return row["tests"].split()


def named() -> set[str]:
    """Every test that some line names."""
    return {name for document in DOCUMENTS for row in rows(document) for name in tests_of(row)}


@cache
def existing() -> frozenset[str]:
    """Every test function of the tree."""
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        place = path.relative_to(ROOT).as_posix()
        found |= {f"{place}::{name}" for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}
    return frozenset(found)
