"""Handing a request to another service, content carried, with the patient's clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_a_new_task_is_sent_to_the_target(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    clock.advance(timedelta(days=1))
    await make.act(db, make.TRIAGER, referrals.redirect, task, service=f"HealthcareService/{make.ELSEWHERE}", reason="sub-specialty")
    old = await make.look(db, task)
    request = await make.request_of(db, task)
    async with db.transaction(make.GP) as tx:
        _, new = await referrals.tasks_of(tx, request["id"])
    assert (old["state"], old["fhir_status"], old["turn"]) == ("redirected", "rejected", "requester")
    assert (new["state"], new["service_id"], new["owner_org"]) == ("sent", make.ELSEWHERE, make.OTHER_HOSPITAL)
    assert (new["came_from"], new["came_by"]) == (task, "redirect")
    assert new["first_sent_at"] == old["first_sent_at"]
    assert new["sent_at"] == clock.now()
    assert request["status"] == "active"
    assert make.OTHER_HOSPITAL in request["parties"]
    await make.act(db, make.CARDIOLOGIST, referrals.accept, new["id"])
    await make.refused(db, make.CARDIOLOGIST, referrals.decide_next, task, NotFound, reason="resolved")


async def test_it_needs_the_permission_given_at_sending(db: Database) -> None:
    task = await make.opened(db)
    async with db.transaction(make.GP) as tx:
        await tx.execute("UPDATE service_request SET may_redirect = false")
    error = await make.refused(db, make.TRIAGER, referrals.redirect, task, Conflict, service=make.OTHER_SERVICE, reason="age")
    assert error.reason == "redirect-not-allowed"


@pytest.mark.parametrize("target", ["nowhere", make.SERVICE])
async def test_the_target_takes_requests_and_is_another_one(db: Database, target: str) -> None:
    task = await make.opened(db)
    error = await make.refused(db, make.TRIAGER, referrals.redirect, task, Invalid, service=target, reason="age")
    assert error.issues[0].reason == "target-closed"


async def test_a_target_that_already_has_the_request(db: Database) -> None:
    other = await make.sent(db, services=[make.OTHER_SERVICE])
    task = await make.opened(db)
    error = await make.refused(db, make.TRIAGER, referrals.redirect, task, Conflict, service=make.OTHER_SERVICE, reason="age")
    assert (error.reason, error.extra["existing"]) == ("duplicate-open", other)


async def test_a_redirection_for_lack_of_means_is_in_the_ledger(db: Database) -> None:
    task = await make.waiting(db)
    await make.act(db, make.TRIAGER, referrals.redirect, task, service=make.OTHER_SERVICE, reason="practitioner-absent")
    assert await make.ledger(db, task) == [
        ("first-offer", "no-slot-in-target", "other-service"),
        ("redirection", "practitioner-absent", "other-service"),
    ]
