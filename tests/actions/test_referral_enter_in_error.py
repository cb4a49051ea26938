"""What should never have been."""

from __future__ import annotations

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_both_copies_are_masked_and_the_senior_told(db: Database) -> None:
    task = await make.booked(db)
    await make.act(db, make.GP, referrals.enter_in_error, task, reason="wrong-patient")
    row = await make.look(db, task)
    assert (row["fhir_status"], row["business"], row["appointment_id"]) == ("entered-in-error", None, None)
    request = await make.request_of(db, task)
    shown = await make.photograph(db, "ServiceRequest", request["id"])
    form = shown["supportingInfo"][0]["reference"].partition("/")[2]
    masked = await make.photograph(db, "QuestionnaireResponse", form)
    assert (shown["status"], masked["status"]) == ("entered-in-error", "entered-in-error")
    assert "item" not in masked
    assert ("referral-enter-in-error", make.HOSPITAL, "percy-hge-escoubleau") in await make.told(db, task)


async def test_one_of_two_tasks_in_error_leaves_the_request(db: Database) -> None:
    task = await make.redirected(db)
    async with db.transaction(make.GP) as tx:
        _, new = await referrals.tasks_of(tx, (await make.request_of(db, task))["id"])
    await make.act(db, make.GP, referrals.enter_in_error, new["id"], reason="wrong-service")
    assert (await make.request_of(db, task))["status"] == "active"


async def test_open_children_go_with_it(db: Database) -> None:
    task = await make.info_requested(db)
    await make.act(db, make.TRIAGER, referrals.enter_in_error, task, reason="duplicate")
    assert all(child["turn"] is None for child in (await make.thread(db, task))["referral_child"])


async def test_not_after_the_visit(db: Database, clock: FixedClock) -> None:
    task = await make.seen(db, clock)
    await make.refused(db, make.GP, referrals.enter_in_error, task, Conflict, reason="wrong-patient")
