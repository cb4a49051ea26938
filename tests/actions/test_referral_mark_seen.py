"""The visit took place: an Encounter, and the letter is owed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Invalid
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
    await make.act(db, make.PLANNER, referrals.mark_seen, task, encounter_id="from-elsewhere")
    assert (await make.look(db, task))["encounter_id"] == "from-elsewhere"
    assert (await make.photograph(db, "Task", task))["encounter"] == {"reference": "Encounter/from-elsewhere"}


async def test_seen_again_on_another_day(db: Database, clock: FixedClock) -> None:
    task = await make.seen(db, clock)
    first = (await make.look(db, task))["encounter_id"]
    end = clock.now() + timedelta(minutes=30)
    await make.act(db, make.TRIAGER, referrals.mark_seen, task, start=clock.now(), end=end)
    row = await make.look(db, task)
    assert row["encounter_id"] != first
    assert (await make.last_status(db, task))["published_rows"] == "29"
