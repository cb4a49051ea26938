"""The faults of the rule book of security, each with the tests that play it: what is not played is said, and the table does not lag behind the tests."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest
from tests.support import claims

SHORT = {"F1", "F2", "F4", "F5", "F6", "F8", "F11", "F14", "F15", "F25"}
"""What continuous integration plays too, for correctness."""


def nightly_of(row: dict[str, str]) -> list[str]:
    return row["nightly"].split()


@cache
def marked() -> frozenset[str]:
    """Every test that only `make faults` runs."""
    found = set()
    for path in (claims.ROOT / "tests").rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        whole = re.search(r"^pytestmark = .*mark\.nightly", text, re.MULTILINE) is not None
        for node in ast.parse(text).body if "mark.nightly" in text else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                own = any("mark.nightly" in ast.unparse(one) for one in node.decorator_list)
                found |= {f"{path.relative_to(claims.ROOT).as_posix()}::{node.name}"} if whole or own else set()
    return frozenset(found)


def test_every_fault_has_its_line() -> None:
    assert [row["fault"] for row in claims.rows("faults")] == [f"F{number}" for number in range(1, 26)]


def test_what_is_short_runs_with_every_change_and_the_rest_at_night() -> None:
    for row in claims.rows("faults"):
        assert set(claims.tests_of(row)) <= claims.existing() - marked(), row
        assert set(nightly_of(row)) <= marked(), row
        assert claims.tests_of(row) or row["fault"] not in SHORT, row


def test_what_is_not_played_is_said() -> None:
    for row in claims.rows("faults"):
        assert row["status"] in ("holds", "partly", "not-built"), row
        assert bool(claims.tests_of(row) or nightly_of(row)) == (row["status"] != "not-built"), row
        assert row["note"] or row["status"] == "holds", row


@pytest.mark.parametrize("row", claims.rows("faults"), ids=lambda row: row["fault"])
def test_no_test_named_after_a_fault_is_left_out(row: dict[str, str]) -> None:
    number = row["fault"].removeprefix("F")
    name = re.compile(rf"::test_(?:f{number}|fault_{number}|\w+_and_f{number})_")
    assert {one for one in claims.existing() if name.search(one)} - {*claims.tests_of(row), *nightly_of(row)} == set()
