"""A FHIR client that knows only the order names it in `basedOn`: the open Task at the service of the slot is booked with it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factories import crossings as make
from tests.factories import referrals as requests

from maillage import journeys
from maillage.kernel.errors import NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def post(db: Database, slot: Any, task: Any) -> str:
    resource = {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "basedOn": [{"reference": f"ServiceRequest/{task['request_id']}"}],
        "participant": [{"actor": {"reference": f"Patient/{task['patient_id']}"}, "status": "accepted"}],
    }
    claim = next(claim for claim in journeys.INTAKE if claim.type == "Appointment")
    async with db.transaction(make.PLANNER) as tx:
        return (await claim.create(tx, resource))[1]


async def test_an_appointment_based_on_the_order_books_its_task(db: Database) -> None:
    slot = (await make.slots(db))[0]
    task = await make.to_book(db)
    made = await post(db, slot, await requests.look(db, task))
    assert await make.stands(db, task, slot["id"]) == ("booked", "booked", "busy")
    assert (await requests.look(db, task))["appointment_id"] == made
    await make.check(db)


async def test_an_order_that_nobody_accepted_is_not_booked(db: Database) -> None:
    slot = (await make.slots(db))[0]
    task = await requests.look(db, await requests.sent(db, services=[make.SERVICE]))
    with pytest.raises(NotAllowed):
        await post(db, slot, task)
    assert await make.status(db, "slot", slot["id"]) == "free"
    await make.check(db)


async def test_an_order_without_a_task_at_that_service_leaves_the_visit_alone(db: Database) -> None:
    slot = (await make.slots(db))[0]
    task = await requests.to_book(db)
    assert await post(db, slot, await requests.look(db, task))
    assert (await requests.look(db, task))["state"] == "to-book"
