"""A session times out while somebody writes: what was written is found again on its page, by its writer alone, and nothing was done with it."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from tests.factories import referrals as make
from tests.journeys.conftest import opened_territory
from tests.support import form_pages
from tests.support.furnished import KNOWN, booked
from tests.support.web import SAME_SITE, Visitor, hidden, make_door, visiting

from maillage.access import identity
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Unavailable
from maillage.store import Database

FILL = opened_territory
pytestmark = pytest.mark.asyncio
LETTER = "Coloscopie à prévoir. Arrêt des anti-inflammatoires, fer par voie orale pendant trois mois."
GONE = timedelta(minutes=21)


async def letter_due(db: Database, clock: FixedClock, *, of: int = 0) -> str:
    """A letter that the hospital owes the centre about one of its patients."""
    everybody = await make.patients(db, 40)
    return await make.seen(db, clock, patient=everybody.index(KNOWN[of]["id"]))


async def begun(visitor: Visitor, task: str) -> dict[str, str]:
    """A letter that somebody is writing, with the hidden fields of its page."""
    return {**hidden(await visitor.get(f"/demandes/{task}/actes/send-outcome")), "text": LETTER}


async def sent(visitor: Visitor, task: str, fields: dict[str, str], **headers: str) -> httpx.Response:
    return await visitor.client.post(f"/demandes/{task}/actes/send-outcome", data=fields, headers=headers or SAME_SITE)


async def state(db: Database, task: str) -> str:
    return str((await make.look(db, task))["state"])


async def kept(db: Database) -> int:
    async with db.transaction(SYSTEM) as tx:
        return int(await tx.fetchval("SELECT count(*) FROM interrupted_form"))


async def signs_in(visitor: Visitor, login: str, answer: httpx.Response) -> httpx.Response:
    """Sign in on the page to which one was sent, and go where it leads."""
    page = await visitor.get(answer.headers["location"])
    back = page.text.split('name="vers" value="')[1].split('"')[0].replace("&amp;", "&")
    there = await visitor.client.post("/connexion", data={"_csrf": hidden(page)["_csrf"], "login": login, "vers": back}, headers=SAME_SITE)
    return await visitor.get(there.headers["location"])


async def test_a_letter_is_found_again_after_the_sign_in_and_was_not_sent(db: Database, clock: FixedClock) -> None:
    task = await letter_due(db, clock)
    async with visiting(make_door(db), "hge-percy") as visitor:
        fields = await begun(visitor, task)
        clock.advance(GONE)
        answer = await sent(visitor, task, fields)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"/connexion?vers=/demandes/{task}/actes/send-outcome%3Freprise%3D")
        assert answer.headers["location"].endswith("&fin=1")
        assert await state(db, task) == "seen"
        # Signed in again, the same page with the same words; nothing was sent
        page = await signs_in(visitor, "hge-percy", answer)
        assert page.status_code == 200
        assert LETTER in page.text
        assert "rien n’est encore envoyé" in page.text
        assert await state(db, task) == "seen"
        # Sent from there, it is sent once
        done = await sent(visitor, task, {**hidden(page), "text": LETTER})
        assert done.headers["location"] == f"/demandes/{task}?fait=send-outcome"
        assert await state(db, task) == "letter-sent"


async def test_a_page_that_stayed_open_in_another_tab_loses_nothing_either(db: Database, clock: FixedClock) -> None:
    task = await letter_due(db, clock)
    async with visiting(make_door(db), "hge-percy") as visitor:
        fields = await begun(visitor, task)
        clock.advance(GONE)
        await visitor.sign_in("hge-percy")
        answer = await sent(visitor, task, fields)
        assert answer.headers["location"].startswith(f"/demandes/{task}/actes/send-outcome?reprise=")
        assert LETTER in (await visitor.get(answer.headers["location"])).text
        assert await state(db, task) == "seen"


async def test_nobody_else_finds_it_and_it_stands_on_no_other_page(db: Database, clock: FixedClock) -> None:
    task = await letter_due(db, clock)
    other = await letter_due(db, clock, of=1)
    door = make_door(db)
    async with visiting(door, "hge-percy") as visitor, visiting(door, "referent-hge") as colleague:
        fields = await begun(visitor, task)
        clock.advance(GONE)
        answer = await sent(visitor, task, fields)
        found = await signs_in(visitor, "hge-percy", answer)
        address = str(found.url.copy_with(scheme="", host="", port=None)).lstrip("/")
        assert LETTER in found.text
        await colleague.sign_in("referent-hge")
        assert LETTER not in (await colleague.get(f"/{address}")).text
        elsewhere = f"/{address}".replace(task, other)
        page = await visitor.get(elsewhere)
        assert page.status_code == 200
        assert LETTER not in page.text
        # Nor after a day of work
        clock.advance(timedelta(hours=8, minutes=1))
        await visitor.sign_in("hge-percy")
        assert LETTER not in (await visitor.get(f"/{address}")).text
        async with db.transaction(SYSTEM) as tx:
            await identity.purge(tx)
        assert await kept(db) == 0


@pytest.mark.parametrize("how", ["signed-out", "wrong-token", "another-site", "too-late", "stranger"])
async def test_what_is_not_the_form_of_a_session_that_timed_out_is_not_kept(db: Database, clock: FixedClock, how: str) -> None:
    task = await letter_due(db, clock)
    async with visiting(make_door(db), "hge-percy") as visitor:
        fields = await begun(visitor, task)
        secret = visitor.client.cookies["maillage"]
        if how == "signed-out":
            await visitor.post("/deconnexion")
            visitor.client.cookies.set("maillage", secret, domain="127.0.0.1")
        if how == "stranger":
            visitor.client.cookies.delete("maillage")
        clock.advance(timedelta(hours=9) if how == "too-late" else GONE)
        headers = {"sec-fetch-site": "cross-site"} if how == "another-site" else SAME_SITE
        answer = await sent(visitor, task, fields | ({"_csrf": "x"} if how == "wrong-token" else {}), **headers)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/connexion"
    assert await kept(db) == 0
    assert await state(db, task) == "seen"


async def test_a_password_is_never_kept(db: Database, clock: FixedClock) -> None:
    async with visiting(make_door(db), "hge-percy") as visitor:
        fields = hidden(await visitor.get("/patients"))
        clock.advance(GONE)
        answer = await visitor.client.post("/compte/mot-de-passe", data={**fields, "password": "secret"}, headers=SAME_SITE)
        assert answer.headers["location"] == "/connexion"
    assert await kept(db) == 0


async def test_each_verb_of_an_appointment_is_found_again_where_it_stands(db: Database, clock: FixedClock) -> None:
    await booked(db, KNOWN[0]["id"])
    async with db.transaction(SYSTEM) as tx:
        visit = str(await tx.fetchval("SELECT id FROM appointment WHERE status = 'booked'"))
    async with visiting(make_door(db), "planification-percy") as visitor:
        fields = hidden(await visitor.get(f"/rendez-vous/{visit}"))
        clock.advance(GONE)
        answer = await visitor.client.post(
            f"/rendez-vous/{visit}/actes/cancel", data={**fields, "comment": "Il préfère une autre date."}, headers=SAME_SITE
        )
        page = await signs_in(visitor, "planification-percy", answer)
        assert page.url.path == f"/rendez-vous/{visit}"
        assert "Ce que vous aviez écrit est repris ici" in page.text


async def test_of_a_page_with_several_forms_the_one_that_was_being_written_is_found_again(db: Database, clock: FixedClock) -> None:
    page, written = f"/patients/{KNOWN[0]['id']}/choix", {"organization": make.OTHER_HOSPITAL, "until": "2027-01-31", "said-by": "patient"}
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        fields = hidden(await visitor.get(page))
        clock.advance(GONE)
        answer = await visitor.client.post(f"{page}/consentement", data={**fields, **written}, headers=SAME_SITE)
        again = form_pages.tree((await signs_in(visitor, "secretaire-clamart", answer)).text)
        consent, opposition = [form_pages.form_of(again, f"{page}/{end}") for end in ("consentement", "opposition")]
        assert consent
        assert opposition
        assert form_pages.lost(consent, list(written.items())) == []
        assert "said-by" not in dict(form_pages.sent(opposition)), "nothing is chosen there in the patient's place"


async def test_only_the_last_ten_wait_for_somebody(db: Database, clock: FixedClock) -> None:
    task = await letter_due(db, clock)
    async with visiting(make_door(db), "hge-percy") as visitor:
        fields = await begun(visitor, task)
        clock.advance(GONE)
        addresses = [(await sent(visitor, task, {**fields, "text": f"{LETTER} {number}"})).headers["location"] for number in range(12)]
        assert len(set(addresses)) == 12
        assert await kept(db) == 10
        assert f"{LETTER} 11" in (await signs_in(visitor, "hge-percy", httpx.Response(303, headers={"location": addresses[11]}))).text


async def test_a_database_that_is_away_is_told(db: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    task = await letter_due(db, clock)
    async with visiting(make_door(db), "hge-percy") as visitor:
        fields = await begun(visitor, task)
        clock.advance(GONE)

        async def away(*_: object) -> None:
            raise Unavailable("no-connection")

        monkeypatch.setattr(identity, "keep_form", away)
        assert (await sent(visitor, task, fields)).status_code == 503
