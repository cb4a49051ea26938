"""The pages of one's own account: places of exercise, sessions, a fresh proof of identity."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from tests.support.web import SAME_SITE, Visitor, hidden, make_door, territory, visiting

from maillage.doors.web.account.presenters import browser_of, browser_words
from maillage.doors.web.language import speak
from maillage.doors.web.sessions import safe_path
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
TWO_PLACES = "hge-percy"


async def change(visitor: Visitor, role: str) -> int:
    answer = await visitor.post("/compte/exercice", {"exercice": role}, shown="/compte")
    return answer.status_code


async def test_class_20_changing_place_changes_the_session_the_forms_and_what_is_seen(db: Database) -> None:
    async with visiting(make_door(db), TWO_PLACES) as visitor:
        page = await visitor.get("/compte")
        assert "lieu actuel" in page.text
        secret, old_form = visitor.client.cookies["maillage"], hidden(page)
        assert await change(visitor, "clamart-hge-castanier") == 303
        assert visitor.client.cookies["maillage"] != secret
        assert "Clamart" in (await visitor.get("/")).text
        stale = await visitor.client.post("/compte/sessions/autres/fin", data=old_form, headers=SAME_SITE)
        assert stale.status_code == 403  # a form of the other place
        visitor.client.cookies.set("maillage", secret, domain="127.0.0.1")
        assert (await visitor.get("/")).status_code == 303


async def test_a_place_of_somebody_else_is_refused(db: Database) -> None:
    async with visiting(make_door(db), TWO_PLACES) as visitor:
        secret = visitor.client.cookies["maillage"]
        assert await change(visitor, "clamart-mg-isambert") == 403
        assert visitor.client.cookies["maillage"] == secret
        assert (await visitor.get("/")).status_code == 200


async def test_class_20_somebody_closes_a_session_that_is_open_elsewhere(db: Database) -> None:
    door = make_door(db)
    async with visiting(door, TWO_PLACES) as here, visiting(door, TWO_PLACES) as elsewhere, visiting(door, "medecin-clamart") as other:
        page = await here.get("/compte/sessions")
        [target] = re.findall(r"/compte/sessions/([^/]+)/fin", page.text.replace("/autres/", "/"))[:1]
        assert (await other.post(f"/compte/sessions/{target}/fin", shown="/compte/sessions")).status_code == 404
        assert (await elsewhere.get("/")).status_code == 200
        assert (await here.post(f"/compte/sessions/{target}/fin", shown="/compte/sessions")).status_code == 303
        assert (await elsewhere.get("/")).status_code == 303
        assert [(await one.get("/")).status_code for one in (here, other)] == [200, 200]


async def test_closing_all_the_others_keeps_this_browser(db: Database) -> None:
    door = make_door(db)
    async with visiting(door, TWO_PLACES) as here, visiting(door, TWO_PLACES) as elsewhere:
        assert (await here.post("/compte/sessions/autres/fin", shown="/compte/sessions")).status_code == 303
        assert [(await one.get("/")).status_code for one in (here, elsewhere)] == [200, 303]


async def test_class_20_a_fresh_proof_is_asked_then_leads_back_under_a_new_id(db: Database, clock: FixedClock) -> None:
    async with visiting(make_door(db), TWO_PLACES) as visitor:
        clock.advance(timedelta(minutes=15))
        page = await visitor.get("/compte/confirmer?vers=/patients")
        assert "un clic suffit" in page.text
        secret = visitor.client.cookies["maillage"]
        answer = await visitor.post("/compte/confirmer", {"vers": "/patients"}, shown="/compte/confirmer")
        assert (answer.status_code, answer.headers["location"]) == (303, "/patients")
        assert visitor.client.cookies["maillage"] != secret
        leaving = await visitor.post("/compte/confirmer", {"vers": "https://evil.example"}, shown="/compte/confirmer")
        assert leaving.headers["location"] == "/compte"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
        "patients",
        " /x",
    ],
)
async def test_class_19_an_address_to_come_back_to_is_a_path_of_ours_or_nothing(path: str) -> None:
    assert safe_path(path) == ""


async def test_a_path_of_ours_is_kept_with_its_query() -> None:
    assert safe_path("/patients/1?vue=tout#suite") == "/patients/1?vue=tout#suite"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox sur Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36", "Chrome sur Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1",
            "Safari sur iPhone",
        ),
        ("curl/8", "Navigateur"),
    ],
)
async def test_a_browser_is_told_in_two_words(agent: str, words: str) -> None:
    """A session keeps names that are no language's: it is read in another than the one in which it was opened."""
    kept = browser_of(agent)
    assert browser_words(kept) == words
    speak("en")
    try:
        assert browser_words(kept) == words.replace(" sur ", " on ").replace("Navigateur", "Browser")
    finally:
        speak("fr")
