"""Each form of sign-in, of one's account and of its administration, refused with a bad answer; what is secret is asked for anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.doors.test_app_launch import CENTRE, DOCTOR, App, app
from tests.support.known_patients import known_patients
from tests.support.local_accounts import PASSWORD, ROLE, enrol, fill, invite
from tests.support.refusals import Refused, all_refused, refused
from tests.support.web import make_door, visiting

from maillage.kernel.clock import FixedClock
from maillage.store import Database

__all__ = ["app"]
FILL = known_patients
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
ROUTES = (
    "/connexion/mot-de-passe",
    "/connexion/second-facteur",
    "/invitation/{token:id}",
    "/invitation/second/facteur",
    "/compte/confirmer",
    "/compte/notifications",
    "/compte/facteurs/ajouter",
    "/compte/mot-de-passe",
    "/affichage",
    "/comptes/invitation",
    "/comptes/rpps",
    "/oauth/authorize",
)
CODE, SECRET = frozenset({"code"}), frozenset({"recovery"})
MANAGER = "gestionnaire-clamart"


async def test_the_forms_of_an_invitation_are_refused_beside_their_fields(db: Database) -> None:
    link, factor = f"/invitation/{await invite(db)}", "/invitation/second/facteur"
    async with visiting(make_door(db, demo=False)) as visitor:
        assert await refused(visitor, Refused(link, link, {"password": "court"}, ("password",))) == []
        await fill(visitor, link, password=PASSWORD)
        assert await refused(visitor, Refused(factor, factor, {"code": "12"}, ("code",), CODE)) == []


async def test_the_forms_of_a_sign_in_are_refused_beside_their_fields(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        staff = await enrol(db, visitor, clock.now())
    clock.advance(timedelta(minutes=1))
    page, factor = "/connexion/mot-de-passe", "/connexion/second-facteur"
    async with visiting(door) as visitor:
        wrong = {"login": staff.login, "password": "girafe tambour"}
        assert await refused(visitor, Refused("/connexion", page, wrong, ("login",))) == []
        clock.advance(timedelta(minutes=5))
        await fill(visitor, page, login=staff.login, password=staff.password)
        assert await refused(visitor, Refused(factor, factor, {"code": "000000"}, ("code",), CODE)) == []
        clock.advance(timedelta(minutes=5))
        assert await refused(visitor, Refused(factor, factor, {"recovery": "AAAA"}, ("recovery",), SECRET)) == []


async def test_the_forms_of_ones_factors_are_refused_beside_their_fields(db: Database, clock: FixedClock) -> None:
    async with visiting(make_door(db, demo=False)) as visitor:
        await enrol(db, visitor, clock.now())
        password, add, confirm = "/compte/mot-de-passe", "/compte/facteurs/ajouter", "/compte/confirmer"
        rows = (
            Refused(password, password, {"current": "autre", "password": "violon brouette quai nuage"}, ("current",)),
            Refused(password, password, {"current": PASSWORD, "password": "court"}, ("password",)),
            Refused(add, add, {"code": "12"}, ("code",), CODE),
            Refused(confirm, confirm, {"code": "12"}, ("code",), CODE),
        )
        for asked in rows:
            assert await refused(visitor, asked) == [], asked.action
            clock.advance(timedelta(minutes=2))


async def test_the_forms_of_an_account_are_refused_beside_their_fields(db: Database) -> None:
    told, role = "/compte/notifications", {"role": ROLE}
    rows = [
        (DOCTOR, Refused("/affichage", "/affichage", {"lang": "de", "theme": "sombre"}, ("lang",))),
        (DOCTOR, Refused(told, told, {"canal": "email", "email": "maud", "telephone": "06 12", "rythme": "une-fois"}, ("email", "telephone"))),
        (DOCTOR, Refused(told, told, {"canal": "email", "email": "", "rythme": "une-fois", "heure": "25:00", "calme-de": "22:00", "calme-a": ""},
                         ("email", "heure", "calme-a"))),
        (MANAGER, Refused("/comptes/acces", "/comptes/invitation", {"login": "Élodie!", **role}, ("login",))),
        (MANAGER, Refused("/comptes/acces", "/comptes/invitation", {"login": "elodie.marchand", "role": ""}, ("role",))),
        (MANAGER, Refused("/comptes/acces", "/comptes/rpps", {"rpps": "12", **role}, ("rpps",))),
        (MANAGER, Refused("/comptes/acces", "/comptes/rpps", {"rpps": "10003456789", "role": ""}, ("role",))),
    ]  # fmt: skip
    assert await all_refused(db, rows) == {}


async def test_the_patient_of_an_app_is_asked_again_beside_the_field(app: App) -> None:
    assert CENTRE
    address = app.asks()
    for ins in ("", "1" * 15):
        assert await refused(app.browser, Refused(address, "/oauth/authorize", {"ins": ins, "accord": "oui"}, ("ins",))) == []
