"""What each step of signing in asks of the database, at most: a change is written here with its reason in the commit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.support import psc as through_psc
from tests.support.local_accounts import LOGIN, PASSWORD, Staff, enrol, fill, invite, shown_secret, sign_in
from tests.support.lying_provider import Provider, provider
from tests.support.passkey import Passkey
from tests.support.psc import HOSPITAL_ROLE, TOWN_ROLE
from tests.support.statements import Asked, counted
from tests.support.web import SAME_SITE, Visitor, hidden, make_door, territory, visiting

from maillage.doors.web import WebDoor
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
HOST = "http://localhost"
NEW_PASSWORD, CONFIRM, FACTOR = "violon brouette quai nuage", "/compte/confirmer", "/connexion/second-facteur"
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
LOCAL = {
    "/connexion": 0,
    "POST /invitation/{token:id}": 9,
    "/invitation/second/facteur": 4,
    "POST /invitation/second/facteur": 21,
    "POST /connexion/mot-de-passe": 12,
    "POST /connexion/second-facteur": 19,
    "/compte/mot-de-passe, not fresh": 7,
    "/compte/confirmer": 5,
    "POST /compte/confirmer 422": 17,
    "POST /compte/confirmer": 17,
    "/compte/mot-de-passe": 3,
    "POST /compte/mot-de-passe 422": 14,
    "POST /compte/mot-de-passe": 17,
    "/compte/facteurs/ajouter": 4,
    "POST /compte/facteurs/ajouter": 6,
    "POST /connexion/mot-de-passe 422": 13,
    "POST /connexion/second-facteur 422": 20,
    "/connexion, recovery": 0,
    "POST /connexion/mot-de-passe, recovery": 12,
    "POST /connexion/second-facteur, recovery": 19,
}
KEY = {
    "/invitation/{token:id}": 3,
    "/connexion": 0,
    "POST /invitation/{token:id}": 9,
    "/invitation/second/facteur": 4,
    "POST /invitation/second/facteur": 22,
    "POST /connexion/mot-de-passe": 12,
    "/connexion/second-facteur": 5,
    "POST /connexion/second-facteur": 20,
    "/compte/confirmer": 9,
    "POST /compte/confirmer": 18,
}
PSC = {
    "/connexion/psc": 0,
    "/connexion/psc/retour": 7,
    "/connexion/psc, to confirm": 7,
    "/connexion/psc/retour, to confirm": 10,
    "/compte": 5,
    "POST /deconnexion": 5,
    "/connexion/psc/retour 403": 3,
    "/connexion/psc, several places": 0,
    "/connexion/psc/retour, several places": 5,
    "/connexion/exercice": 5,
    "/connexion": 0,
    "POST /connexion/exercice": 6,
    "POST /connexion/psc/fin": 5,
}
DEMO = {
    "/connexion": 5,
    "POST /connexion": 7,
    "/compte/confirmer": 6,
    "POST /compte/confirmer": 8,
    "/compte": 5,
    "POST /deconnexion": 5,
}
MOST = {**LOCAL, **KEY, **PSC, **DEMO}
"""Each table, by how one signs in."""


async def test_the_steps_of_a_local_account(dsn: str, clock: FixedClock) -> None:
    asked = Asked()
    async with counted(dsn, clock) as database:
        door = make_door(database, demo=False)
        async with visiting(door) as visitor:
            asked.follow(visitor.client)
            staff = await enrol(database, visitor, clock.now())
        clock.advance(MINUTE)
        await codes(door, staff, clock, asked)
        clock.advance(MINUTE)
        async with visiting(door) as visitor:
            asked.follow(visitor.client)
            await fill(visitor, "/connexion/mot-de-passe", login="nobody.at.all", password=PASSWORD)
            await sign_in(visitor, staff, clock.now(), code="000000")
            with asked.when("recovery"):
                await sign_in(visitor, staff, clock.now(), recovery=staff.codes[0])
    assert asked.found == LOCAL


async def codes(door: WebDoor, staff: Staff, clock: FixedClock, asked: Asked) -> None:
    """In with a code, then every gesture on one's own factors that asks for a fresh one."""
    async with visiting(door) as visitor:
        asked.follow(visitor.client)
        await sign_in(visitor, staff, clock.now())
        clock.advance(QUARTER)
        with asked.when("not fresh"):
            await visitor.get("/compte/mot-de-passe")
        code = staff.code(clock.now())
        await visitor.post(CONFIRM, {"code": "000000"}, shown=CONFIRM)
        await visitor.post(CONFIRM, {"code": code}, shown=CONFIRM)
        page = "/compte/mot-de-passe"
        await visitor.post(page, {"current": "wrong", "password": NEW_PASSWORD}, shown=page)
        await visitor.post(page, {"current": PASSWORD, "password": NEW_PASSWORD}, shown=page)
        staff.password, page = NEW_PASSWORD, "/compte/facteurs/ajouter"
        secret, sealed = shown_secret(await visitor.get(page))
        staff.totp = secret
        await visitor.post(page, {"secret": sealed, "code": staff.code(clock.now())}, shown=page)


