"""Pages on paper, for an outage and for a meeting (H14): the lists whole, when and by whom they were opened, nothing to press."""

from __future__ import annotations

import io
from collections.abc import Callable

import pikepdf
import pytest
from playwright.sync_api import expect
from tests.journeys.people import Person, words

pytestmark = pytest.mark.browser
SHEET = {"width": 718, "height": 1016}
"""An A4 sheet within margins of a centimetre, in CSS pixels."""
ACROSS = {"width": 1046, "height": 718}
TO_PRESS = "nav, button, input, select, textarea, a.m-button"
PAPER = (
    ("medecin-clamart", "Mes listes", "/"),
    ("medecin-clamart", "Mes listes", "/listes/sent-by-us"),
    ("secretaire-percy", "Mes listes", "/planification"),
    ("gestionnaire-clamart", "Mes listes", "/accueil"),
    ("gestionnaire-clamart", "Mes listes", "/accueil/secours"),
)


@pytest.mark.parametrize(("who", "first", "path"), PAPER, ids=[path for _, _, path in PAPER])
def test_a_list_on_paper_says_when_and_by_whom_and_has_nothing_to_press(
    person: Callable[..., Person], who: str, first: str, path: str
) -> None:
    one = person(who, at=first)
    answer = one.page.goto(one.address + path)
    assert answer is not None
    assert answer.ok
    opened = one.page.get_by_text(words("Page ouverte le"))
    expect(opened).to_be_hidden()
    rows = one.page.locator("main tbody tr").count()
    one.page.emulate_media(media="print")
    one.page.set_viewport_size(SHEET)  # type: ignore[arg-type]  # the two words that Playwright knows
    expect(opened).to_be_visible()
    expect(opened).to_contain_text(one.page.locator(".m-person-name").first.text_content() or "nobody")
    expect(one.page.get_by_role("heading", level=1)).to_be_visible()
    expect(one.page.get_by_text("DONNÉES FICTIVES")).to_be_visible()
    assert [found for found in one.page.locator(TO_PRESS).all() if found.is_visible()] == []
    assert one.page.locator("main tbody tr:visible").count() == rows
    assert one.page.evaluate("document.documentElement.scrollWidth") <= SHEET["width"]


def test_figures_too_wide_for_a_sheet_are_printed_across(person: Callable[..., Person]) -> None:
    coordinator = person("coordination-seine", at="Pilotage du territoire")
    page = coordinator.page
    page.emulate_media(media="print")
    page.set_viewport_size(ACROSS)  # type: ignore[arg-type]  # the two words that Playwright knows
    assert page.evaluate("document.documentElement.scrollWidth") <= ACROSS["width"]
    with pikepdf.open(io.BytesIO(page.pdf(prefer_css_page_size=True))) as printed:
        across = [float(sheet.mediabox[2]) > float(sheet.mediabox[3]) for sheet in printed.pages]
    assert not across[0], "the map stands upright"
    assert True in across
