"""What files ask of the database, at most, on their way in and out. A change is written here with its reason in the commit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.doors.test_web_compose import CONFIRMED, task_of
from tests.doors.test_web_desk_papers import make_link
from tests.doors.test_web_files import GP, LETTER, PHOTO, TRIAGE, compose, pieces
from tests.doors.test_web_simulation import FIGURE, MANAGER, edited
from tests.factories import booking as diary
from tests.factories import crossings
from tests.support.statements import Asked, counted
from tests.support.web import Visitor, make_door, territory, visiting

from maillage.experiments import Report, actions
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
PIECES = {
    "/demandes/nouvelle": 12,
    "POST /demandes/nouvelle": 37,
    "/demandes/{id:id}/verifier": 27,
    "POST /demandes/{id:id}/envoyer": 38,
    "/demandes/{id:id}": 18,
    "POST /demandes/{id:id}/lire": 27,
    "/demandes/{id:id}/pieces/{piece:id}": 5,
    "/pieces/{token:seal}": 8,
    "/demandes/{id:id}/pieces/{piece:id}/apercu": 5,
}
THREE_MORE = {"POST /demandes/nouvelle": 49, "POST /demandes/{id:id}/envoyer": 42}
"""Four writes for each that is attached, a lock for each that is photographed again; nothing is read for each."""
ANSWERS = {
    "/simulation/scenario": 4,
    "POST /simulation/scenario": 11,
    "/simulation/{id:id}/resultats.csv": 4,
    "/simulation/{id:id}/rapport.html": 4,
    "/simulation/{id:id}/rapport.pdf": 4,
    "/simulation/{id:id}/scenario/{side:id}": 4,
}
FEED = {
    "/agenda": 5,
    "POST /agenda": 9,
    "/agenda/{token:seal}/vacations.ics": 9,
}
MOST = {**PIECES, **ANSWERS, **FEED}
FILE = ("pieces", ("lettre.pdf", LETTER, "application/pdf"))


@pytest.mark.parametrize("more", [0, 3])
async def test_pieces_are_not_read_one_by_one(more: int, dsn: str, clock: FixedClock, tmp_path: Path) -> None:
    asked = Asked()
    async with counted(dsn, clock) as database:
        door = make_door(database, data=tmp_path)
        async with visiting(door, GP) as gp, visiting(door, TRIAGE) as specialist:
            for visitor in (gp, specialist):
                await visitor.get("/compte")  # what is read once for each organisation
                asked.follow(visitor.client)
            await carried(gp, specialist, ("photo", PHOTO), *[FILE] * more)
    assert asked.found == PIECES | (THREE_MORE if more else {})


async def carried(gp: Visitor, specialist: Visitor, *files: tuple[str, Any]) -> None:
    """A request with these files: written, read, and every file looked at and fetched."""
    task = task_of(await compose(gp, *files))
    await gp.post(f"/demandes/{task}/envoyer", CONFIRMED, shown=f"/demandes/{task}/verifier")
    await specialist.post(f"/demandes/{task}/lire", shown=f"/demandes/{task}")
    found = pieces(await specialist.get(f"/demandes/{task}"))
    assert len(found) == len(files)
    for piece in (*found, f"{found[0]}/apercu"):
        assert (await specialist.get((await specialist.get(piece)).headers["location"])).status_code == 200


async def test_the_files_of_a_simulation_ask_no_more(db: Database, dsn: str, clock: FixedClock) -> None:
    asked = Asked()
    async with counted(dsn, clock) as database, visiting(make_door(database), MANAGER) as visitor:
        await visitor.get("/compte")  # what is read once for each organisation
        asked.follow(visitor.client)
        address = (await edited(visitor, "percy-35000-overflow", how="play")).headers["location"]
        await played(db, address.rpartition("/")[2])
        for end in ("/resultats.csv", "/rapport.html", "/rapport.pdf", "/scenario/a"):
            assert (await visitor.get(f"{address}{end}")).status_code == 200, end
    assert asked.found == ANSWERS


async def played(db: Database, id: str) -> None:
    """What the process that plays would tell."""
    begun = await db.run(SYSTEM, actions.begin)
    assert begun is not None
    trace = {"scenario": "s", "title": "t", "scenario_hash": "h", "code_hash": "c", "seed": 1, "replications": 2}
    async with db.transaction(SYSTEM) as tx:
        await actions.complete(
            tx, id, {**trace, "figures": {"unseen": FIGURE}, "conclusion": []}, {"fr": Report("<!doctype html>", b"%PDF")}
        )


async def test_the_feed_asks_no_more_when_there_are_more_vacations(db: Database, dsn: str, clock: FixedClock) -> None:
    asked = Asked()
    session = await diary.open_session(db)
    async with counted(dsn, clock) as database, visiting(make_door(database), "planification-percy") as visitor:
        await visitor.get("/compte")  # what is read once for each organisation
        asked.follow(visitor.client)
        address = await make_link(visitor)
        assert (await visitor.get(address)).text.count("BEGIN:VEVENT") == 1
        assert asked.found == FEED
        await crossings.second_day(db, session["id"], diary.TUESDAY + timedelta(days=7))
        assert (await visitor.get(address)).text.count("BEGIN:VEVENT") == 2
    assert asked.found == FEED
