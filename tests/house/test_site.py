"""The documentation site builds without a network and without a warning, and shows all that it names."""

from __future__ import annotations

import re
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
        "en/hazards.html",
    } <= pages
    assert '<html lang="en"' in (site.SITE / "en" / "index.html").read_text(encoding="utf-8")


BOTH = {
    "index.md": "en/index.md",
    "guide/medecin-de-ville.md": "en/city-doctor.md",
    "guide/secretariat.md": "en/office.md",
    "guide/specialiste.md": "en/specialist.md",
    "guide/planification.md": "en/planner.md",
    "guide/centre-hote.md": "en/host-centre.md",
    "guide/coordination.md": "en/coordinator.md",
    "guide/patient.md": "en/patient.md",
    "guide/administration.md": "en/administration.md",
    "guide/coupure.md": "en/outage.md",
    "guide/fhir.md": "en/fhir.md",
    "guide/accessibilite.md": "en/accessibility.md",
}
"""A page in French, and the same in English."""
IN_ONE = {"guide/sauvegarde.md"}
"""Told in English on the page of administration."""


def pictures(page: str) -> list[str]:
    """What a page shows, in its order."""
    return re.findall(r"screenshots/([\w-]+)[.]png", (ROOT / "docs" / page).read_text(encoding="utf-8"))


def test_every_guide_is_in_both_languages() -> None:
    written = {str(page.relative_to(ROOT / "docs")) for folder in ("guide", "en") for page in (ROOT / "docs" / folder).glob("*.md")}
    assert written | {"index.md"} == BOTH.keys() | set(BOTH.values()) | IN_ONE
    assert {page: pictures(page) for page in BOTH} == {page: pictures(other) for page, other in BOTH.items()}


def test_what_a_page_would_fetch_from_elsewhere_is_seen(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "SITE", tmp_path)
    (tmp_path / "a.html").write_text(
        '<script src="//cdn.example/x.js"></script><img src="missing.png"><link rel="canonical" href="https://x/">'
    )
    assert site.problems() == ["a.html loads //cdn.example/x.js", "a.html: missing.png is not there"]
