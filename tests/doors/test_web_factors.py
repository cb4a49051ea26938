"""One's own factors: each change asks for a fresh proof, ends the other sessions, and never leaves a password alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.local_accounts import PASSWORD, Staff, enrol, shown_secret, sign_in
from tests.support.web import Visitor, make_door, territory, visiting

from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
QUARTER = timedelta(minutes=15)
CONFIRM = "/compte/confirmer"


async def inside(visitor: Visitor) -> bool:
    return (await visitor.get("/")).status_code == 200


async def test_class_20_a_code_confirms_and_a_used_one_does_not(db: Database, clock: FixedClock) -> None:
    async with visiting(make_door(db, demo=False)) as visitor:
        staff = await enrol(db, visitor, clock.now())
        clock.advance(QUARTER)
        asked = await visitor.get("/compte/mot-de-passe")
        assert asked.headers["location"] == "/compte/confirmer?vers=/compte/mot-de-passe"
        assert (await visitor.get(asked.headers["location"])).status_code == 200
        first = visitor.client.cookies["maillage"]
        code = staff.code(clock.now())
        wrong = await visitor.post(CONFIRM, {"code": "000000"}, shown=CONFIRM)
        assert (wrong.status_code, visitor.client.cookies["maillage"]) == (422, first)
        right = await visitor.post(CONFIRM, {"code": code, "vers": "/compte/mot-de-passe"}, shown=CONFIRM)
        assert (right.status_code, right.headers["location"]) == (303, "/compte/mot-de-passe")
        assert visitor.client.cookies["maillage"] != first
        assert (await visitor.post(CONFIRM, {"code": code}, shown=CONFIRM)).status_code == 422
        assert (await visitor.post(CONFIRM, {"recovery": staff.codes[0]}, shown=CONFIRM)).status_code == 422
    async with db.trail.transaction(SYSTEM) as tx:
        verbs = [row["verb"] for row in await tx.fetch("SELECT verb FROM audit_event WHERE verb LIKE 'step-up%' ORDER BY seq")]
    assert verbs == ["step-up-failed", "step-up-totp", "step-up-failed", "step-up-failed"]


async def test_a_new_password_asks_for_the_present_one_and_ends_the_other_sessions(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as here, visiting(door) as elsewhere:
        staff = await enrol(db, here, clock.now())
        clock.advance(timedelta(minutes=1))
        assert (await sign_in(elsewhere, staff, clock.now())).status_code == 303
        page = "/compte/mot-de-passe"
        wanted = "violon brouette quai nuage"
        assert (await here.post(page, {"current": "wrong", "password": wanted}, shown=page)).status_code == 422
        assert (await here.post(page, {"current": PASSWORD, "password": "motdepasse2026"}, shown=page)).status_code == 422
        assert await inside(elsewhere)
        assert (await here.post(page, {"current": PASSWORD, "password": wanted}, shown=page)).status_code == 303
        assert [await inside(visitor) for visitor in (here, elsewhere)] == [True, False]
        clock.advance(timedelta(minutes=1))
        assert (await sign_in(elsewhere, staff, clock.now())).status_code == 422
        staff.password = wanted
        assert (await sign_in(elsewhere, staff, clock.now())).status_code == 303


async def test_the_last_second_factor_stays_and_new_codes_replace_the_old(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        staff = await enrol(db, visitor, clock.now())
        last = await visitor.post("/compte/facteurs/code/fin", shown="/compte/facteurs")
        assert last.status_code == 409
        assert "au moins un second facteur" in last.text.replace("\u00a0", " ")
        assert (await visitor.post("/compte/facteurs/secours", shown="/compte/facteurs")).status_code == 200
    async with visiting(door) as visitor:
        assert (await sign_in(visitor, staff, clock.now(), recovery=staff.codes[0])).status_code == 422


async def test_another_application_replaces_the_first(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        staff = await enrol(db, visitor, clock.now())
        secret, sealed = shown_secret(await visitor.get("/compte/facteurs/ajouter"))
        new = Staff(totp=secret)
        data = {"secret": sealed, "code": new.code(clock.now())}
        assert (await visitor.post("/compte/facteurs/ajouter", data, shown="/compte/facteurs/ajouter")).status_code == 303
    clock.advance(timedelta(minutes=1))
    for held, status in ((staff, 422), (new, 303)):
        async with visiting(door) as visitor:
            assert (await sign_in(visitor, held, clock.now())).status_code == status


async def test_a_demonstration_account_has_no_factor(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        assert "Compte de démonstration" in (await visitor.get("/compte/facteurs")).text
        assert (await visitor.get("/compte/facteurs/ajouter")).status_code == 403
        assert (await visitor.get("/compte/mot-de-passe")).status_code == 403
