"""States that two rooms share: requests with their visit, reached by the verbs that the doors offer."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import referrals as requests
from tests.factories.booking import act, invariants, territory

from maillage import journeys, referrals
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import MaillageError
from maillage.store import Database

__all__ = ["act", "territory"]

SERVICE = "percy-dermatologie"
VERBS = {(operation.type, operation.name): operation for operation in journeys.OPERATIONS}
GP, NURSE, TRIAGER, PLANNER = requests.GP, requests.NURSE, requests.DERMATOLOGIST, requests.PLANNER


async def do(db: Database, actor: Actor, verb: str, id: str | None = None, **values: Any) -> Any:
    """One verb as the doors call it: `Task/book`, on an id, with its parameters; one transaction."""
    operation = VERBS[tuple(verb.split("/"))]  # type: ignore[index]  # two words
    async with db.transaction(actor) as tx:
        return await operation.call(tx, id, **values) if operation.on_instance else await operation.call(tx, **values)


async def tick(db: Database, clock: FixedClock, to: Any = None) -> None:
    """Move the clock, then let the scheduler pass: every step, each in its transaction."""
    if to is not None:
        clock.set(to)
    for step in journeys.CLOCK:
        await act(db, SYSTEM, step)


async def slots(db: Database, **changes: Any) -> list[Any]:
    """The nine slots of an open session of dermatology at the centre of Clamart."""
    return await diary.slots(db, (await diary.open_session(db, **changes))["id"])


async def second_day(db: Database, session: str, day: date) -> list[Any]:
    """The slots of another open session of the same vacation."""
    vacation = (await diary.row(db, "vacation_session", session))["vacation_id"]
    [made] = await act(db, diary.PLANNER, diary.booking.plan, vacation, start=day, end=day)
    await diary.publish(db, made["id"])
    return await diary.slots(db, made["id"])


async def to_book(db: Database, **options: Any) -> str:
    """An accepted request for dermatology."""
    return await requests.to_book(db, services=[SERVICE], **options)


async def offered(db: Database, slot: str, **options: Any) -> str:
    """A request whose patient has an offer to answer."""
    task = await to_book(db, **options)
    await do(db, PLANNER, "Task/offer", task, slot=f"Slot/{slot}")
    return task


async def booked(db: Database, slot: str, **options: Any) -> str:
    """A request with its visit."""
    task = await to_book(db, **options)
    await do(db, PLANNER, "Task/book", task, slot=f"Slot/{slot}")
    return task


async def booked_from_montgeron(db: Database, slot: str, *, patient: int = 0) -> str:
    """A request of another house than the one where the session is held, with its visit."""
    patient_id = (await diary.patients(db))[patient]
    async with db.transaction(diary.GP) as tx:
        request = await referrals.create_request(
            tx, patient_id=patient_id, service_ids=[SERVICE], priority="routine", requester_role_id="montgeron-mg-duranton"
        )
        await referrals.save_form(tx, request, items=await requests.form(tx, SERVICE), status="completed")
        [task] = [row["id"] for row in await referrals.tasks_of(tx, request)]
    await act(db, diary.GP, referrals.send, task, **requests.SEND)
    await act(db, TRIAGER, referrals.accept, task)
    await do(db, PLANNER, "Task/book", task, slot=f"Slot/{slot}")
    return str(task)


async def waiting(db: Database, **options: Any) -> str:
    """A request that waits for a place."""
    task = await to_book(db, **options)
    await do(db, PLANNER, "Task/no-place", task, reason="no-slot-in-target")
    return task


async def cancellation_requested(db: Database, task: str) -> str:
    """The same request, which its requester wants to stop."""
    await act(db, GP, referrals.request_cancellation, task, reason="resolved")
    return task


async def state(db: Database, task: str) -> str:
    return str((await requests.look(db, task))["state"])


async def visit(db: Database, task: str) -> Any:
    """The appointment that a request names."""
    return await diary.row(db, "appointment", (await requests.look(db, task))["appointment_id"])


async def status(db: Database, table: str, id: str) -> str:
    return str((await diary.row(db, table, id))["status"])


async def stands(db: Database, task: str, slot: str) -> tuple[str, str | None, str]:
    """(state of the request, status of its appointment, status of the slot)."""
    found = await visit(db, task)
    return await state(db, task), found and found["status"], await status(db, "slot", slot)


async def rows(db: Database) -> Any:
    """All that a refused act must leave as it was; what was looked at is audited all the same."""
    async with db.transaction(SYSTEM) as tx:
        tables = ("referral_task", "referral_status", "appointment", "appointment_history", "slot", "resource_version", "outbox")
        return [await tx.fetchval(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t") for table in tables]


async def refused(
    db: Database, family: type[MaillageError], because: str, actor: Actor, verb: str, id: str | None = None, **values: Any
) -> Any:
    """The refusal of a crossing, which changes nothing in either room."""
    before = await rows(db)
    with pytest.raises(family) as caught:
        await do(db, actor, verb, id, **values)
    assert caught.value.reason == because
    assert await rows(db) == before
    return caught.value


async def check(db: Database) -> None:
    """Assert what must hold between and inside the two rooms."""
    async with db.transaction(SYSTEM) as tx:
        assert await invariants(tx) == []
        assert await broken(tx) == []
    assert (await journeys.rerender(db))["drift"] == []


async def broken(tx: Any) -> list[str]:
    """What a request and its appointment must say of each other."""
    return [f"{row['what']}: {row['id']}" for row in await tx.fetch(CROSSED)]


CROSSED = """
SELECT 'a booked request has a live visit' AS what, t.id FROM referral_task t LEFT JOIN appointment a ON a.id = t.appointment_id
    WHERE t.state = 'booked' AND (a.id IS NULL OR a.status NOT IN ('booked', 'arrived', 'checked-in') OR a.task_id IS DISTINCT FROM t.id
        OR a.starts_at <> t.slot_start OR a.ends_at <> t.slot_end)
