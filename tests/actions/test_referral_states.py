"""Every state reached by real verbs: what partners read, whose turn it is, the photographs, and no drift."""

from __future__ import annotations

import json

import pytest
from tests.factories import referrals as make

from maillage import access, record, referrals
from maillage.codes.r4 import validate
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotFound
from maillage.referrals.queries import TYPE_OF_TABLE
from maillage.referrals.render import draw
from maillage.referrals.types import CHILD_OF_STATE, DEADLINE_OF_STATE, STATES
from maillage.store import Database

FILL = make.territory

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.code)
async def test_a_state_is_reached_and_shown(db: Database, clock: FixedClock, state: object) -> None:
    task = await make.reach(db, clock, state.code)
    row = await make.look(db, task)
    assert (row["state"], row["fhir_status"], row["business"]) == (state.code, state.fhir_status, state.business)
    assert row["turn"] == state.turn
    assert row["deadline"] == DEADLINE_OF_STATE.get(state.code)
    assert (row["due_at"] is not None) is state.is_open
    if state.is_open:
        assert row["due_at"] > clock.now()
    open_children = [child["code"] for child in (await make.thread(db, task))["referral_child"] if child["turn"]]
    assert [code for code in open_children if code not in ("abort", "follow-up")] == [c for c in [CHILD_OF_STATE.get(state.code)] if c]
    await no_drift(db)


async def no_drift(db: Database) -> None:
    """Each row drawn again equals its last photograph, and is valid R4."""
    async with db.transaction(SYSTEM) as tx:
        for table, kind in TYPE_OF_TABLE.items():
            for row in await tx.fetch(f"SELECT id, version FROM {table} ORDER BY id"):
                stored = await record.read(tx, kind, row["id"], access.visible_to(SYSTEM, kind))
                _, drawn = await draw(tx, table, row["id"])
                assert stored.version == row["version"]
                assert record.comparable(json.loads(stored.content)) == json.loads(json.dumps(drawn))
                assert [issue for issue in validate(drawn) if issue.severity == "error"] == []


async def test_what_the_task_says(db: Database, clock: FixedClock) -> None:
    task = await make.booked(db)
    async with db.transaction(make.GP) as tx:
        stored = await record.read(tx, "Task", task, access.visible_to(make.GP, "Task"))
    resource = json.loads(stored.content)
    codes = [coding["code"] for coding in resource["businessStatus"]["coding"]]
    assert codes == ["5.1.1", "booked", "visit-scheduled"]
    assert resource["owner"] == {"reference": f"HealthcareService/{make.SERVICE}"}
    assert resource["requester"] == {"reference": "PractitionerRole/clamart-mg-isambert"}
    assert resource["status"] == "in-progress"
    assert resource["restriction"]["period"]["end"].startswith("2026-12-02T13:20")


async def test_history_plays_only_published_or_listed_moves(db: Database, clock: FixedClock) -> None:
    task = await make.closed(db, clock)
    rows = (await make.thread(db, task))["referral_status"]
    assert [row["verb"] for row in rows] == ["create", "send", "open", "accept", "book", "mark-seen", "send-outcome", "acknowledge"]
    assert [row["published_rows"] for row in rows] == ["", "01", "", "02", "06", "15", "30", ""]
    assert (await make.request_of(db, task))["status"] == "completed"


async def test_every_worklist_is_read_and_every_open_task_is_on_one(db: Database, clock: FixedClock) -> None:
    task = await make.sent(db)
    async with db.transaction(make.TRIAGER) as tx:
        counts = await referrals.worklist_totals(tx)
        rows = await referrals.worklist(tx, "to-triage")
    assert counts["to-triage"] == referrals.Total(1, 0)
    assert [row["id"] for row in rows] == [task]
    async with db.transaction(make.GP) as tx:
        assert (await referrals.worklist_totals(tx))["sent-by-us"].count == 1
        for name in referrals.WORKLISTS:
            await referrals.worklist(tx, name)


async def test_the_requests_of_a_patient_for_each_side(db: Database) -> None:
    task = await make.sent(db)
    patient = (await make.look(db, task))["patient_id"]
    for actor, expected in ((make.GP, [task]), (make.TRIAGER, [task]), (make.CARDIOLOGIST, [])):
        async with db.transaction(actor) as tx:
            rows = await referrals.patient_requests(tx, patient, access.visible_to(actor, "Task"))
            assert [row["id"] for row in rows] == expected


async def test_a_row_that_is_not_there_is_not_drawn(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        with pytest.raises(NotFound):
            await draw(tx, "referral_task", "nothing")
