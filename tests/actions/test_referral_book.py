"""Booking: the slot as plain values, the standing acceptance, the visit beyond the target."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_booked(db: Database) -> None:
    task = await make.booked(db)
    row = await make.look(db, task)
    assert (row["state"], row["appointment_id"], row["deadline"]) == ("booked", "appointment-1", "attendance")
    assert row["due_at"] == make.SLOT["end"] + timedelta(hours=24)
    shown = await make.photograph(db, "Task", task)
    assert shown["output"][0]["valueReference"] == {"reference": "Appointment/appointment-1"}


async def test_a_bookable_service_is_booked_by_the_requesters_office_with_the_request(db: Database) -> None:
    task = await make.sent(db, services=[make.BOOKABLE])
    await make.refused(db, make.GP, referrals.book, task, NotAllowed, **make.slot())
    await make.act(db, make.NURSE, referrals.book, task, **make.slot())
    status = await make.last_status(db, task)
    assert (status["party"], status["published_rows"]) == ("RO", "02+06")
    assert (await make.look(db, task))["decided_at"] is not None


async def test_a_direct_booking_takes_the_request_from_the_other_services(db: Database) -> None:
    bookable, other = await make.draft(db, services=[make.BOOKABLE, make.SERVICE])
    request = (await make.request_of(db, bookable))["id"]
    async with db.transaction(make.GP) as tx:
        theirs = [item for item in await make.form(tx, make.SERVICE) if item["linkId"] in ("specific", "act")]
        await referrals.save_form(tx, request, items=[*await make.form(tx, make.BOOKABLE), *theirs])
    for task in (bookable, other):
        await make.act(db, make.GP, referrals.send, task, **make.SEND)
    await make.act(db, make.NURSE, referrals.book, bookable, **make.slot())
    assert (await make.look(db, other))["state"] == "cancelled"
    assert (await make.last_status(db, other))["verb"] == "not-selected"


async def test_a_service_that_triages_is_not_booked_directly(db: Database) -> None:
    task = await make.sent(db)
    error = await make.refused(db, make.NURSE, referrals.book, task, Conflict, **make.slot())
    assert error.reason == "not-bookable"


async def test_an_answered_offer_is_booked(db: Database, clock: FixedClock) -> None:
    task = await make.offered(db)
    clock.advance(timedelta(hours=30))
    await make.act(db, make.PLANNER, referrals.book, task, **make.slot(), contact="Appel : d'accord")
    row = await make.look(db, task)
    assert (row["state"], row["offered_at"], row["hold_expires_at"]) == ("booked", None, None)
    assert [kind for kind, _, _ in await make.intervals(db, task)] == ["P2"]
    assert [child["state"] for child in await make.children(db, task, "confirm-appointment")] == ["completed"]


async def test_a_visit_beyond_the_target_is_in_the_ledger(db: Database) -> None:
    task = await make.to_book(db)
    await make.act(db, make.PLANNER, referrals.book, task, **make.slot(days=120))
    assert await make.ledger(db, task) == [("visit", "no-slot-in-target", None)]


async def test_after_the_visit_another_one(db: Database, clock: FixedClock) -> None:
    task = await make.seen(db, clock)
    await make.act(db, make.PLANNER, referrals.book, task, **make.slot(2, days=30))
    assert (await make.last_status(db, task))["published_rows"] == "26"
