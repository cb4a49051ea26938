"""flag-absence, substitute, cancel-session, start, finish, settle, dispute-settlement."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
FIGURES = {"minutes": 180, "patients": 9, "cost_cents": 54000}


async def with_patients(db: Database, count: int = 2) -> tuple[Any, list[Any]]:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    return session, [await make.booked(db, slots[n]["id"], patients[n]) for n in range(count)]


async def test_at_risk_nobody_new_is_booked(db: Database) -> None:
    session, _ = await with_patients(db)
    flagged = await make.act(db, make.DOCTOR, booking.flag_absence, session["id"], reason="leave")
    assert (flagged["status"], flagged["turn"]) == ("at-risk", "PO")
    assert [slot["status"] for slot in await make.slots(db, session["id"])] == ["busy"] * 2 + ["busy-unavailable"] * 7
    await make.refused(Invalid, "unknown-reason", make.act(db, make.DOCTOR, booking.flag_absence, (await other(db))["id"], reason="bored"))
    await make.check(db)


async def other(db: Database) -> Any:
    session = await make.act(
        db, make.PLANNER, booking.plan, await vacation_id(db), start=make.TUESDAY, end=make.TUESDAY + timedelta(days=7)
    )
    return await make.publish(db, session[0]["id"])


async def vacation_id(db: Database) -> str:
    return str(await make.value(db, "SELECT id FROM vacation"))


async def test_a_substitute_of_the_same_specialty_takes_the_patients(db: Database) -> None:
    session, rows = await with_patients(db)
    await make.act(db, make.PLANNER, booking.flag_absence, session["id"])
    swap = booking.substitute
    await make.refused(Invalid, "other-specialty", make.act(db, make.PLANNER, swap, session["id"], practitioner_role="percy-hge-castanier"))
    await make.refused(
        Conflict, "not-authorised", make.act(db, make.PLANNER, swap, session["id"], practitioner_role="percy-dermatologie-maupertin")
    )
    await make.refused(NotFound, "not-found", make.act(db, make.PLANNER, swap, session["id"], practitioner_role="nobody"))
    again = await make.act(db, make.PLANNER, swap, session["id"], practitioner_role=make.COLLEAGUE)
    assert (again["status"], again["practitioner_id"]) == ("open", make.COLLEAGUE_PRACTITIONER)
    assert [(await make.row(db, "appointment", row["id"]))["practitioner_role_id"] for row in rows] == [make.COLLEAGUE] * 2
    slots = await make.slots(db, session["id"])
    assert {slot["practitioner_role_id"] for slot in slots} == {make.COLLEAGUE}
    assert [slot["status"] for slot in slots] == ["busy"] * 2 + ["free"] * 7
    await make.check(db)


async def test_cancelling_frees_every_patient_and_says_who(db: Database, clock: FixedClock) -> None:
    session, rows = await with_patients(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    held = await make.held(db, slots[5]["id"], patients[5])
    done = await make.act(db, make.PLANNER, booking.cancel_session, session["id"], reason="deployment")
    assert {row["id"] for row in done.appointments} == {rows[0]["id"], rows[1]["id"], held["id"]}
    assert {(row["status"], row["cancel_side"], row["cancel_reason"]) for row in done.appointments} == {
        ("cancelled", "hospital", "deployment")
    }
    assert (done.session["status"], done.session["short_notice"], done.session["turn"]) == ("cancelled", False, None)
    assert {slot["status"] for slot in await make.slots(db, session["id"])} == {"busy-unavailable"}
    assert await make.value(db, "SELECT count(*) FROM care_link WHERE basis = 'rendez-vous' AND ends > $1", clock.now()) == 0
    await make.check(db)


async def test_under_ten_working_days_is_short_notice_and_the_host_has_its_side(db: Database, clock: FixedClock) -> None:
    session, _ = await with_patients(db)
    clock.set(session["starts_at"] - timedelta(days=10))
    await make.refused(Invalid, "unknown-reason", make.act(db, make.HOST, booking.cancel_session, session["id"], reason="forgot"))
    await make.refused(NotAllowed, "not-for-this-party", make.act(db, make.GP, booking.cancel_session, session["id"], reason="room"))
    done = await make.act(db, make.HOST, booking.cancel_session, session["id"], reason="room")
    assert (done.session["short_notice"], done.session["cancel_side"]) == (True, "host")


async def test_a_session_with_patients_in_the_waiting_room_is_not_cancelled(db: Database, clock: FixedClock) -> None:
    session, rows = await with_patients(db)
    clock.set(session["starts_at"] - timedelta(minutes=10))
    await make.act(db, make.NURSE, booking.arrive, rows[0]["id"], identity_confirmed=True)
    await make.refused(Conflict, "patients-present", make.act(db, make.PLANNER, booking.cancel_session, session["id"], reason="ill"))


async def test_a_cancelled_day_is_not_planned_again(db: Database) -> None:
    session, _ = await with_patients(db)
    await make.act(db, make.PLANNER, booking.cancel_session, session["id"], reason="ill")
    period = {"start": make.TUESDAY, "end": make.TUESDAY}
    assert await make.act(db, make.PLANNER, booking.plan, session["vacation_id"], **period) == []


async def finished(db: Database, clock: FixedClock) -> Any:
    session, rows = await with_patients(db)
    clock.set(session["starts_at"])
    await make.act(db, make.DOCTOR, booking.start, session["id"])
    clock.set(session["ends_at"])
    error = await make.refused(Conflict, "slots-open", make.act(db, make.DOCTOR, booking.finish, session["id"]))
    assert set(error.extra["appointments"]) == {row["id"] for row in rows}
    await make.act(db, make.DOCTOR, booking.fulfil, rows[0]["id"])
    await make.act(db, make.DOCTOR, booking.absent, rows[1]["id"])
    return await make.act(db, make.DOCTOR, booking.finish, session["id"])


async def test_a_session_ends_when_every_slot_has_its_outcome(db: Database, clock: FixedClock) -> None:
    session = await finished(db, clock)
    assert (session["status"], session["turn"]) == ("done", "PO")
    assert [slot["status"] for slot in await make.slots(db, session["id"])] == ["busy"] * 2 + ["busy-unavailable"] * 7
    await make.check(db)


async def test_only_the_practitioner_starts(db: Database) -> None:
    session, _ = await with_patients(db)
    for actor in (make.PLANNER, make.HOST, make.GP):
        await make.refused(NotAllowed, "not-for-this-party", make.act(db, actor, booking.start, session["id"]))


async def test_two_signatures_on_the_same_figures_settle(db: Database, clock: FixedClock) -> None:
    session = await finished(db, clock)
    first = await make.act(db, make.HOST, booking.settle, session["id"], **FIGURES)
    assert (first["status"], first["signed_host_at"]) == ("done", clock.now())
    differing = make.act(db, make.PLANNER, booking.settle, session["id"], **{**FIGURES, "patients": 8})
    assert (await make.refused(Conflict, "figures-differ", differing)).extra["figures"]["settled_patients"] == 9
    negative = make.act(db, make.PLANNER, booking.settle, session["id"], **{**FIGURES, "patients": -1})
    await make.refused(Invalid, "negative-figure", negative)
    second = await make.act(db, make.PLANNER, booking.settle, session["id"], **FIGURES)
    assert (second["status"], second["turn"], second["due_at"]) == ("settled", None, None)
    await make.check(db)


async def test_a_dispute_takes_both_signatures_back(db: Database, clock: FixedClock) -> None:
    session = await finished(db, clock)
    for actor in (make.HOST, make.PLANNER):
        await make.act(db, actor, booking.settle, session["id"], **FIGURES)
    await make.refused(Invalid, "comment-too-short", make.act(db, make.HOST, booking.dispute_settlement, session["id"], comment="non"))
    disputed = await make.act(db, make.HOST, booking.dispute_settlement, session["id"], comment="deux patients comptés deux fois")
    assert (disputed["status"], disputed["turn"], disputed["signed_host_at"], disputed["signed_owner_at"]) == (
        "settlement-disputed",
        "CO",
        None,
        None,
    )
    for actor in (make.PLANNER, make.HOST):
        last = await make.act(db, actor, booking.settle, session["id"], minutes=180, patients=7, cost_cents=42000)
    assert (last["status"], last["settled_patients"]) == ("settled", 7)
    await make.check(db)


async def test_a_substitute_at_home_needs_no_right_on_file(db: Database) -> None:
    inside = {"practitioner_role": make.COLLEAGUE, "site": "site-percy", "room": "percy-consultation-dermatologie"}
    vacation = await make.vacation(db, agreement=False, **inside)
    session = (await make.act(db, make.PLANNER, booking.plan, vacation["id"], start=make.TUESDAY, end=make.TUESDAY))[0]
    await make.act(db, make.PLANNER, booking.confirm_room, session["id"])
    await make.act(db, make.PLANNER, booking.publish, session["id"])
    await make.act(db, make.PLANNER, booking.flag_absence, session["id"])
    role = "percy-dermatologie-maupertin"
    again = await make.act(db, make.PLANNER, booking.substitute, session["id"], practitioner_role=role)
    assert (again["status"], again["authorisation_id"]) == ("open", None)