async def test_the_steps_of_a_key(dsn: str, clock: FixedClock) -> None:
    asked, key = Asked(), Passkey(HOST)
    async with counted(dsn, clock) as database:
        door = make_door(database, demo=False, base_url=HOST)
        link = f"/invitation/{await invite(database)}"
        async with visiting(door, origin=HOST) as visitor:
            asked.follow(visitor.client)
            assert (await visitor.get(link)).status_code == 200
            await fill(visitor, link, password=PASSWORD)
            page = await visitor.get("/invitation/second/facteur")
            assert (await fill(visitor, "/invitation/second/facteur", key=key.made(page), name="Clé bleue")).status_code == 200
        async with visiting(door, origin=HOST) as visitor:
            asked.follow(visitor.client)
            await fill(visitor, "/connexion/mot-de-passe", login=LOGIN, password=PASSWORD)
            page = await visitor.get(FACTOR)
            assert (await fill(visitor, FACTOR, key=key.shown(page))).status_code == 303
            clock.advance(QUARTER)
            page = await visitor.get(CONFIRM)
            answer = {**hidden(page), "key": key.shown(page)}
            assert (await visitor.client.post(CONFIRM, data=answer, headers=SAME_SITE)).status_code == 303
    assert asked.found == KEY


@pytest.fixture
def psc(clock: FixedClock) -> Iterator[Provider]:
    with provider(clock.now) as made:
        yield made


async def test_the_steps_of_pro_sante_connect(db: Database, dsn: str, clock: FixedClock, psc: Provider) -> None:
    asked = Asked()
    await through_psc.authorise(db, HOSPITAL_ROLE)
    async with counted(dsn, clock) as database:
        door = through_psc.door_for(database, psc)
        async with visiting(door) as visitor:
            asked.follow(visitor.client)
            await through_psc.through(visitor)
            clock.advance(QUARTER)
            with asked.when("to confirm"):
                await through_psc.through(visitor, "/connexion/psc?confirmer=1")
            await visitor.post("/deconnexion", shown="/compte")
            await visitor.get("/connexion/psc/retour?state=of-nobody")
        await through_psc.authorise(db, TOWN_ROLE)
        async with visiting(door) as visitor:
            asked.follow(visitor.client)
            await chosen(visitor, asked)
            await visitor.client.post("/connexion/psc/fin", data={"logout_token": psc.logout_token()})
    assert asked.found == PSC


async def chosen(visitor: Visitor, asked: Asked) -> None:
    """In at one of two places."""
    with asked.when("several places"):
        await through_psc.through(visitor)
    await visitor.get("/connexion/exercice")
    assert (await fill(visitor, "/connexion/exercice", exercice=TOWN_ROLE)).status_code == 303


async def test_the_steps_of_the_demonstration(dsn: str, clock: FixedClock) -> None:
    asked = Asked()
    async with counted(dsn, clock) as database, visiting(make_door(database)) as visitor:
        asked.follow(visitor.client)
        await visitor.sign_in("medecin-clamart")
        await visitor.post(CONFIRM, {}, shown=CONFIRM)
        await visitor.post("/deconnexion", shown="/compte")
    assert asked.found == DEMO
