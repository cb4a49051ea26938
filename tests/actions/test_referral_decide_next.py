"""After a no: close, send elsewhere, insist."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_closed_by_the_requester_stays_declined_for_partners(db: Database) -> None:
    task = await make.declined(db)
    await make.refused(db, make.NURSE, referrals.decide_next, task, NotAllowed, reason="resolved")
    await make.act(db, make.GP, referrals.decide_next, task, reason="resolved")
    row = await make.look(db, task)
    assert (row["state"], row["fhir_status"], row["business"], row["turn"]) == ("closed", "rejected", "4.0", None)
    assert (await make.request_of(db, task))["status"] == "completed"
    shown = await make.photograph(db, "Task", task)
    assert (shown["status"], shown["statusReason"]["coding"][0]["code"]) == ("rejected", "no-indication")
    assert (await make.last_status(db, task))["reason"] == "resolved"


async def test_sent_elsewhere_after_a_no(db: Database) -> None:
    task = await make.declined(db)
    new = await make.act(db, make.GP, referrals.send_elsewhere, task, service=make.OTHER_SERVICE, reason="other-specialty")
    row = await make.look(db, new)
    assert (row["state"], row["service_id"], row["came_from"], row["came_by"]) == ("sent", make.OTHER_SERVICE, task, "send-elsewhere")
    assert (await make.look(db, task))["state"] == "closed"
    request = await make.request_of(db, task)
    assert (request["status"], request["ended_at"]) == ("active", None)
    error = await make.refused(db, make.GP, referrals.send_elsewhere, task, Conflict, service="nowhere", reason="other-specialty")
    assert error.reason == "not-in-table"


async def test_elsewhere_is_a_service_that_takes_requests(db: Database) -> None:
    task = await make.declined(db)
    error = await make.refused(db, make.GP, referrals.send_elsewhere, task, Invalid, service="nowhere", reason="other-specialty")
    assert [issue.reason for issue in error.issues] == ["target-closed"]


async def test_before_a_decision_only_when_the_service_is_late(db: Database, clock: FixedClock) -> None:
    task = await make.sent(db)
    error = await make.refused(db, make.GP, referrals.send_elsewhere, task, Conflict, service=make.OTHER_SERVICE, reason="too-late")
    assert error.reason == "not-late"
    clock.advance(timedelta(days=4))
    async with db.transaction(SYSTEM) as tx:
        assert await referrals.run_deadlines(tx) == 3
    new = await make.act(db, make.GP, referrals.send_elsewhere, task, service=make.OTHER_SERVICE, reason="too-late")
    row = await make.look(db, task)
    assert (row["state"], row["business"]) == ("cancelled", "6.0")
    assert (await make.look(db, new))["first_sent_at"] == row["first_sent_at"]


async def test_insisted_goes_to_the_senior_once(db: Database, clock: FixedClock) -> None:
    task = await make.declined(db)
    error = await make.refused(db, make.GP, referrals.insist, task, Invalid, text="Relisez !")
    assert error.issues[0].reason == "text-too-short"
    new = await make.act(db, make.GP, referrals.insist, task, text=make.LONG)
    row = await make.look(db, new)
    assert (row["state"], row["turn"], row["holder"]) == ("insisted", "LD", "PractitionerRole/percy-hge-escoubleau")
    assert (row["insists_on"], row["decided_by"], row["deadline"]) == (task, "castanier-leo", "insist-answered")
    assert row["due_at"] == clock.now() + timedelta(days=3)
    assert ("referral-insist", make.HOSPITAL, "percy-hge-escoubleau") in await make.told(db, new)
    assert (await make.look(db, task))["state"] == "closed"
    await make.refused(db, make.TRIAGER_2, referrals.accept, new, NotAllowed)
    await make.act(db, make.SENIOR, referrals.decline, new, reason="no-indication", comment="Décision confirmée")
    error = await make.refused(db, make.GP, referrals.insist, new, Conflict, text=make.LONG)
    assert error.reason == "already-insisted"


async def test_the_senior_overturns(db: Database) -> None:
    task = await make.insisted(db)
    await make.act(db, make.SENIOR, referrals.accept, task)
    assert (await make.look(db, task))["state"] == "to-book"
    assert (await make.last_status(db, task))["party"] == "LD"


async def test_the_senior_does_not_review_an_own_decision(db: Database) -> None:
    task = await make.insisted(db, by=make.SENIOR)
    row = await make.look(db, task)
    assert row["holder"] == f"HealthcareService/{make.SERVICE}"
    await make.refused(db, make.SENIOR, referrals.accept, task, NotAllowed)
    await make.act(db, make.SENIOR_2, referrals.accept, task)


async def test_the_database_lets_a_decision_be_reviewed_once(db: Database) -> None:
    task = await make.insisted(db)
    old = (await make.look(db, task))["insists_on"]
    other = await make.sent(db, patient=1)
    with pytest.raises(Conflict) as refused:
        async with db.transaction(make.GP) as tx:
            await tx.execute("UPDATE referral_task SET insists_on = $2 WHERE id = $1", other, old)
    assert refused.value.reason == "already-insisted"
