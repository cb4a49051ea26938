"""A request that its patient's refusal has shut: neither side reads on, either side ends it, nobody else does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.actions.test_exchange import there, with_percy
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
CENTRE, HOSPITAL = f"Organization/{requests.CENTRE}", f"Organization/{requests.HOSPITAL}"
ANSWERED = ("letter-sent", "advised", "declined", "redirected")
OUTSIDER = Actor("person", "outsider", ("chiv",), frozenset({"medecin"}), "outsider-role")
SIDES = {"doctor": make.GP, "desk": DESK, "triage": make.TRIAGER, "planner": make.PLANNER}


async def opposes(db: Database, task: str, *, by: Actor = DESK, **target: Any) -> str:
    async with db.transaction(SYSTEM) as tx:
        patient = await tx.fetchval("SELECT patient_id FROM referral_task WHERE id = $1", task)
    async with db.transaction(by) as tx:
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


@pytest.mark.parametrize("state", ANSWERED)
async def test_what_was_answered_is_filed_when_who_asked_may_not_read_it(db: Database, clock: FixedClock, state: str) -> None:
    task = await requests.reach(db, clock, state)
    before = await requests.look(db, task)
    await opposes(db, task)
    async with db.transaction(DESK) as tx:
        await referrals.close_opposed(tx, task)
    row = await requests.look(db, task)
    assert (row["state"], row["reason"], row["slot_start"]) == ("closed", before["reason"], before["slot_start"])
    async with db.transaction(SYSTEM) as tx:
        told = await tx.fetch("SELECT payload::text AS said FROM outbox WHERE topic = 'patient-notification'")
    assert any("close-opposed" in one["said"] for one in told)


@pytest.mark.parametrize("state", ANSWERED)
async def test_who_may_read_an_answer_has_the_usual_ways_and_its_service_the_other_one(db: Database, clock: FixedClock, state: str) -> None:
    task = await requests.reach(db, clock, state)
    refusal = await opposes(db, task, organization=HOSPITAL)
    await requests.refused(db, DESK, referrals.close_opposed, task, Conflict)
    async with db.transaction(DESK) as tx:
        await journeys.revoke(tx, refusal, said_by="patient")
    await opposes(db, task, by=make.PLANNER, organization=CENTRE)
    await requests.refused(db, make.GP, referrals.close_opposed, task, NotFound)
    async with db.transaction(make.PLANNER) as tx:
        await referrals.close_opposed(tx, task)
    assert await make.state(db, task) == "closed"


async def test_follow_ups_fall_with_it(db: Database, clock: FixedClock) -> None:
    due = requests.SLOT["end"] + timedelta(days=40)
    task = await requests.letter_sent(db, clock, recommendations=[{"text": "NFS", "due": due, "owner": "requester"}])
    await opposes(db, task)
    async with db.transaction(DESK) as tx:
        await referrals.close_opposed(tx, task)
    assert [(child["state"], child["turn"]) for child in await requests.children(db, task, "follow-up")] == [("cancelled", None)]


async def test_a_draft_is_ended_by_who_wrote_it_alone(db: Database) -> None:
    [task] = await requests.draft(db)
    await opposes(db, task)
    await requests.refused(db, make.PLANNER, referrals.close_opposed, task, NotFound)
    async with db.transaction(make.GP) as tx:
        await referrals.close_opposed(tx, task)
    assert await make.state(db, task) == "cancelled"


async def test_a_request_inside_one_house_is_not_shut_by_a_general_refusal(db: Database) -> None:
    inner, patient = requests.INTERNIST, (await requests.patients(db, 1))[0]
    async with db.transaction(inner) as tx:
        request = await referrals.create_request(tx, patient_id=patient, service_ids=[requests.SERVICE], requester_role_id=inner.role_id)
        await referrals.save_form(tx, request, items=await requests.form(tx, requests.SERVICE), status="completed")
        [task] = [row["id"] for row in await referrals.tasks_of(tx, request)]
    await requests.act(db, inner, referrals.send, task, **requests.SEND)
    await opposes(db, task)
    assert "close-opposed" not in await legal(db, make.PLANNER, task)
    await requests.refused(db, make.PLANNER, referrals.close_opposed, task, Conflict)


async def test_a_patient_who_is_there_goes_on_in_the_diary(db: Database, clock: FixedClock) -> None:
    slot = (await make.slots(db))[0]
    task = await make.booked(db, slot["id"])
    clock.set(slot["starts_at"])
    visit = await make.visit(db, task)
    await make.do(db, diary.HOST, "Appointment/arrive", visit["id"], identity_confirmed=True)
    await opposes(db, task)
    await make.refused(db, NotFound, "not-found", make.PLANNER, "Appointment/fulfil", visit["id"])
    await make.do(db, make.PLANNER, VERB, task)
    assert (await make.state(db, task), await make.status(db, "appointment", visit["id"])) == ("cancelled", "arrived")
    await make.do(db, make.PLANNER, "Appointment/fulfil", visit["id"])
    assert await make.status(db, "appointment", visit["id"]) == "fulfilled"


async def test_who_ended_the_visit_is_written_and_the_service_hears_of_it(db: Database) -> None:
    slots = await make.slots(db)
    for slot, side, who in zip(slots, (make.PLANNER, DESK), (make.PLANNER.id, "system"), strict=False):
        task = await make.booked(db, slot["id"], patient=slots.index(slot))
        visit = await make.visit(db, task)
        await opposes(db, task)
        await make.do(db, side, VERB, task)
        async with db.transaction(SYSTEM) as tx:
            row = await tx.fetchrow("SELECT actor_id FROM appointment_history WHERE appointment_id = $1 AND verb = 'cancel'", visit["id"])
        assert row["actor_id"] == who
    assert ("referral-close-opposed", requests.HOSPITAL) in {one[:2] for one in await requests.told(db, task)}


async def test_what_a_peer_shares_is_ended_here_and_not_by_it_without_a_refusal(db: Database) -> None:
    await with_percy(db)
    task = await requests.sent(db)
    with pytest.raises(Conflict):
        await there(db, "close-opposed", task)
    await opposes(db, task)
    await make.do(db, make.GP, VERB, task)
    assert await make.state(db, task) == "cancelled"


@pytest.mark.parametrize("also", [{"organization": CENTRE}, {"practitioner": f"Practitioner/{make.GP.id}"}], ids=["house", "doctor"])
async def test_who_is_refused_by_name_as_well_knows_nothing(db: Database, also: dict[str, str]) -> None:
    task = await make.booked(db, (await make.slots(db))[0]["id"])
    await opposes(db, task, by=make.PLANNER)
    await opposes(db, task, by=make.PLANNER, **also)
    async with db.transaction(make.GP) as tx:
        with pytest.raises(NotFound):
            await referrals.shut_task(tx, task)
    await make.refused(db, NotFound, "not-found", make.GP, VERB, task)


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
