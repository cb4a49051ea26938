"""The committed index tables are those that the published search parameters ask for."""

from __future__ import annotations

import re

from maillage.record import index


def test_index_sql_is_what_the_registry_makes() -> None:
    assert index.SQL_FILE.read_text(encoding="utf-8") == index.ddl(), "run: python -m maillage.record.index"


def test_names_fit_in_postgresql() -> None:
    names = re.findall(r"(?:TABLE|INDEX) (\w+)", index.ddl())
    assert len(names) == len(set(names))
    assert max(map(len, names)) < 64
