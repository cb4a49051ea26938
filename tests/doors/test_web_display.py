"""Light or dark, keys or none: chosen once, drawn by the server, and nothing else kept in the browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.web import make_door, territory, visiting

from maillage.doors.web.rendering import ROOT
from maillage.store import Database

FILL = territory


@pytest.mark.asyncio
async def test_the_choice_is_kept_in_the_browser_and_drawn_by_the_server(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        assert "data-theme" not in (await visitor.get("/")).text
        kept = await visitor.post("/affichage", {"lang": "fr", "theme": "sombre", "keys": "sans-touches"}, shown="/affichage")
        assert kept.status_code == 303
        assert "HttpOnly" in kept.headers["set-cookie"]
        assert visitor.client.cookies["maillage-affichage"] == "sombre.sans-touches.fr"
        page = (await visitor.get("/affichage")).text
        assert '<html lang="fr" data-theme="sombre" data-keys="off">' in page
        assert re.search(r'value="sombre" checked', page)
        assert (await visitor.post("/affichage", {"theme": "fluo"}, shown="/affichage")).status_code == 422
        visitor.client.cookies.set("maillage-affichage", '"><script>', domain="127.0.0.1")
        assert "data-theme" not in (await visitor.get("/")).text


def test_each_colour_is_said_for_light_and_for_dark() -> None:
    text = (Path(ROOT) / "static" / "tokens.css").read_text(encoding="utf-8")
    colours = re.findall(r"--m-[a-z-]+: (#[0-9a-f]{6});", text)
    assert colours == []
