"""A patient opposes the sharing while a request is under way: the service sees that it is there, whose it was no more, and ends it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests.factories import referrals as make
from tests.journeys.conftest import Running
from tests.journeys.inspection import inspect
from tests.journeys.people import Person, name_of, patient_of
from tests.journeys.test_gestures import Hand
from tests.journeys.test_pages_that_follow import elsewhere, send

from maillage import journeys, referrals
from maillage.doors.web.typography import french
from maillage.store import Database

pytestmark = pytest.mark.browser
DESK = make.person("vernois-colette", make.CENTRE, "secretaire", role_id="clamart-secretaire-vernois")


async def shut(db: Database) -> str:
    """An accepted request whose patient has opposed since."""
    task = await send(db)
    await make.act(db, make.TRIAGER, referrals.open_, task)
    await make.act(db, make.TRIAGER, referrals.accept, task)
    patient = (await make.look(db, task))["patient_id"]
    async with db.transaction(DESK) as tx:
        await journeys.oppose(tx, patient, act="reading", said_by="patient")
    return task


def test_the_office_of_a_service_ends_what_nobody_may_read(person: Callable[..., Person], server: Running) -> None:
    # Given a request whose patient has opposed since
    task, name = elsewhere(server, shut), name_of(patient_of("cms-clamart-soins"))
    office = person("planification-percy")
    hand, page = Hand(office), office.page
    # When the office opens the line that has no name
    hand.clicks(page.get_by_role("link", name=french("Identité masquée")).first)
    office.sees("Le patient s'oppose au partage de son dossier")
    expect(page.get_by_role("main")).not_to_contain_text(name)
    inspect(office)
    # Then it closes it in one gesture more
    hand.clicks(page.get_by_role("button", name="Clore la demande"))
    office.sees("Demande close : le patient s'oppose au partage.")
    office.sees("La demande est terminée.")
    assert hand.gestures <= 2
    inspect(office)
    # And who asked reads that it was sent, and nothing of what became of it
    asker = person("medecin-clamart")
    asker.goes_to(f"/demandes/{task}")
    asker.sees("Votre demande a été envoyée à ce service, qui ne peut plus la lire.")
    expect(asker.page.get_by_role("main")).not_to_contain_text(name)
    inspect(asker)
