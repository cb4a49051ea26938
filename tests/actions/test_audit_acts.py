"""One act is one row of the trail, and one event for each patient and thing that it showed (ADR 0026)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maillage import record
from maillage.codes import r4
from maillage.kernel.actor import SYSTEM, Actor
from maillage.record.audit import MOST_IN_A_ROW
from maillage.store import Database

pytestmark = pytest.mark.asyncio
DOCTOR = Actor("person", "practitioner-1", ("org-a",), frozenset({"medecin"}), "role-1", display="Dr Un")
SOFTWARE = Actor("client", "labo", ("org-b",), frozenset({"logiciel"}))
THREE = [("Task", f"task-{number}", f"patient-{number}") for number in range(3)]
Shown = list[tuple[str, str, str | None]]


async def show(db: Database, shown: Shown, actor: Actor = DOCTOR, **said: Any) -> None:
    async with db.transaction(actor, request_id="request-1") as tx:
        await record.audit_many(tx, "R", shown, **{"verb": "search", "query": "code=abc"} | said)


async def found(db: Database, actor: Actor = DOCTOR, **asked: Any) -> record.Trail:
    async with db.trail.transaction(actor) as tx:
        return await record.search_trail(tx, actor, [(name, str(value)) for name, value in asked.items()])


async def told(db: Database, actor: Actor = DOCTOR, **asked: Any) -> list[tuple[str, str, str | None]]:
    return [(row["res_type"], row["res_id"], row["patient_id"]) for row in (await found(db, actor, **asked)).rows]


async def kept(db: Database) -> list[Any]:
    async with db.trail.transaction(SYSTEM) as tx:
        return list(await tx.fetch("SELECT * FROM audit_event ORDER BY seq"))


async def test_what_an_act_showed_is_one_row_and_an_event_for_each(db: Database) -> None:
    await show(db, THREE)
    [row] = await kept(db)
    assert (row["res_id"], row["patient_id"], row["patients"], row["things"]) == (
        *("", None),
        *("patient-0 patient-1 patient-2", "task-0 task-1 task-2"),
    )
    trail = await found(db)
    assert Counter(await told(db)) == Counter(THREE)
    assert {(one["request_id"], one["query"], one["at"]) for one in trail.rows} == {("request-1", "code=abc", row["at"])}
    assert sorted(event["id"] for event in trail.events) == [f"{row['id']}.{nth}" for nth in (1, 2, 3)]
    assert all(r4.validate(event) == [] for event in trail.events)


async def test_one_thing_is_named_by_its_row_and_a_list_names_no_thing(db: Database) -> None:
    await show(db, THREE[:1])
    await show(db, [("Task", "", "patient-1"), ("Task", "", "patient-2")])
    one, several = await kept(db)
    assert (one["res_id"], one["patient_id"], one["patients"], one["things"]) == ("task-0", "patient-0", "", "")
    assert (several["patients"], several["things"]) == ("patient-1 patient-2", "")
    assert [event["id"] for event in (await found(db, patient="patient-0")).events] == [one["id"]]


async def test_an_event_is_found_by_its_id_its_patient_and_its_thing_and_no_other_with_it(db: Database) -> None:
    await show(db, THREE)
    for event in (await found(db)).rows:
        mine = [(event["res_type"], event["res_id"], event["patient_id"])]
        assert await told(db, _id=event["id"]) == mine
        assert await told(db, patient=event["patient_id"]) == mine
        assert await told(db, entity=f"Task/{event['res_id']}") == mine
        assert await told(db, entity=f"Patient/{event['patient_id']}") == mine
        assert await told(db, SOFTWARE, _id=event["id"]) == []
    row = (await kept(db))[0]["id"]
    for absent in (row, f"{row}.0", f"{row}.4", f"{row}.1.1", f"{row}."):
        assert await told(db, _id=absent) == [], absent
    assert await told(db, entity="Task/patient-1") == []
    assert await told(db, patient="task-1") == []


async def test_pages_end_in_the_middle_of_an_act_without_loss_nor_repetition(db: Database) -> None:
    await show(db, THREE)
    await show(db, [("Task", "alone", "patient-9")])
    await show(db, [("Appointment", "", f"patient-{number}") for number in range(4)])
    everything = [row["id"] for row in (await found(db)).rows]
    assert len(everything) == 8
    seen, after = [], None
    while True:
        async with db.trail.transaction(DOCTOR) as tx:
            page = await record.search_trail(tx, DOCTOR, [("_count", "3")], after=after)
        seen += [row["id"] for row in page.rows]
        after = page.position
        if after is None:
            break
    assert seen == everything


async def test_a_long_list_is_several_rows(db: Database) -> None:
    await show(db, [("Task", "", f"patient-{number}") for number in range(2 * MOST_IN_A_ROW + 1)])
    rows = await kept(db)
    assert [len(row["patients"].split()) for row in rows] == [MOST_IN_A_ROW, MOST_IN_A_ROW, 0]
    assert rows[-1]["patient_id"] == f"patient-{2 * MOST_IN_A_ROW}"


async def test_the_database_refuses_a_row_that_says_both_or_counts_otherwise(db: Database) -> None:
    for columns, values in (
        ("patients, patient_id", "'a b', 'a'"),
        ("patients, res_id", "'a b', 'x'"),
        ("patients", "'a'"),
        ("patients, things", "'a b', 'x'"),
        ("patients, things", "'a b', 'x y z'"),
    ):
        async with db.transaction(DOCTOR) as tx:
            with pytest.raises(asyncpg.CheckViolationError, match="audit_event_one_or_many"):
                await tx.conn.execute(
                    f"INSERT INTO audit_event (id, at, action, subtype, actor_kind, actor_id, organization, res_type, {columns}) "
                    f"VALUES ('x', now(), 'R', 'read', 'person', 'practitioner-1', 'org-a', 'Task', {values})"
                )
            await tx.conn.execute("ROLLBACK; BEGIN")


IDS = st.sampled_from(["", "a", "b-1", "c"])
PATIENTS = st.sampled_from([None, "p1", "p2", "p3"])


@given(st.lists(st.tuples(st.sampled_from(["Task", "Patient"]), IDS, PATIENTS), max_size=12))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.asyncio
async def test_whatever_was_shown_is_told_again(db: Database, shown: Shown) -> None:
    already = Counter(await _told_by(db))
    await show(db, shown)
    assert Counter(await _told_by(db)) - already == Counter(shown)


async def _told_by(db: Database) -> Shown:
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT e.res_type, x.res_id, x.patient_id FROM audit_event e, audit_shown(e) x")
    return [(row["res_type"], row["res_id"], row["patient_id"]) for row in rows]


# --- the patient ----------------------------------------------------------------
def patient_of(id: str, **more: Any) -> Actor:
    return Actor("patient", id, (), frozenset({"patient"}), **more)


async def test_a_patient_reads_of_an_act_what_is_about_the_patient_alone(db: Database) -> None:
    await show(db, THREE)
    await show(db, [("Patient", "patient-1", "patient-1")], verb="read", query="")
    patient = patient_of("patient-1")
    assert await told(db, patient) == [("Patient", "patient-1", "patient-1"), ("Task", "task-1", "patient-1")]
    events = json.dumps((await found(db, patient)).events)
    assert "patient-0" not in events
    assert "task-2" not in events
    [event] = (await found(db, patient, subtype="search-type")).rows
    assert await told(db, patient, _id=event["id"]) == [("Task", "task-1", "patient-1")]
    assert await told(db, patient, patient="patient-0") == []


async def test_whoever_asks_the_database_as_a_patient_sees_nobody_else(db: Database) -> None:
    """The second wall: an act that showed others too is a row that a patient does not see, and what tells of it names this patient alone."""
    await show(db, THREE)
    async with db.trail.transaction(patient_of("patient-1")) as tx:
        assert await tx.fetch("SELECT * FROM audit_event") == []
        [row] = await tx.fetch("SELECT * FROM audit_of_patient()")
        assert (row["patient_id"], row["patients"], row["things"], row["under_glass"]) == ("patient-1", "", "", "")
    for other in (DOCTOR, SOFTWARE, Actor("person", "patient-x", (), frozenset({"medecin"}))):
        async with db.trail.transaction(other) as tx:
            assert await tx.fetch("SELECT * FROM audit_of_patient()") == []


async def test_a_link_about_an_emergency_access_tells_that_one_whole(db: Database) -> None:
    await show(db, THREE)
    async with db.transaction(DOCTOR) as tx:
        await record.audit(tx, "E", "BreakGlass", "glass-1", patient="patient-1", act="break-glass")
    told_of = {kind: await told(db, patient_of("patient-1", only=frozenset({(kind, "other")}))) for kind in ("BreakGlass", "Task")}
    assert told_of == {"BreakGlass": [("BreakGlass", "glass-1", "patient-1")], "Task": []}


async def test_a_link_tells_of_an_act_what_it_opened(db: Database) -> None:
    await show(db, THREE)
    narrow = patient_of("patient-1", only=frozenset({("Task", "task-1")}))
    assert await told(db, narrow) == [("Task", "task-1", "patient-1")]
    assert await told(db, patient_of("patient-1", only=frozenset({("Task", "task-2")}))) == []
