"""A request that its patient's refusal has shut: neither side reads on, either side ends it, nobody else does."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import crossings as make
from tests.factories import referrals as requests

from maillage import journeys, referrals
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, NotAllowed, NotFound, Stale
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
VERB = "Task/close-opposed"
DESK = requests.person("vernois-colette", requests.CENTRE, "secretaire", role_id="clamart-secretaire-vernois")
OUTSIDER = Actor("person", "outsider", ("chiv",), frozenset({"medecin"}), "outsider-role")
SIDES = {"doctor": make.GP, "desk": DESK, "triage": make.TRIAGER, "planner": make.PLANNER}


async def opposes(db: Database, task: str, **target: Any) -> str:
    async with db.transaction(SYSTEM) as tx:
        patient = await tx.fetchval("SELECT patient_id FROM referral_task WHERE id = $1", task)
    async with db.transaction(DESK) as tx:
        return await journeys.oppose(tx, patient, act="reading", said_by="patient", **target)


@pytest.mark.parametrize("side", SIDES)
async def test_either_side_ends_what_a_refusal_has_shut(db: Database, side: str) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.booked(db, slot)
    await opposes(db, task)
    await make.do(db, SIDES[side], VERB, task)
    row = await requests.look(db, task)
    assert (row["state"], row["turn"], row["due_at"], row["reason"]) == ("cancelled", None, None, "patient-declines")
    assert await make.status(db, "slot", slot) == "free"
    last = await requests.last_status(db, task)
    assert (last["verb"], last["actor_id"], last["party"]) == (
        "close-opposed",
        SIDES[side].id,
        {"doctor": "RC", "desk": "RO", "triage": "PC", "planner": "PO"}[side],
    )
    assert (await requests.request_of(db, task))["status"] == "revoked"
    await make.check(db)
    await make.refused(db, Conflict, "not-in-table", SIDES[side], VERB, task)


@pytest.mark.parametrize(
    "state", ["sent", "info-requested", "waiting-capacity", "offered", "not-attended", "seen", "cancellation-requested"]
)
async def test_no_state_of_a_shut_request_is_without_a_way_out(db: Database, clock: FixedClock, state: str) -> None:
    task = await requests.reach(db, clock, state)
    await opposes(db, task)
    async with db.transaction(make.GP) as tx:
        await referrals.close_opposed(tx, task)
    assert (await requests.look(db, task))["state"] == "cancelled"


@pytest.mark.parametrize("state", ["letter-sent", "advised", "declined", "redirected"])
async def test_what_was_answered_is_filed_by_who_asked(db: Database, clock: FixedClock, state: str) -> None:
    task = await requests.reach(db, clock, state)
    before = await requests.look(db, task)
    await opposes(db, task)
    await requests.refused(db, make.TRIAGER, referrals.close_opposed, task, NotAllowed)
    async with db.transaction(DESK) as tx:
        await referrals.close_opposed(tx, task)
    row = await requests.look(db, task)
    assert (row["state"], row["reason"], row["slot_start"]) == ("closed", before["reason"], before["slot_start"])


async def test_nobody_else_ends_it_and_nobody_does_without_a_refusal(db: Database) -> None:
    task = await make.booked(db, (await make.slots(db))[0]["id"])
    for side in (make.GP, make.PLANNER):
        await make.refused(db, Conflict, "not-opposed", side, VERB, task)
        assert "close-opposed" not in await legal(db, side, task)
    made = await opposes(db, task)
    await make.refused(db, NotFound, "not-found", OUTSIDER, VERB, task)
    await make.refused(db, NotAllowed, "not-for-this-party", diary.HOST, VERB, task)
    with pytest.raises(Stale):
        await make.do(db, make.PLANNER, VERB, task, version=1)
    async with db.transaction(DESK) as tx:
        await journeys.revoke(tx, made, said_by="patient")
    await make.refused(db, Conflict, "not-opposed", make.PLANNER, VERB, task)


async def test_a_house_that_was_refused_by_name_sees_nothing_and_the_other_side_ends_it(db: Database) -> None:
    task = await make.booked(db, (await make.slots(db))[0]["id"])
    await opposes(db, task, organization=f"Organization/{make.TRIAGER.organization}")
    await make.refused(db, NotFound, "not-found", make.PLANNER, VERB, task)
    assert "close-opposed" in await legal(db, make.GP, task)
    await make.do(db, make.GP, VERB, task)
    assert await make.state(db, task) == "cancelled"


async def legal(db: Database, actor: Actor, task: str) -> set[str]:
    async with db.transaction(actor) as tx:
        return {one.verb for one in await referrals.available_actions(tx, task)}
