"""Absence: a person says so, the clinician decides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_not_attended(db: Database, clock: FixedClock) -> None:
    task = await make.booked(db)
    early = await make.refused(db, make.PLANNER, referrals.mark_not_attended, task, Conflict)
    assert early.reason == "too-early"
    clock.set(make.SLOT["end"])
    await make.act(db, make.PLANNER, referrals.mark_not_attended, task)
    row = await make.look(db, task)
    assert (row["state"], row["turn"], row["reason"]) == ("not-attended", "PC", "unknown")
    assert await make.intervals(db, task) == [("P4", make.SLOT["start"], make.SLOT["start"] + timedelta(days=14))]
    assert ("referral-mark-not-attended", make.CENTRE, "clamart-mg-isambert") in await make.told(db, task)


async def test_who_was_not_informed_is_not_to_blame(db: Database, clock: FixedClock) -> None:
    task = await make.booked(db)
    clock.set(make.SLOT["end"])
    await make.act(db, make.TRIAGER, referrals.mark_not_attended, task, reason="not-informed")
    assert await make.intervals(db, task) == []


async def test_giving_back_takes_a_look_and_two_contacts(db: Database, clock: FixedClock) -> None:
    task = await make.not_attended(db, clock)
    error = await make.refused(db, make.TRIAGER, referrals.return_after_absence, task, Invalid)
    assert [issue.reason for issue in error.issues] == ["record-not-reviewed", "no-contact", "comment-missing"]
    await make.refused(db, make.PLANNER, referrals.return_after_absence, task, NotAllowed)
    clock.advance(timedelta(days=3))
    done = {"record_reviewed": True, "contacts": 2, "comment": "Deux appels et un courrier sans réponse"}
    await make.act(db, make.TRIAGER, referrals.return_after_absence, task, **done)
    row = await make.look(db, task)
    assert (row["state"], row["reason"], row["appointment_id"]) == ("declined", "after-absence", None)
    [interval] = await make.intervals(db, task)
    assert interval[2] == clock.now()


async def test_a_letter_after_an_absence_says_that_the_care_was_given_otherwise(db: Database, clock: FixedClock) -> None:
    task = await make.not_attended(db, clock)
    error = await make.refused(db, make.TRIAGER, referrals.send_outcome, task, Invalid, text="Vu aux urgences")
    assert [issue.reason for issue in error.issues] == ["done-otherwise"]
    await make.act(db, make.TRIAGER, referrals.send_outcome, task, text="Vu aux urgences", done_otherwise=True)
    assert (await make.last_status(db, task))["published_rows"] == "D1"
