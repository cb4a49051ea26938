"""Offers: a held slot, answered, refused or expired; the patient's part of the wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Invalid, NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_an_offer_is_the_patients_turn(db: Database, clock: FixedClock) -> None:
    task = await make.offered(db)
    row = await make.look(db, task)
    assert (row["turn"], row["holder"], row["appointment_id"]) == ("PT", f"Patient/{row['patient_id']}", "appointment-1")
    assert row["due_at"] == clock.now() + timedelta(hours=48)
    [child] = await make.children(db, task, "confirm-appointment")
    assert (child["turn"], child["holder"]) == ("PT", row["holder"])


async def test_an_offer_ends_with_its_hold(db: Database, clock: FixedClock) -> None:
    task = await make.to_book(db)
    until = clock.now() + timedelta(hours=30)
    await make.act(db, make.PLANNER, referrals.offer, task, **make.slot(), expires_at=until)
    assert (await make.look(db, task))["due_at"] == until
    async with db.transaction(SYSTEM) as tx:
        assert await referrals.expired_offers(tx) == []
    clock.set(until)
    async with db.transaction(SYSTEM) as tx:
        assert await referrals.expired_offers(tx) == [task]


async def test_a_slot_ends_after_it_begins(db: Database) -> None:
    task = await make.to_book(db)
    wrong = {**make.slot(), "end": make.SLOT["start"]}
    error = await make.refused(db, make.PLANNER, referrals.offer, task, Invalid, **wrong)
    assert error.issues[0].reason == "slot-missing"


async def test_the_patient_refuses_through_the_office_that_spoke_with_them(db: Database, clock: FixedClock) -> None:
    task = await make.offered(db)
    await make.refused(db, make.PLANNER, referrals.refuse_offer, task, NotAllowed, reason="transport")
    clock.advance(timedelta(hours=30))
    offered = (await make.look(db, task))["offered_at"]
    async with db.transaction(make.PLANNER) as tx:
        assert await referrals.appointment_of(tx, task) == "appointment-1"
    await make.act(db, make.PLANNER, referrals.refuse_offer, task, reason="transport", contact="Appel du 17 à 15 h")
    row = await make.look(db, task)
    assert (row["state"], row["appointment_id"], row["refusals"]) == ("to-book", None, 1)
    status = await make.last_status(db, task)
    assert (status["party"], status["on_behalf_of"]) == ("PT", f"Patient/{row['patient_id']}")
    assert await make.intervals(db, task) == [
        ("P2", offered + timedelta(hours=24), clock.now()),
        ("P3", make.SLOT["start"], make.SLOT["start"] + timedelta(days=14)),
    ]


async def test_an_offer_outside_the_stated_constraints_is_not_the_patients(db: Database) -> None:
    task = await make.offered(db)
    said = {"reason": "date-unsuitable", "contact": "Appel", "inside_constraints": False}
    await make.act(db, make.NURSE, referrals.refuse_offer, task, **said)
    assert await make.intervals(db, task) == []


async def test_the_patient_refuses_alone(db: Database) -> None:
    task = await make.offered(db)
    row = await make.look(db, task)
    patient = make.person(row["patient_id"], make.CENTRE, "patient")
    await make.act(db, patient, referrals.refuse_offer, task, reason="too-far")
    assert (await make.last_status(db, task))["on_behalf_of"] == ""


async def test_the_second_offer_without_success_tells_the_requester(db: Database, clock: FixedClock) -> None:
    task = await make.offered(db)
    event = ("referral-offers-refused", make.CENTRE, "clamart-mg-isambert")
    clock.advance(timedelta(hours=48))
    await make.act(db, SYSTEM, referrals.offer_expired, task)
    assert event not in await make.told(db, task)
    [interval] = await make.intervals(db, task)
    assert interval[0] == "P2"
    await make.act(db, make.PLANNER, referrals.offer, task, **make.slot(2))
    clock.advance(timedelta(hours=48))
    await make.act(db, SYSTEM, referrals.offer_expired, task)
    assert event in await make.told(db, task)


async def test_only_the_scheduler_lets_an_offer_expire(db: Database) -> None:
    task = await make.offered(db)
    await make.refused(db, make.PLANNER, referrals.offer_expired, task, NotAllowed)


async def test_the_time_to_offer_goes_on_where_it_stopped(db: Database, clock: FixedClock) -> None:
    task = await make.to_book(db)
    clock.advance(timedelta(days=7))
    await make.act(db, make.PLANNER, referrals.offer, task, **make.slot())
    clock.advance(timedelta(hours=1))
    await make.act(db, make.PLANNER, referrals.refuse_offer, task, reason="transport", contact="Appel")
    row = await make.look(db, task)
    assert row["deadline"] == "first-offer"
    assert row["due_at"] - clock.now() == timedelta(days=7)  # five working days left of ten
