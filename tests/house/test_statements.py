"""Every address that shows something, and every step by which one comes in, says how many statements it asks: one that no table names fails here."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from tests.journeys.test_every_page import MOST
from tests.support.statements import PAGES, name_of

from maillage.doors.edge import Limit
from maillage.doors.web.pages import Page

DOORS = Path(__file__).parents[1] / "doors"
TABLES = {file.stem: import_module(f"tests.doors.{file.stem}").MOST for file in sorted(DOORS.glob("test_*_statements.py"))}
PINNED = {name.partition(",")[0] for table in (MOST, *TABLES.values()) for name in table}
"""What the tables name, whatever the state; a refusal has its status behind its route, and pins nothing but itself."""
CONSENT = "/oauth/authorize"


def must_be_pinned(page: Page) -> bool:
    """All that looks; of what acts, what anybody may send and what is counted as an attempt to sign in, and the consent that lets an app in."""
    return page.method == "GET" or page.public or page.limit is Limit.LOGIN or page.path == CONSENT


@pytest.mark.parametrize("page", [page for page in PAGES if must_be_pinned(page)], ids=lambda page: name_of(page.method, page.path))
def test_each_address_says_how_many_statements_it_asks(page: Page) -> None:
    assert name_of(page.method, page.path) in PINNED
