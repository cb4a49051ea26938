"""What the pages of identities ask of the database, at most: as many statements for three files that look alike as for two."""

from __future__ import annotations

import pytest
from tests.conftest import LIMITS
from tests.doors.test_web_identities import HOME, LIST, twin_of
from tests.support import postgres
from tests.support.walking import Counted
from tests.support.web import Visitor, make_door, patient_of, territory, visiting

from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
MOST = {"list": 9, "pair": 14}


async def asked(visitor: Visitor, address: str) -> int:
    Counted.asked.clear()
    answer = await visitor.get(address)
    assert answer.status_code == 200, address
    return len(Counted.asked)


async def test_identities_ask_no_more_when_more_files_look_alike(db: Database, dsn: str, clock: FixedClock) -> None:
    patient = patient_of(HOME)
    first, second = sorted((patient, await twin_of(db, patient)))
    counted = await postgres.open_both(dsn, clock, limits=LIMITS, connection_class=Counted)
    try:
        async with visiting(make_door(counted), "secretaire-clamart") as visitor:
            await visitor.get("/compte")  # what is read once for each organisation
            page = f"{LIST}/{first}/{second}"
            found = {"list": await asked(visitor, LIST), "pair": await asked(visitor, page)}
            await twin_of(db, patient)
            assert {"list": await asked(visitor, LIST), "pair": await asked(visitor, page)} == found
    finally:
        await counted.close()
    assert found == MOST
