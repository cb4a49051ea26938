"""The page of the territory: each commune with its communities and basins."""

from __future__ import annotations

import re

import pytest
from tests.support.web import make_door, territory, visiting

from maillage.store import Database

FILL = territory


@pytest.mark.asyncio
async def test_the_page_of_the_territory(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        assert 'href="/territoire"' in (await visitor.get("/services")).text
        page = await visitor.get("/territoire")
    assert page.status_code == 200
    rows = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"<tr[^>]*>(.*?)</tr>", page.text, re.DOTALL)]
    [saint_maur] = [row for row in rows if "Saint-Maur" in row.split("(94)")[0]]
    assert saint_maur.count("(en partie)") == 2
    [villeneuve] = [row for row in rows if row.startswith("Villeneuve-Saint-Georges")]
    assert "Aucune" in villeneuve
    assert "CHIV" in villeneuve
    assert "Insee" in page.text
