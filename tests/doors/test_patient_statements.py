"""What a patient's link asks of the database, at most, from its opening to a visit refused: a change is written here with its reason in the commit."""

from __future__ import annotations

import pytest
from tests.factories import crossings
from tests.factories import patients as make
from tests.support.statements import Asked, counted
from tests.support.web import SAME_SITE, hidden

from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = crossings.territory
pytestmark = pytest.mark.asyncio
MOST = {
    "/p/{token:link}": 3,
    "POST /p/{token:link}/nouveau": 5,
    "POST /p/{token:link} 422": 15,
    "POST /p/{token:link}": 16,
    "/suivi/{visit:id}": 15,
    "/suivi/{visit:id}/non": 10,
    "POST /suivi/{visit:id}/non": 51,
    "/p/{token:link} 404, ended": 3,
    "POST /p/{token:link}/nouveau, ended": 4,
}


async def test_a_patients_link_asks_no_more_of_the_database(db: Database, dsn: str, clock: FixedClock) -> None:
    asked = Asked()
    task = await crossings.offered(db, (await crossings.slots(db))[0]["id"])
    given = await make.given(db, crossings.PLANNER, "Task", task)
    born = await make.born(db, given.patient)
    async with counted(dsn, clock) as database, make.browsing(database) as holder:
        asked.follow(holder.client)
        await another(holder, given.token)
        await holder.opens(given.token, born, "000000")
        assert (await holder.opens(given.token, born, given.code)).status_code == 303
        assert (await holder.sees()).status_code == 200
        assert (await holder.acts("/non", shown="/non", reason="transport")).status_code == 303
        with asked.when("ended"):
            await another(holder, given.token)
    assert asked.found == MOST


async def another(holder: make.Holder, token: str) -> None:
    """Ask for a new link in the place of one."""
    fields = {"_csrf": hidden(await holder.client.get(f"/p/{token}"))["_csrf"]}
    assert (await holder.client.post(f"/p/{token}/nouveau", data=fields, headers=SAME_SITE)).status_code == 200
