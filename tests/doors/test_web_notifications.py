"""How a colleague wants to be told: a page of one's own, and what it refuses."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from tests.support.web import make_door, territory, visiting

from maillage import messaging
from maillage.kernel.actor import SYSTEM
from maillage.messaging import Setting
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
PAGE = "/compte/notifications"
PLACE = "cms-clamart-soins"


async def kept(db: Database) -> list[Setting]:
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT role_id, organization_id FROM notification_setting ORDER BY role_id")
        return [await messaging.setting_of(tx, row["role_id"], row["organization_id"]) for row in rows]


async def test_a_choice_is_kept_and_shown_again(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        assert 'href="/compte/notifications"' in (await visitor.get("/compte")).text
        asked: dict[str, Any] = {"canal": "sms", "telephone": "06 39 98 00 01", "rythme": "au-fil", "calme-de": "20:00", "calme-a": "07:30"}
        answer = await visitor.post(PAGE, asked, shown=PAGE)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?fait=notifications")
        page = (await visitor.get(PAGE)).text
        assert 'value="+33639980001"' in page
        assert 'value="20:00"' in page
    [setting] = await kept(db)
    assert (setting.organization_id, setting.channel, setting.phone, setting.digest) == (PLACE, "sms", "+33639980001", None)
    assert setting.quiet == (time(20), time(7, 30))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"canal": "email", "rythme": "une-fois"}, "Donnez une adresse e-mail"),
        ({"canal": "email", "email": "x@y.example\r\nBcc: z@y.example", "rythme": "une-fois"}, "Donnez une adresse e-mail"),
        ({"canal": "sms", "telephone": "01 99 00 12 34", "rythme": "une-fois"}, "Donnez un numéro de mobile"),
        ({"canal": "none", "rythme": "une-fois", "calme-de": "20:00"}, "Répondez à cette question"),
        ({"canal": "pigeon", "rythme": "une-fois"}, "Choisissez une réponse de la liste"),
        ({}, "Choisissez une réponse"),
    ],
)
async def test_what_cannot_be_used_comes_back_with_what_to_do(db: Database, asked: dict[str, str], said: str) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        answer = await visitor.post(PAGE, asked, shown=PAGE)
        assert answer.status_code == 422
        assert said in answer.text
        assert 'role="alert"' in answer.text
    assert await kept(db) == []


async def test_it_is_one_s_own(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as one, visiting(make_door(db), "medecin-clamart") as other:
        await one.post(PAGE, {"canal": "email", "email": "secretariat@clamart.example", "rythme": "une-fois", "heure": "09:15"}, shown=PAGE)
        assert "secretariat@clamart.example" not in (await other.get(PAGE)).text
    [setting] = await kept(db)
    assert setting.digest == time(9, 15)
