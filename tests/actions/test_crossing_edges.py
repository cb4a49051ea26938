"""The narrow ways between the rooms: what had ended by itself, what is not ours, who registers a patient."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import crossings as make
from tests.factories import referrals as requests

from maillage import access, directory, journeys, record
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
PLANNER, TRIAGER = make.PLANNER, make.TRIAGER
TWO_DAYS = timedelta(hours=49)


async def test_an_appointment_that_names_no_order_serves_no_request(db: Database) -> None:
    slot = (await make.slots(db))[0]
    resource = {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "participant": [{"actor": {"reference": f"Patient/{(await diary.patients(db))[0]}"}, "status": "accepted"}],
    }
    claim = next(claim for claim in journeys.INTAKE if claim.type == "Appointment")
    async with db.transaction(PLANNER) as tx:
        made = (await claim.create(tx, resource))[1]
    row = await diary.row(db, "appointment", made)
    assert (row["status"], row["task_id"], row["based_on"]) == ("booked", None, None)
    await make.check(db)


async def test_an_offer_whose_slot_is_being_worked_on_falls_at_the_next_round(db: Database, clock: FixedClock) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.offered(db, slot)
    clock.advance(TWO_DAYS)
    async with db.transaction(SYSTEM) as busy:
        await busy.fetchrow("SELECT id FROM slot WHERE id = $1 FOR UPDATE", slot)
        await make.tick(db, clock)
        assert await make.state(db, task) == "offered", "its hold still stands: nobody may have taken the slot"
    await make.tick(db, clock)
    assert await make.stands(db, task, slot) == ("to-book", None, "free")
    await make.check(db)


async def test_an_offer_that_ran_out_does_not_stand_in_the_way_of_another_slot(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    task = await make.offered(db, slots[0]["id"])
    clock.advance(TWO_DAYS)
    await make.do(db, PLANNER, "Slot/book", slots[0]["id"], patient=(await diary.patients(db))[5], requester_org=diary.HOSPITAL)
    assert await make.state(db, task) == "offered", "the scheduler has not passed yet"
    held = {"patient": (await requests.look(db, task))["patient_id"], "task": task}
    await make.do(db, PLANNER, "Slot/book", slots[1]["id"], **held)
    assert await make.stands(db, task, slots[1]["id"]) == ("booked", "booked", "busy")
    await make.tick(db, clock)
    assert await make.state(db, task) == "booked"
    await make.check(db)


async def test_the_office_of_the_hospital_writes_what_happened(db: Database, clock: FixedClock) -> None:
    slots = await make.slots(db)
    kept, missed = [await make.booked(db, slots[number]["id"], patient=number) for number in range(2)]
    clock.set(slots[1]["ends_at"])
    await make.do(db, PLANNER, "Appointment/fulfil", (await make.visit(db, kept))["id"])
    await make.do(db, PLANNER, "Appointment/absent", (await make.visit(db, missed))["id"], reason="forgot")
    assert [await make.state(db, task) for task in (kept, missed)] == ["seen", "not-attended"]
    await make.refused(db, Conflict, "not-in-table", PLANNER, "Task/mark-not-attended", missed, reason="forgot")
    await make.check(db)


async def test_what_no_room_decides_is_not_drawn_again(db: Database) -> None:
    task = await make.to_book(db)
    before = await journeys.rerender(db)
    kept = {"resourceType": "Task", "id": "of-another-system", "status": "requested", "intent": "order"}
    async with db.transaction(PLANNER) as tx:
        await record.photograph(tx, kept, owner=diary.HOSPITAL)
    assert await journeys.rerender(db) == {"compared": before["compared"], "drift": []}
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE referral_task SET advice = 'dit sans photographie' WHERE id = $1", task)
    assert (await journeys.rerender(db))["drift"] == [f"Task/{task}"]
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE referral_task SET advice = '' WHERE id = $1", task)


def newcomer(managing: str | None) -> dict[str, Any]:
    [*_, resource] = directory.generate_patients(99, 3)
    resource.pop("managingOrganization", None)
    resource.pop("id")
    return {**resource, **({"managingOrganization": {"reference": f"Organization/{managing}"}} if managing else {})}


BOTH = Actor("client", "software", (diary.CENTRE, diary.OTHER), frozenset({"logiciel"}))


@pytest.mark.parametrize(
    ("actor", "managing", "linked"),
    [
        (requests.GP, None, {diary.CENTRE}),
        (BOTH, diary.OTHER, {diary.OTHER}),
        (BOTH, diary.HOSPITAL, {diary.CENTRE}),
        (SYSTEM, diary.OTHER, set()),
    ],
)
async def test_who_registers_a_patient_knows_the_patient(db: Database, actor: Actor, managing: str | None, linked: set[str]) -> None:
    async with db.transaction(actor) as tx:
        made = await journeys.register_patient(tx, newcomer(managing), mode="test")
    async with db.transaction(SYSTEM) as tx:
        houses = (diary.CENTRE, diary.OTHER, diary.HOSPITAL)
        assert {house for house in houses if await access.has_link(tx, made, [house])} == linked
