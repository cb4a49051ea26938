"""SQL lives where it may, and every table that knows a patient says who may see its rows."""

import ast
import re
from pathlib import Path

import pytest

from maillage.store.migrate import schema

SOURCE = Path(__file__).resolve().parents[2] / "src" / "maillage"
STATEMENT = re.compile(r"\b(SELECT\s.+?\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b", re.DOTALL)
ALLOWED_FOLDERS = ("store", "record", "indicators")
ALLOWED_NAMES = ("queries", "actions")

NOT_SHOWN = {
    "care_link": "decides visibility, is never shown itself",
    "audit_event": "read by organisation, through audit_trail alone",
    "resource_version": "read through resource_head or an index table",
}
"""Tables with a patient that no query of a room reads, and why that is enough."""


def _may_hold_sql(path: Path) -> bool:
    parts = path.relative_to(SOURCE).parts
    return parts[0] in ALLOWED_FOLDERS or path.stem in ALLOWED_NAMES or "actions" in parts or "queries" in parts


def test_sql_is_written_only_where_it_may() -> None:
    found = []
    for path in SOURCE.rglob("*.py"):
        if "_vendor" in path.parts or _may_hold_sql(path):
            continue
        texts = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        found += [f"{path.relative_to(SOURCE)}:{node.lineno}" for node in texts if STATEMENT.search(node.value)]
    assert found == []


CHOSEN = re.compile(r"\bIN\s*(\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\))")


def test_rows_that_are_limited_and_locked_are_chosen_once() -> None:
    """Inside IN (...) PostgreSQL may choose anew for each row, and pass over those that it just locked: choose in a MATERIALIZED part of WITH."""
    files = [path for kind in ("*.py", "*.sql") for path in SOURCE.rglob(kind) if "_vendor" not in path.parts]
    chosen = [(path.name, match[1]) for path in files for match in CHOSEN.finditer(path.read_text(encoding="utf-8"))]
    assert chosen
    assert [one for one in chosen if "LIMIT" in one[1] and "FOR UPDATE" in one[1]] == []


def _tables() -> dict[str, str]:
    return dict(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*?)\n\);", schema(), re.DOTALL))


@pytest.mark.parametrize("table", sorted(name for name, body in _tables().items() if re.search(r"^\s+patient_id\b", body, re.MULTILINE)))
def test_a_table_with_a_patient_says_who_may_see_it(table: str) -> None:
    if table in NOT_SHOWN:
        return
    columns = set(re.findall(r"^\s+(\w+)\s", _tables()[table], re.MULTILINE))
    assert {"owner_org", "parties"} <= columns
