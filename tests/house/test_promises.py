"""What we say of our safety names tests, the tests exist, and in a whole run they ran (see `pytest_terminal_summary` in tests/conftest.py)."""

from __future__ import annotations

import pytest
from tests.support import claims

NUMBERS = {
    "promises": [str(number) for number in range(1, 11)],
    "hazards": [f"H{number}" for number in range(1, 25)],
}
CHAPTERS = {1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 47, 7: 19, 8: 13, 9: 7, 10: 36, 11: 14, 12: 9, 13: 13, 14: 13, 15: 13, 16: 17, 17: 7}
"""Requirements of ASVS 5.0 by chapter: levels 1 and 2, and level 3 for authentication, sessions, authorisation, tokens and logs."""

WHOLE = {"V6", "V7", "V8", "V9", "V10", "V16"}


@pytest.mark.parametrize("document", sorted(claims.DOCUMENTS))
def test_every_named_test_exists(document: str) -> None:
    known = claims.existing()
    assert [name for row in claims.rows(document) for name in claims.tests_of(row) if name not in known] == []


@pytest.mark.parametrize("document", sorted(claims.DOCUMENTS))
def test_what_holds_has_a_test_and_what_does_not_says_why(document: str) -> None:
    for row in claims.rows(document):
        assert row["status"] in ("holds", "partly", "not-built", "operator", "not-applicable"), row
        if row["status"] in ("holds", "partly"):
            assert claims.tests_of(row), row
        else:
            assert not claims.tests_of(row), row
            assert document == "hazards" or row["note"], row
        if row["status"] == "partly" and document != "hazards":
            assert row["note"], row


@pytest.mark.parametrize("document", sorted(NUMBERS))
def test_no_line_is_missing(document: str) -> None:
    key = next(iter(claims.rows(document)[0]))
    assert [row[key] for row in claims.rows(document)] == NUMBERS[document]


def test_a_hazard_is_told_whole() -> None:
    for row in claims.rows("hazards"):
        assert all(row[name] for name in ("cause", "effect", "severity", "likelihood", "control", "owner")), row
        assert row["severity"] in ("minor", "moderate", "major", "catastrophic")
        assert row["likelihood"] in ("rare", "occasional", "frequent")


def test_the_requirements_are_those_of_the_levels_that_we_chose() -> None:
    counted: dict[int, int] = {}
    for row in claims.rows("asvs"):
        chapter = row["requirement"].partition(".")[0]
        counted[int(chapter[1:])] = counted.get(int(chapter[1:]), 0) + 1
        assert row["level"] in ("1", "2") or chapter in WHOLE or chapter == "V14", row
        assert row["ours"].endswith("."), row
    assert counted == CHAPTERS
    named = [row["requirement"] for row in claims.rows("asvs")]
    assert len(set(named)) == len(named)


def test_the_readme_says_the_ten_promises_and_what_proves_them() -> None:
    text = (claims.ROOT / "README.md").read_text(encoding="utf-8")
    assert claims.BEGIN + claims.promised() + claims.END in text, "python -m tests.support.claims writes them"
