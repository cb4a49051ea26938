"""What the addresses that show no page ask of the database, at most: a change is written here with its reason in the commit."""

from __future__ import annotations

import pytest
from tests.support.statements import Asked, counted
from tests.support.web import make_door, patient_of, territory, visiting

from maillage import journeys
from maillage.doors.web import WebDoor
from maillage.kernel.clock import FixedClock
from maillage.settings import ServerSettings, Settings

FILL = territory
pytestmark = pytest.mark.asyncio
MOST = {
    "/.well-known/security.txt": 2,
    "/patients/{id:id}/adresser": 3,
    "/evenements": 3,
}


async def test_what_shows_no_page_asks_no_more_of_the_database(dsn: str, clock: FixedClock) -> None:
    asked = Asked()
    async with counted(dsn, clock) as database:
        said = Settings(server=ServerSettings(security_contact="mailto:securite@maillage.example"))
        async with visiting(WebDoor(database, operations=journeys.OPERATIONS, settings=said)) as researcher:
            asked.follow(researcher.client)
            assert (await researcher.get("/.well-known/security.txt")).status_code == 200
        door = make_door(database)
        door.hub._seconds = 0  # the stream ends as soon as it is open
        async with visiting(door, "medecin-clamart") as doctor:
            await doctor.get("/compte")  # what is read once for each organisation
            asked.follow(doctor.client)
            assert (await doctor.get(f"/patients/{patient_of('cms-clamart-soins')}/adresser")).status_code == 303
            assert (await doctor.get("/evenements?sujets=Task,Communication")).status_code == 200
    assert asked.found == MOST
