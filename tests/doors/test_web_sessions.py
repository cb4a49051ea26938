"""Who is signed in, and forms that only our own pages may send (security rule book, parts 6 and 8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.web import ORIGIN, SAME_SITE, hidden, make_door, territory, visiting

from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio


async def test_nobody_sees_a_page_without_a_session(db: Database) -> None:
    async with visiting(make_door(db)) as visitor:
        for path in ("/", "/patients", "/services", "/vacations", "/accueil"):
            answer = await visitor.get(path)
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/connexion")


async def test_class_20_sign_in_opens_a_session_under_a_new_secret(db: Database) -> None:
    async with visiting(make_door(db)) as visitor:
        answer = await visitor.sign_in("medecin-clamart")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert "Secure" not in cookie  # loopback over http, in demonstration
        first = visitor.client.cookies["maillage"]
        page = await visitor.get("/")
        assert page.status_code == 200
        assert "Dr Maud Isambert" in page.text
        await visitor.sign_in("hge-percy")
        assert visitor.client.cookies["maillage"] != first
        visitor.client.cookies.set("maillage", first, domain="127.0.0.1")
        assert (await visitor.get("/")).status_code == 303


async def test_https_binds_the_cookie_to_the_host(db: Database) -> None:
    door = make_door(db, base_url="https://maillage.example")
    async with visiting(door, origin="https://maillage.example") as visitor:
        answer = await visitor.sign_in("medecin-clamart")
        assert answer.headers["set-cookie"].startswith("__Host-maillage=")
        assert "Secure" in answer.headers["set-cookie"]
        assert "max-age=" in answer.headers["strict-transport-security"]


async def test_class_19_sign_in_comes_back_to_the_page_and_never_to_another_site(db: Database) -> None:
    async with visiting(make_door(db)) as visitor:
        asked = await visitor.get("/services")
        assert asked.headers["location"] == "/connexion?vers=/services"
        for wanted, reached in (
            ("/services", "/services"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
        ):
            token = hidden(await visitor.get("/connexion"))["_csrf"]
            data = {"_csrf": token, "login": "medecin-clamart", "vers": wanted}
            visitor.client.cookies.delete("maillage")
            answer = await visitor.client.post("/connexion", data=data, headers=SAME_SITE)
            assert answer.headers["location"] == reached


async def test_class_22_an_unknown_login_is_refused_like_any_other(db: Database) -> None:
    async with visiting(make_door(db)) as visitor:
        answer = await visitor.sign_in("nobody")
        assert (answer.status_code, answer.headers["location"]) == (303, "/connexion")
    async with visiting(make_door(db, demo=False)) as visitor:
        assert (await visitor.sign_in("medecin-clamart")).status_code == 404


async def test_class_20_sign_out_and_idleness_end_the_session(db: Database, clock: FixedClock) -> None:
    door = make_door(db)
    async with visiting(door, "medecin-clamart") as visitor:
        secret = visitor.client.cookies["maillage"]
        assert (await visitor.post("/deconnexion")).status_code == 303
        visitor.client.cookies.set("maillage", secret, domain="127.0.0.1")
        assert (await visitor.get("/")).status_code == 303
    async with visiting(door, "medecin-clamart") as visitor:
        clock.advance(timedelta(minutes=21))
        answer = await visitor.get("/patients")
        assert answer.headers["location"] == "/connexion?vers=/patients&fin=1"
        assert "Votre session a pris fin" in (await visitor.get(answer.headers["location"])).text


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {},
    ],
)
async def test_another_site_can_send_no_form(db: Database, headers: dict[str, str]) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        fields = hidden(await visitor.get("/patients"))
        answer = await visitor.client.post("/patients", data={**fields, "ins": "1"}, headers=headers)
        assert answer.status_code == 403
        assert "autre site" in answer.text


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_a_form_without_the_token_of_the_session_is_refused(db: Database, token: str) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        answer = await visitor.client.post("/patients", data={"_csrf": token, "ins": "1"}, headers=SAME_SITE)
        assert answer.status_code == 403


async def test_an_origin_that_is_ours_is_enough_for_old_browsers(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        fields = hidden(await visitor.get("/patients"))
        answer = await visitor.client.post("/patients", data={**fields, "ins": "259039999900122"}, headers={"origin": ORIGIN})
        assert answer.status_code == 200


async def test_every_answer_carries_its_headers(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        for path in ("/", "/connexion", "/nowhere", "/components"):
            headers = (await visitor.get(path)).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'")
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"


async def test_static_files_are_kept_for_ever_under_their_hash(db: Database) -> None:
    door = make_door(db)
    async with visiting(door) as visitor:
        kept = await visitor.get(door.assets.url("tokens.css"))
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert kept.headers["content-type"].startswith("text/css")
        other = await visitor.get("/static/0123/tokens.css")
        assert other.headers["cache-control"] == "no-cache"
        assert (await visitor.get("/static/0123/secret.py")).status_code == 404


async def test_the_banner_stands_only_on_fictive_data(db: Database) -> None:
    async with visiting(make_door(db, demo=False)) as visitor:
        page = await visitor.get("/connexion")
        assert "FICTIVES" not in page.text
        assert "Dr Maud Isambert" not in page.text


async def test_a_stream_says_nothing_but_that_something_changed(db: Database) -> None:
    door = make_door(db)
    door.hub._seconds = 0
    async with visiting(door, "hge-percy") as visitor:
        answer = await visitor.get("/evenements?sujets=Task,Communication")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.text == "retry: 3000\n\n"
        assert (await visitor.get("/evenements?sujets=Patient")).status_code == 400
    async with visiting(door) as stranger:
        assert (await stranger.get("/evenements?sujets=Task")).headers["location"].startswith("/connexion")


async def test_a_page_that_asks_by_itself_keeps_no_session_alive(db: Database, clock: FixedClock) -> None:
    door = make_door(db)
    idle = door.site.limits.idle
    async with visiting(door, "hge-percy") as visitor:
        assert (await visitor.get("/")).status_code == 200
        for _ in range(4):
            clock.advance(idle * 0.3)
            answer = await visitor.client.get("/", headers={"X-Maillage-Live": "1"})
        assert answer.status_code == 303
