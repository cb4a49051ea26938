"""The patient is told by a message that is held until there is a channel; the usual doctor in the application, where it may be opened."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import crossings
from tests.factories import referrals as make

from maillage import access, messaging, referrals, worker
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database, outbox

FILL = make.territory
pytestmark = pytest.mark.asyncio
DOCTOR, PLACE = "montgeron-mg-duranton", "cds-montgeron"
LETTER = ("referral-send-outcome", PLACE, DOCTOR)


async def messages(db: Database, topic: str = messaging.PATIENT) -> list[tuple[str, str]]:
    """(event or deadline, focus) of the messages of a topic, in order."""
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT payload FROM outbox WHERE topic = $1 ORDER BY number", topic)
    payloads = [json.loads(row["payload"]) for row in rows]
    return [(payload.get("event") or payload["deadline"], payload["focus"]) for payload in payloads]


async def usual_doctor(db: Database, named: str, *, declared: bool = True, patient: int = 0) -> None:
    id = (await diary.patients(db))[patient]
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE patient SET general_practitioner = $2 WHERE id = $1", id, named)
        if declared:
            await access.link(tx, id, PLACE, "medecin-traitant", f"Patient/{id}")


async def held(db: Database) -> list[tuple[Any, ...]]:
    async with db.transaction(SYSTEM) as tx:
        return [(row["topic"], row["reason"], row["messages"]) for row in await outbox.held(tx)]


async def test_the_patient_is_told_by_ids_alone_where_the_table_says_so(db: Database) -> None:
    task = await make.opened(db)
    assert await messages(db) == [("referral-send", f"Task/{task}")]
    await make.act(db, make.TRIAGER, referrals.accept, task)
    assert (await messages(db))[1:] == [("referral-accept", f"Task/{task}")]
    async with db.transaction(SYSTEM) as tx:
        payloads = [json.loads(row["payload"]) for row in await tx.fetch("SELECT payload FROM outbox WHERE topic = $1", messaging.PATIENT)]
    assert {frozenset(payload) for payload in payloads} == {frozenset({"event", "focus", "patient"})}


async def test_a_draft_tells_nobody(db: Database) -> None:
    await make.draft(db)
    assert await messages(db) == []


async def test_who_acts_is_not_told(db: Database) -> None:
    task = await make.offered(db)
    patient = make.person((await make.look(db, task))["patient_id"], make.CENTRE, "patient")
    before = await messages(db)
    await make.act(db, patient, referrals.book, task, **make.slot())
    assert await messages(db) == before


async def test_what_has_no_channel_is_held_and_keeps_no_other_message_waiting(db: Database) -> None:
    await make.to_book(db)
    await outbox.drain(db, worker.HANDLERS, limit=1000)
    assert await held(db) == [(messaging.PATIENT, messaging.NO_CHANNEL, 2)]
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM notification WHERE delivered_at IS NULL") == 0
        assert await outbox.dead_letters(tx) == []


async def test_a_deadline_long_passed_waits_for_an_agenda(db: Database, clock: FixedClock) -> None:
    task = await make.sent(db)
    clock.advance(timedelta(days=30))
    await make.act(db, SYSTEM, referrals.run_deadlines)
    assert await messages(db, messaging.AGENDA) == [("opened", f"Task/{task}")]
    await make.act(db, make.TRIAGER, referrals.open_, task)
    await outbox.drain(db, worker.HANDLERS, limit=1000)
    assert (messaging.AGENDA, messaging.NO_AGENDA, 1) in await held(db)
    async with db.transaction(SYSTEM) as tx:
        undelivered = await tx.fetchval("SELECT count(*) FROM notification WHERE focus_id = $1 AND delivered_at IS NULL", task)
    assert undelivered == 0, "an item without agenda holds up nothing of its request"


async def test_a_visit_of_a_request_is_told_once(db: Database) -> None:
    slots = await crossings.slots(db)
    task = await crossings.booked(db, slots[0]["id"])
    assert [event for event, _ in await messages(db)].count("referral-book") == 1
    assert not [event for event, _ in await messages(db) if event == "appointment-book"]
    alone = await crossings.do(db, crossings.GP, "Slot/book", slots[1]["id"], patient=(await diary.patients(db))[1])
    assert ("appointment-book", f"Appointment/{alone}") in await messages(db)
    await crossings.do(db, crossings.PLANNER, "Schedule/cancel-session", slots[0]["session_id"], reason="ill")
    told = await messages(db)
    assert ("referral-cancel-appointment", f"Task/{task}") in told
    assert ("appointment-cancel-with-session", f"Appointment/{alone}") in told


async def test_a_patient_is_asked_to_confirm(db: Database, clock: FixedClock) -> None:
    slots = await crossings.slots(db)
    await crossings.booked(db, slots[0]["id"])
    await crossings.tick(db, clock, slots[0]["starts_at"] - timedelta(days=6))
    assert [event for event, _ in await messages(db)].count("appointment-confirm-asked") == 1


@pytest.mark.parametrize("named", [DOCTOR, "duranton-eloi"])
async def test_the_usual_doctor_is_told_of_the_letter(db: Database, clock: FixedClock, named: str) -> None:
    await usual_doctor(db, named)
    task = await make.letter_sent(db, clock)
    told = await make.told(db, task)
    assert [row for row in told if row[1] == PLACE] == [LETTER], "of the letter, and of nothing else"


async def test_a_usual_doctor_who_could_not_open_it_is_not_told(db: Database, clock: FixedClock) -> None:
    await usual_doctor(db, DOCTOR, declared=False)
    task = await make.letter_sent(db, clock)
    assert LETTER not in await make.told(db, task)


async def test_a_usual_doctor_who_asked_is_told_once(db: Database, clock: FixedClock) -> None:
    await usual_doctor(db, "clamart-mg-isambert")
    task = await make.letter_sent(db, clock)
    assert (await make.told(db, task)).count(("referral-send-outcome", make.CENTRE, "clamart-mg-isambert")) == 1


async def test_a_usual_doctor_elsewhere_is_nobody_here(db: Database, clock: FixedClock) -> None:
    await usual_doctor(db, "somebody-of-another-directory")
    task = await make.letter_sent(db, clock)
    assert {row[1] for row in await make.told(db, task)} == {make.CENTRE, make.HOSPITAL}
