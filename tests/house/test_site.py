"""The documentation site builds without a network and without a warning, and shows all that it names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import docsite

    yield docsite
    sys.modules.pop("docsite", None)


def test_the_site_is_whole(site: Any) -> None:
    site.stage()
    site.build()
    assert site.problems() == []
    pages = {str(page.relative_to(site.SITE)) for page in site.SITE.rglob("*.html")}
    assert {
        "index.html",
        "glossaire.html",
        "guide/dangers.html",
        "guide/coordination.html",
        "guide/toutes-les-pages.html",
        "en/index.html",
    } <= pages
    assert '<html lang="en"' in (site.SITE / "en" / "index.html").read_text(encoding="utf-8")


def test_what_a_page_would_fetch_from_elsewhere_is_seen(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "SITE", tmp_path)
    (tmp_path / "a.html").write_text(
        '<script src="//cdn.example/x.js"></script><img src="missing.png"><link rel="canonical" href="https://x/">'
    )
    assert site.problems() == ["a.html loads //cdn.example/x.js", "a.html: missing.png is not there"]
