"""Given a partner's receiver that failed, when the administrator looks, then it shows and is taken up again, without JavaScript and on a small screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.conftest import LIMITS
from tests.journeys.conftest import Running
from tests.journeys.inspection import inspect
from tests.journeys.people import Person
from tests.support.following import set_aside
from tests.support.receiver import Receiver

from maillage.kernel.clock import FixedClock
from maillage.store import Database

pytestmark = pytest.mark.browser


async def prepared(dsn: str, clock: FixedClock) -> None:
    database = await Database.open(dsn, clock, limits=LIMITS)
    try:
        async with Receiver() as receiver:
            await set_aside(database, clock, receiver)
    finally:
        await database.close()


def test_an_administrator_takes_up_what_did_not_arrive(person: Callable[..., Person], server: Running, clock: FixedClock) -> None:
    with ThreadPoolExecutor(1) as beside:
        beside.submit(asyncio.run, prepared(server.dsn, clock)).result(60)
    looking = person("gestionnaire-clamart")
    looking.goes_to("/partenaires")
    looking.sees_title("Logiciels partenaires")
    inspect(looking)
    looking.clicks("labo-b")
    looking.sees("Ces envois ont été mis de côté après plusieurs essais")
    inspect(looking)
    plain = person("gestionnaire-clamart", javascript=False)
    plain.goes_to("/partenaires/labo-b")
    plain.clicks("Reprendre")
    plain.sees("Prise de contact")
