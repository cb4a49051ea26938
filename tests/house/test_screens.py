"""Every page has its picture: a route that is added has one, or a reason to have none; no picture is without a page, a test that takes it, or words."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.support.screens import FOLDER, NOT_SHOWN, ROOT, screens
from tests.support.walking import LOOKING

HEAVIEST, ALL = 110_000, 8_000_000
"""Bytes: the heaviest picture there is, and the whole folder, which a clone brings."""
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]*screenshots/([^)/]+)\.png)\)")


def test_every_page_has_a_picture_or_a_reason() -> None:
    shown = {one.route for one in screens() if one.route}
    assert {page.path for page in LOOKING} == shown | NOT_SHOWN.keys(), (
        "declare it in docs/pages.csv, or say why not in tests/support/screens.py"
    )
    assert shown.isdisjoint(NOT_SHOWN)


def test_every_picture_is_declared_once_and_is_there() -> None:
    declared = Counter(one.picture for one in screens())
    assert set(declared.values()) == {1}
    assert {path.stem for path in FOLDER.glob("*")} == set(declared), "run `make sweep`: it takes what is declared"


def test_every_picture_is_taken_by_one_test() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / "journeys").glob("*.py")))
    taken = Counter(re.findall(r'"([a-z0-9-]+)"', code))
    assert [one.picture for one in screens() if not taken[one.picture]] == []


def test_pictures_are_light() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.glob("*.png")}
    assert {name: size for name, size in sizes.items() if size > HEAVIEST} == {}
    assert sum(sizes.values()) < ALL


def test_every_picture_says_what_is_seen() -> None:
    found = screens()
    assert [one.picture for one in found if len(one.alt.split()) < 4 or not one.says.endswith(".") or not one.title] == []
    assert [text for text, times in Counter(one.alt for one in found).items() if times > 1] == []


@pytest.mark.parametrize("page", [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_picture_in_a_text_is_one_of_them_and_has_words(page: Path) -> None:
    known = {one.picture for one in screens()}
    for words, _, picture in IMAGE.findall(page.read_text(encoding="utf-8")):
        assert picture in known, picture
        assert len(words) > 10, f"{picture}: say what is seen"


def test_the_list_of_the_site_names_every_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import docsite

    site: Any = docsite
    try:
        assert {one.by for one in screens()} == site.ROLES.keys()
        page = site.every_page()
        assert [one.picture for one in screens() if f"screenshots/{one.picture}.png)" not in page] == []
    finally:
        sys.modules.pop("docsite", None)
