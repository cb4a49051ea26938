"""What the pages of identities ask of the database, at most: as many statements for three files that look alike as for two."""

from __future__ import annotations

import pytest
from tests.doors.test_web_identities import HOME, LIST, twin_of
from tests.support.statements import Asked, counted
from tests.support.web import Visitor, make_door, patient_of, territory, visiting

from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
MOST = {"/patients/identites": 9, "/patients/identites/{first:id}/{second:id}": 14}


async def test_identities_ask_no_more_when_more_files_look_alike(db: Database, dsn: str, clock: FixedClock) -> None:
    patient = patient_of(HOME)
    first, second = sorted((patient, await twin_of(db, patient)))
    async with counted(dsn, clock) as database, visiting(make_door(database), "secretaire-clamart") as visitor:
        await visitor.get("/compte")  # what is read once for each organisation
        assert await looks(visitor, first, second) == MOST
        await twin_of(db, patient)
        assert await looks(visitor, first, second) == MOST


async def looks(visitor: Visitor, first: str, second: str) -> dict[str, int]:
    asked = Asked()
    asked.follow(visitor.client)
    assert (await visitor.get(LIST)).status_code == 200
    assert (await visitor.get(f"{LIST}/{first}/{second}")).status_code == 200
    return asked.found
