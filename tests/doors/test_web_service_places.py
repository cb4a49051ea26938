"""What a city doctor reads on the page of a service of when a patient could come: the next three free places, the first one first."""

from __future__ import annotations

import pytest
from tests.factories import booking as diary
from tests.factories import referrals as make
from tests.support.form_pages import Node, tree
from tests.support.known_patients import known_patients
from tests.support.web import Visitor, make_door, visiting

from maillage import booking
from maillage.doors.web.presenters import moment
from maillage.doors.web.typography import french
from maillage.store import Database

FILL = known_patients
pytestmark = pytest.mark.asyncio
SERVICE, SITE = make.BOOKABLE, "Centre municipal de santé de Clamart, soins"


async def places(visitor: Visitor) -> list[tuple[str, str]]:
    """The places that the page shows: when and where."""
    page = tree((await visitor.get(f"/services/{SERVICE}")).text)
    [shown] = [one for one in page.all("section") if one.attrs.get("aria-labelledby") == "places"]
    return [(plain(next(one.all("strong"))), plain(next(one.all("span")))) for one in shown.all("li")]


def plain(node: Node) -> str:
    return " ".join(node.text.split())


async def free(db: Database) -> list[tuple[str, str]]:
    """Every place that anybody of the centre could take now, in order of time, as pages say it: all are at one site."""
    found = await make.act(db, make.GP, booking.find_slots, services=[SERVICE], priority="routine", organizations=[make.CENTRE], limit=100)
    return [(" ".join(french(moment(one["starts_at"])).split()), SITE) for one in sorted(found, key=lambda one: one["starts_at"])]


async def test_the_next_three_free_places_stand_in_their_order_and_give_way_to_the_following_ones(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        everything = await free(db)
        assert len(everything) > 5
        assert await places(visitor) == everything[:3]
        # When the first and the third are taken, the two that follow come after the second
        slots = await make.act(
            db, make.GP, booking.find_slots, services=[SERVICE], priority="routine", organizations=[make.CENTRE], limit=3
        )
        for slot, patient in zip((slots[0], slots[2]), await diary.patients(db, 2), strict=True):
            await diary.booked(db, slot["id"], patient, actor=make.PLANNER)
        assert await places(visitor) == [everything[1], *everything[3:5]]


async def test_a_service_that_published_nothing_says_who_will_propose_a_date(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        page = (await visitor.get("/services/percy-biologie")).text
        assert "Aucune place publiée" in page
        assert "Le bureau des rendez-vous proposera une date." in page
