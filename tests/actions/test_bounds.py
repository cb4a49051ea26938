"""What people enter, through the verbs as the doors call them: refused at its parameter, and nothing changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import crossings as make
from tests.factories import referrals as requests

from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Invalid, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
SOON = datetime(2026, 12, 20, 9, tzinfo=UTC)


async def refusal(db: Database, actor: Any, verb: str, id: str | None = None, **values: Any) -> list[tuple[str, str]]:
    """(reason, parameter) of each issue."""
    before = await make.rows(db)
    with pytest.raises(Invalid) as caught:
        await make.do(db, actor, verb, id, **values)
    assert await make.rows(db) == before
    return [(issue.reason, issue.expression.removeprefix("Parameters.parameter.")) for issue in caught.value.issues]


async def test_what_a_request_bears(db: Database) -> None:
    task = await make.to_book(db)
    for due, reason in ((FIRST, "date-out-of-range"), (LAST, "date-out-of-range"), (SOON - timedelta(days=300), "date-in-the-past")):
        given: dict[str, Any] = {"text": "Vu.", "recommendations": [{"text": "Revoir", "due": SOON}, {"text": "Encore", "due": due}]}
        place = "where(name='recommendations')[1].part.where(name='due')"
        assert await refusal(db, make.TRIAGER, "Task/send-outcome", task, **given) == [(reason, place)]
    away: dict[str, Any] = {"start": FIRST, "end": LAST}
    assert await refusal(db, make.PLANNER, "Task/declare-unavailable", task, **away) == [
        ("date-out-of-range", "where(name='start')"),
        ("date-out-of-range", "where(name='end')"),
    ]
    assert await refusal(db, make.TRIAGER, "Task/mark-seen", task, start=LAST) == [("date-out-of-range", "where(name='start')")]
    assert await refusal(db, make.PLANNER, "Task/no-place", task, reason="no-slot-in-target", wanted_by=FIRST) == [
        ("date-out-of-range", "where(name='wanted_by')")
    ]
    assert await refusal(db, make.TRIAGER, "Task/ask-info", task, items=["CRP"] * 5_000) == [("too-many", "where(name='items')")]


async def test_what_a_vacation_bears(db: Database) -> None:
    vacation = await diary.vacation(db)
    asked: dict[str, Any] = {
        "practitioner_role": diary.ROLE,
        "service": diary.SERVICE,
        "site": diary.SITE,
        "room": diary.ROOM,
        "starts": time(14),
        "ends": time(17),
        "rrule": "FREQ=WEEKLY;BYDAY=TU",
        "valid_from": date(2026, 1, 6),
    }
    most = 2**31 - 1
    assert await refusal(db, diary.PLANNER, "Schedule/create-vacation", **asked, reserved_asap=most) == [
        ("number-out-of-range", "where(name='reserved-asap')")
    ]
    assert await refusal(db, diary.PLANNER, "Schedule/create-vacation", **{**asked, "valid_from": date.max}) == [
        ("date-out-of-range", "where(name='valid-from')")
    ]
    assert await refusal(db, diary.PLANNER, "Schedule/create-vacation", **{**asked, "room": diary.SITE}) == [
        ("room-elsewhere", "Schedule.actor")
    ]
    extra: dict[str, Any] = {"day": date.max, "kind": "extra", "starts": time(8), "ends": time(23, 59)}
    assert await refusal(db, diary.PLANNER, "Schedule/add-exception", vacation["id"], **extra) == [
        ("date-out-of-range", "where(name='day')")
    ]
    figures: dict[str, Any] = {"minutes": most, "patients": 1, "cost_cents": 1}
    assert await refusal(db, diary.PLANNER, "Schedule/settle-session", "none", **figures) == [
        ("number-out-of-range", "where(name='minutes')")
    ]


async def test_what_a_waiting_line_names(db: Database) -> None:
    patient = (await diary.patients(db))[0]
    line = {"service": diary.SERVICE, "patient": f"Patient/{patient}"}
    await make.refused(db, NotFound, "not-found", diary.GP, "Appointment/join-waitlist", **line, task="Task/nope")
    assert await refusal(db, diary.GP, "Appointment/join-waitlist", **line, based_on="ServiceRequest/nope") == [
        ("request-unknown", "where(name='based-on')")
    ]
    made = await diary.waiting(db, patient)
    assert await refusal(db, diary.PLANNER, "Appointment/prioritise", made["id"], boost=2**31 - 1, reason="x" * 20) == [
        ("number-out-of-range", "where(name='boost')")
    ]


async def test_a_waiting_line_is_of_the_patient_of_its_request(db: Database) -> None:
    task = await make.to_book(db)
    other = (await diary.patients(db))[1]
    line = {"service": diary.SERVICE, "patient": f"Patient/{other}", "task": f"Task/{task}"}
    assert await refusal(db, make.PLANNER, "Appointment/join-waitlist", **line) == [("other-patient", "Appointment.supportingInformation")]
    mine = (await requests.look(db, task))["patient_id"]
    id = await make.do(db, make.PLANNER, "Appointment/join-waitlist", **{**line, "patient": f"Patient/{mine}"})
    assert (await diary.row(db, "appointment", id))["task_id"] == task


async def test_a_hold_names_a_request_that_is_here(db: Database) -> None:
    slot, patient = (await make.slots(db))[0]["id"], (await diary.patients(db))[0]
    held = {"patient": f"Patient/{patient}", "based_on": "ServiceRequest/nope"}
    assert await refusal(db, diary.GP, "Slot/hold", slot, **held) == [("request-unknown", "where(name='based-on')")]


async def test_a_search_of_slots_names_what_is_here(db: Database) -> None:
    named: dict[str, Any] = {"services": [diary.SERVICE, "a,b"], "sites": ["nowhere"], "practitioner_roles": ["nobody"]}
    assert await refusal(db, diary.GP, "Slot/find", **named) == [
        ("unknown-role", "where(name='practitioner-roles')[0]"),
        ("unknown-service", "where(name='services')[1]"),
        ("unknown-location", "where(name='sites')[0]"),
    ]
    found = await make.do(db, diary.GP, "Slot/find", services=[f"HealthcareService/{diary.SERVICE}"], sites=[diary.SITE])
    assert found["total"] == 0


async def test_a_letter_may_say_done_otherwise_before_the_day(db: Database, clock: FixedClock) -> None:
    slot = (await make.slots(db))[0]["id"]
    task = await make.booked(db, slot)
    clock.set(SOON - timedelta(days=25))
    await make.do(db, make.TRIAGER, "Task/send-outcome", task, text="Fait ailleurs.", done_otherwise=True)
    assert await make.stands(db, task, slot) == ("letter-sent", "cancelled", "free")
    await make.check(db)


TABLES = {
    "referral_child": "due_at",
    "capacity_failure": "wanted_by",
    "patient_interval": "ends",
    "referral_encounter": "starts",
    "referral_form": "authored",
    "referral_task": "slot_start",
    "vacation": "valid_from",
    "vacation_clause": "valid_from",
    "practice_authorisation": "valid_from",
    "vacation_exception": "day",
    "vacation_session": "occupied_to",
    "appointment": "wait_target",
}


@pytest.mark.parametrize(("table", "column"), TABLES.items())
async def test_the_database_takes_no_date_of_another_era(db: Database, table: str, column: str) -> None:
    async with db.transaction(SYSTEM) as tx:
        held = await tx.fetch("SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conrelid = $1::regclass", table)
        assert any(f"is_sane({column})" in row["text"] for row in held)
        for value in ("'infinity'", "'-infinity'", "'0001-01-01'", "'9999-12-31'"):
            assert not await tx.fetchval(f"SELECT is_sane({value}::timestamptz) OR is_sane({value}::date)")
        assert await tx.fetchval("SELECT is_sane(now()) AND is_sane(current_date) AND is_sane('1900-01-01'::date)")