UNION ALL SELECT 'an offered request has a live hold, or one that time has ended', t.id FROM referral_task t
    LEFT JOIN appointment a ON a.id = t.appointment_id
    WHERE t.state = 'offered' AND (a.id IS NULL OR (a.status <> 'pending' AND NOT (a.status = 'cancelled' AND a.cancel_reason = 'hold-expired')))
UNION ALL SELECT 'a visit has its request', a.id FROM appointment a JOIN referral_task t ON t.id = a.task_id
    WHERE a.status IN ('booked', 'arrived', 'checked-in') AND (t.appointment_id IS DISTINCT FROM a.id OR t.state NOT IN ('booked', 'cancellation-requested'))
UNION ALL SELECT 'an offer has its request', a.id FROM appointment a JOIN referral_task t ON t.id = a.task_id
    WHERE a.status = 'pending' AND a.hold_kind = 'offer' AND (t.appointment_id IS DISTINCT FROM a.id OR t.state NOT IN ('offered', 'cancellation-requested'))
UNION ALL SELECT 'who was seen has no visit to come', t.id FROM referral_task t JOIN appointment a ON a.id = t.appointment_id
    WHERE t.state IN ('seen', 'letter-sent') AND a.status NOT IN ('fulfilled', 'noshow', 'cancelled')
UNION ALL SELECT 'who did not come has a missed visit', t.id FROM referral_task t JOIN appointment a ON a.id = t.appointment_id
    WHERE t.state = 'not-attended' AND a.status <> 'noshow'
UNION ALL SELECT 'who waits for a place is in the waiting list', t.id FROM referral_task t
    WHERE t.state = 'waiting-capacity' AND NOT EXISTS (SELECT FROM appointment a WHERE a.task_id = t.id
        AND (a.status = 'waitlist' OR (a.status = 'pending' AND a.offered_slot_id IS NOT NULL)))
UNION ALL SELECT 'an ended request holds and waits for nothing', a.id FROM appointment a JOIN referral_task t ON t.id = a.task_id
    WHERE t.state IN ('seen', 'letter-sent', 'closed', 'cancelled', 'declined', 'redirected', 'entered-in-error')
        AND a.status IN ('pending', 'booked', 'arrived', 'checked-in', 'waitlist') AND t.ended_at IS NOT NULL
UNION ALL SELECT 'one patient', a.id FROM appointment a JOIN referral_task t ON t.id = a.task_id
    WHERE a.patient_id <> t.patient_id OR a.healthcare_service_id <> t.service_id
ORDER BY 1, 2
"""
