"""The visit took place: an Encounter, and the letter is owed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import record, referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_seen(db: Database, clock: FixedClock) -> None:
    task = await make.seen(db, clock)
    row = await make.look(db, task)
    assert (row["state"], row["deadline"], row["seen_at"]) == ("seen", "letter", make.SLOT["start"])
    shown = await make.photograph(db, "Encounter", row["encounter_id"], make.GP)
    assert (shown["status"], shown["class"]["code"]) == ("finished", "AMB")
    assert shown["basedOn"] == [{"reference": f"ServiceRequest/{row['request_id']}"}]
    assert shown["participant"] == [{"individual": {"reference": "PractitionerRole/percy-hge-castanier"}}]
    assert shown["period"]["end"] == "2026-12-01T13:20:00+00:00"


async def test_seen_without_an_appointment(db: Database, clock: FixedClock) -> None:
    task = await make.to_book(db)
    error = await make.refused(db, make.TRIAGER, referrals.mark_seen, task, Invalid)
    assert error.issues[0].reason == "encounter-missing"
    await make.act(db, make.TRIAGER, referrals.mark_seen, task, start=clock.now(), encounter_class="VR")
    row = await make.look(db, task)
    shown = await make.photograph(db, "Encounter", row["encounter_id"])
    assert shown["class"]["code"] == "VR"
    assert row["seen_at"] == clock.now()


async def test_an_encounter_that_exists_is_linked(db: Database) -> None:
    task = await make.to_book(db)
    await keep_encounter(db, "from-elsewhere", (await make.look(db, task))["patient_id"], make.HOSPITAL)
    await make.act(db, make.PLANNER, referrals.mark_seen, task, encounter_id="from-elsewhere")
    assert (await make.look(db, task))["encounter_id"] == "from-elsewhere"
    assert (await make.photograph(db, "Task", task))["encounter"] == {"reference": "Encounter/from-elsewhere"}


async def keep_encounter(db: Database, id: str, patient: str, owner: str) -> None:
    shown = {"resourceType": "Encounter", "id": id, "status": "finished", "subject": {"reference": f"Patient/{patient}"}}
    async with db.transaction(SYSTEM) as tx:
        await record.photograph(tx, {**shown, "class": {"code": "AMB"}}, patient=patient, owner=owner)


@pytest.mark.parametrize(
    ("id", "number", "owner", "reason"),
    [
        ("nope", None, "", "encounter-unknown"),
        ("a/b cé", None, "", "encounter-unknown"),
        ("of-another", 1, make.HOSPITAL, "patient-differs"),
        ("of-another-house", 0, make.OTHER_HOSPITAL, "encounter-unknown"),
    ],
)
async def test_an_encounter_that_is_not_the_patients_here_is_refused(
    db: Database, id: str, number: int | None, owner: str, reason: str
) -> None:
    task = await make.to_book(db)
    if number is not None:
        await keep_encounter(db, id, (await make.patients(db))[number], owner)
    error = await make.refused(db, make.PLANNER, referrals.mark_seen, task, Invalid, encounter_id=id)
    assert (error.reason, error.issues[0].expression) == (reason, "Parameters.parameter.where(name='encounter_id')")


@pytest.mark.parametrize(
    ("start", "end", "reason", "field"),
    [
        (-60, -120, "period-ends-before-start", "end"),
        (-60, -60, "period-ends-before-start", "end"),
        (-60, 24 * 60, "visit-too-long", "end"),
        (1, None, "date-in-the-future", "start"),
    ],
)
async def test_a_visit_has_taken_place_within_a_day(
    db: Database, clock: FixedClock, start: int, end: int | None, reason: str, field: str
) -> None:
    task, now = await make.to_book(db), clock.now()
    period = {"start": now + timedelta(minutes=start), **({"end": now + timedelta(minutes=end)} if end is not None else {})}
    error = await make.refused(db, make.TRIAGER, referrals.mark_seen, task, Invalid, **period)
    assert (error.reason, error.issues[0].expression) == (reason, f"Parameters.parameter.where(name='{field}')")


async def test_nobody_is_seen_before_the_day_of_the_appointment(db: Database, clock: FixedClock) -> None:
    task = await make.booked(db)
    clock.set(make.SLOT["start"] - timedelta(days=1))
    assert (await make.refused(db, make.TRIAGER, referrals.mark_seen, task, Conflict)).reason == "before-its-day"
    assert (await make.refused(db, make.TRIAGER, referrals.send_outcome, task, Invalid, text="Vu.")).reason == "seen-before-its-day"
    clock.set(make.SLOT["start"] - timedelta(hours=3))
    await make.act(db, make.TRIAGER, referrals.mark_seen, task)
    assert (await make.look(db, task))["seen_at"] == clock.now()


async def test_the_database_knows_no_visit_to_come(db: Database, clock: FixedClock) -> None:
    task = await make.seen(db, clock)
    with pytest.raises(Invalid) as refusal:
        async with db.transaction(SYSTEM) as tx:
            await tx.execute("UPDATE referral_task SET seen_at = changed_at + interval '1 second' WHERE id = $1", task)
    assert refusal.value.reason == "date-in-the-future"


async def test_seen_again_on_another_day(db: Database, clock: FixedClock) -> None:
    task = await make.seen(db, clock)
    first = (await make.look(db, task))["encounter_id"]
    end = clock.now() + timedelta(minutes=30)
    await make.act(db, make.TRIAGER, referrals.mark_seen, task, start=clock.now(), end=end)
    row = await make.look(db, task)
    assert row["encounter_id"] != first
    assert (await make.last_status(db, task))["published_rows"] == "29"
