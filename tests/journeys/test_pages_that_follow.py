"""A page follows what others do: no reload, nothing half-written lost, quiet when held still, honest when the session has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.conftest import LIMITS
from tests.factories import referrals as make
from tests.journeys.conftest import Running
from tests.journeys.inspection import inspect
from tests.journeys.people import Person, patient_of
from tests.support import postgres

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.store import Database

pytestmark = pytest.mark.browser
HALF = "Une CRP de moins de trois mois, s’il vous pl"


def elsewhere(server: Running, work: Callable[[Database], Awaitable[Any]], seconds: float = 60) -> Any:
    """What somebody does meanwhile on another screen."""

    async def run() -> Any:
        database = await postgres.open_both(server.dsn, server.clock, limits=LIMITS)
        try:
            return await work(database)
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, run()).result(seconds)


async def send(db: Database, rank: int = 0) -> str:
    """A request of the centre for one of its own patients."""
    async with db.transaction(make.GP) as tx:
        patient = patient_of("cms-clamart-soins", rank)["id"]
        request = await referrals.create_request(
            tx, patient_id=patient, service_ids=[make.SERVICE], requester_role_id="clamart-mg-isambert"
        )
        await referrals.save_form(tx, request, items=await make.form(tx, make.SERVICE), status="completed")
        [task] = await referrals.tasks_of(tx, request)
        await referrals.send(tx, task["id"], **make.SEND)
        return str(task["id"])


def test_a_page_follows_and_loses_nothing(person: Callable[..., Person], server: Running, clock: FixedClock) -> None:
    specialist = person("hge-percy")
    page, list_ = specialist.page, specialist.page.get_by_role("region", name="À trier")
    # Given a specialist in front of an empty list
    expect(page.locator("[data-live-at]")).to_contain_text("Mis à jour à")
    expect(list_).to_have_count(0)
    # When the town sends a request, it stands there without a reload, and the change is announced without a name
    task = elsewhere(server, send)
    expect(list_.get_by_role("button")).to_have_count(1)
    expect(page.locator("#annonce")).to_contain_text("Mis à jour à")
    inspect(specialist, "listes-qui-suivent")
    # When one has begun to write and the other changes the request, what is said changes and what is half-written stays, with the focus
    list_.get_by_role("button").click()
    form = specialist.unfolds("Demander un complément")
    form.locator("textarea").first.fill(HALF)
    elsewhere(
        server,
        lambda db: make.act(db, make.GP, referrals.change_priority, task, priority="urgent", reason="worsened", comment=make.LONG),
    )
    expect(page.locator("header.m-page-header")).to_contain_text("Prioritaire")
    expect(form.locator("textarea").first).to_have_value(HALF)
    expect(form.locator("textarea").first).to_be_focused()
    # When it is held still nothing moves, and it catches up afterwards
    specialist.goes_to("/")
    specialist.clicks("Mettre en pause")
    pause = page.get_by_role("button", name="Mettre en pause")
    expect(pause).to_have_attribute("aria-pressed", "true")
    elsewhere(server, lambda db: send(db, 1))
    pause.click()
    expect(list_.get_by_role("button")).to_have_count(2)
    # When the session has ended, the page says so and stays where it is
    clock.advance(timedelta(minutes=21))
    elsewhere(
        server,
        lambda db: make.act(db, make.GP, referrals.change_priority, task, priority="routine", reason="improved", comment=make.LONG),
    )
    expect(page.locator("[data-live-at]")).to_contain_text("Votre session a pris fin")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mes listes")
    assert specialist.messages == []


def test_where_no_stream_comes_through_the_page_asks_by_itself(person: Callable[..., Person], server: Running) -> None:
    specialist = person("hge-percy")
    page = specialist.page
    # Given a network that lets no stream through: each try fails, and is made again every few seconds
    tries: list[str] = []
    page.route("**/evenements?*", lambda route: (tries.append(route.request.url), route.abort()))
    page.clock.install()
    specialist.goes_to("/")
    waiting = page.get_by_role("region", name="À trier")
    expect(page.locator("[data-live-at]")).to_contain_text("Mis à jour à")
    elsewhere(server, send)
    # When half a minute has passed, what the town sent stands there all the same
    for _ in range(7):
        page.clock.run_for(5_000)
        page.wait_for_timeout(100)
    assert len(tries) > 2
    expect(waiting.get_by_role("button")).to_have_count(1)


def test_without_javascript_a_link_asks_again(person: Callable[..., Person]) -> None:
    specialist = person("hge-percy", javascript=False)
    specialist.clicks("Actualiser cette page")
    specialist.sees_title("Mes listes")
