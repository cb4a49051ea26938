"""Closing the loop: each follow-up accepted or handed back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def followed(db: Database, clock: FixedClock) -> tuple[str, str]:
    wanted = [{"text": "Coloscopie", "due": make.SLOT["end"] + timedelta(days=90)}]
    task = await make.letter_sent(db, clock, recommendations=wanted)
    [child] = await make.children(db, task, "follow-up")
    return task, child["id"]


async def test_closed(db: Database, clock: FixedClock) -> None:
    task = await make.closed(db, clock)
    row = await make.look(db, task)
    assert (row["state"], row["fhir_status"], row["ended_at"]) == ("closed", "completed", clock.now())
    assert [child["state"] for child in await make.children(db, task, "acknowledge-letter")] == ["completed"]
    async with db.transaction(SYSTEM) as tx:
        ends = await tx.fetch("SELECT DISTINCT ends FROM care_link WHERE source = $1", f"Task/{task}")
    assert [link["ends"] for link in ends] == [clock.now() + timedelta(days=90)]


async def test_each_follow_up_is_settled_first(db: Database, clock: FixedClock) -> None:
    task, child = await followed(db, clock)
    error = await make.refused(db, make.GP, referrals.acknowledge, task, Conflict)
    assert error.reason == "follow-ups-unsettled"
    await make.act(db, make.GP, referrals.acknowledge, task, follow_ups=[{"id": child, "decision": "accept"}])
    [row] = await make.children(db, task, "follow-up")
    assert (row["state"], row["turn"]) == ("accepted", "requester")
    assert (await make.look(db, task))["state"] == "closed"
    await make.act(db, make.NURSE, referrals.done, child, outcome="patient-declined", comment="Refus écrit")
    shown = await make.photograph(db, "Task", child)
    assert (shown["status"], shown["output"][0]["valueCode"]) == ("completed", "patient-declined")


async def test_a_follow_up_is_handed_back_with_a_word(db: Database, clock: FixedClock) -> None:
    task, child = await followed(db, clock)
    back = {"id": child, "decision": "hand-back"}
    await make.refused(db, make.GP, referrals.acknowledge, task, Invalid, follow_ups=[back])
    await make.act(db, make.GP, referrals.acknowledge, task, follow_ups=[{**back, "comment": "Pas de créneau en ville"}])
    [row] = await make.children(db, task, "follow-up")
    assert (row["turn"], row["holder"]) == ("performer", f"HealthcareService/{make.SERVICE}")
    assert ("referral-follow-up-hand-back", make.HOSPITAL, "percy-hge-castanier") in await make.told(db, task)
    async with db.transaction(make.PLANNER) as tx:
        assert [found["id"] for found in await referrals.follow_ups(tx)] == [child]
    await make.act(db, make.PLANNER, referrals.done, child)


@pytest.mark.parametrize(
    ("decision", "family"),
    [({"id": "x", "decision": "accept"}, NotFound), ({"decision": "accept"}, NotFound), ({"decision": "drop"}, Invalid)],
)
async def test_decisions_that_are_none(db: Database, clock: FixedClock, decision: dict[str, str], family: type[Exception]) -> None:
    task, child = await followed(db, clock)
    said = {**({"id": child} if family is Invalid else {}), **decision}
    await make.refused(db, make.GP, referrals.acknowledge, task, family, follow_ups=[said])


async def test_the_office_files_after_sixty_days(db: Database, clock: FixedClock) -> None:
    task = await make.letter_sent(db, clock)
    error = await make.refused(db, make.NURSE, referrals.acknowledge, task, Conflict)
    assert error.reason == "too-early-to-file"
    clock.advance(timedelta(days=60))
    await make.act(db, make.NURSE, referrals.acknowledge, task)
    assert (await make.last_status(db, task))["comment"] == "filed-unread"
