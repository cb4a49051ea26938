"""What docs/*.csv claim, and the tests that they name. `python -m tests.support.claims` writes the ten promises into the README."""

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
    return {name for document in (*DOCUMENTS, "faults") for row in rows(document) for name in tests_of(row)}


@cache
def existing() -> frozenset[str]:
    """Every test function of the tree."""
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        place = path.relative_to(ROOT).as_posix()
        found |= {f"{place}::{name}" for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}
    return frozenset(found)


BEGIN, END = "<!-- promises: written by python -m tests.support.claims -->\n", "<!-- end of promises -->\n"
STATES = {"holds": "holds", "partly": "holds in part", "not-built": "not built"}


def promised() -> str:
    """The ten promises as a table of the README, each with the tests that prove it."""
    lines = ["| | promise | today | proved by |", "|---|---|---|---|"]
    for row in rows("promises"):
        proofs = ", ".join(f"[{name.rpartition('::')[2]}]({name.partition('::')[0]})" for name in tests_of(row))
        note = f": {row['note']}" if row["note"] else ""
        lines.append(f"| {row['promise']} | {row['words']} | {STATES[row['status']]}{note} | {proofs} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Put the table where the README keeps it."""
    path = ROOT / "README.md"
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    path.write_text(f"{before}{BEGIN}{promised()}{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
