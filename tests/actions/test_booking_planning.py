"""create-vacation, add-exception, plan, confirm-room, publish: from a template to slots."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.booking import Share
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
LONG_NIGHT, SHORT_NIGHT = date(2026, 10, 25), date(2027, 3, 28)


async def plan(db: Database, vacation: Any, start: date, end: date | None = None) -> list[Any]:
    planned: list[Any] = await make.act(db, make.PLANNER, booking.plan, vacation["id"], start=start, end=end or start)
    return planned


async def test_sessions_follow_the_recurrence_and_skip_holidays(db: Database) -> None:
    vacation = await make.vacation(db, rrule="FREQ=WEEKLY;BYDAY=FR")
    sessions = await plan(db, vacation, date(2026, 12, 18), date(2027, 1, 8))
    assert [(s["day"].isoformat(), s["school_holiday"]) for s in sessions] == [
        ("2026-12-18", False),
        ("2027-01-08", False),
    ]  # 25 Dec, 1 Jan


async def test_planning_again_changes_nothing(db: Database) -> None:
    vacation = await make.vacation(db)
    assert len(await plan(db, vacation, make.TUESDAY, make.TUESDAY + timedelta(days=28))) == 5
    assert await plan(db, vacation, make.TUESDAY, make.TUESDAY + timedelta(days=28)) == []
    await make.check(db)


@pytest.mark.parametrize(("night", "count"), [(LONG_NIGHT, 75), (SHORT_NIGHT, 69)])
async def test_a_whole_day_on_a_clock_change_night(db: Database, clock: FixedClock, night: date, count: int) -> None:
    clock.set(make.paris(night - timedelta(days=30), 9))
    session = await make.open_session(db, day=night, rrule="FREQ=WEEKLY;BYDAY=SU", starts=time(0), ends=time(0), buffer_after=30)
    slots = await make.slots(db, session["id"])
    assert (session["slot_count"], len(slots)) == (count, count)
    assert {slot["ends_at"] - slot["starts_at"] for slot in slots} == {timedelta(minutes=20)}
    assert slots[-1]["ends_at"] == make.paris(night + timedelta(days=1), 0)


async def test_a_local_time_in_the_gap_is_refused(db: Database) -> None:
    vacation = await make.vacation(db, rrule="FREQ=WEEKLY;BYDAY=SU", starts=time(2, 30), ends=time(6))
    error = await make.refused(Invalid, "local-time-gap", plan(db, vacation, SHORT_NIGHT))
    assert error.issues[0].code == "business-rule"
    assert await make.value(db, "SELECT count(*) FROM vacation_session") == 0


async def test_no_clause_no_session(db: Database) -> None:
    vacation = await make.vacation(db, agreement=False)
    error = await make.refused(Conflict, "no-clause", plan(db, vacation, make.TUESDAY))
    assert error.extra["day"] == "2026-12-01"
    parties = {"owner_org": make.HOSPITAL, "host_org": make.CENTRE, "site": make.SITE, "specialty": make.SPECIALTY}
    await make.refused(NotAllowed, "not-for-this-party", make.act(db, make.GP, booking.grant_clause, valid_from=make.TUESDAY, **parties))
    await make.act(db, make.HOST, booking.grant_clause, valid_from=make.TUESDAY, valid_to=make.TUESDAY, **parties)
    await make.refused(Conflict, "not-authorised", plan(db, vacation, make.TUESDAY))
    right = {"practitioner": make.PRACTITIONER, "site": make.SITE, "valid_from": make.TUESDAY}
    await make.refused(NotAllowed, "not-for-this-party", make.act(db, make.GP, booking.authorise_practice, **right))
    await make.act(db, make.HOST, booking.authorise_practice, **right)
    assert len(await plan(db, vacation, make.TUESDAY)) == 1
    await make.refused(Conflict, "no-clause", plan(db, vacation, make.TUESDAY + timedelta(days=7)))


async def test_the_database_wants_the_clause_too(db: Database) -> None:
    session = await make.planned(db)
    with pytest.raises(Exception, match="vacation_session_agreed"):
        async with db.transaction(make.SYSTEM) as tx:
            await tx.execute("UPDATE vacation_session SET clause_id = NULL WHERE id = $1", session["id"])


async def test_at_home_a_hospital_needs_neither(db: Database) -> None:
    inside = {"practitioner_role": "percy-dermatologie-coutras", "site": "site-percy", "room": "percy-consultation-dermatologie"}
    vacation = await make.vacation(db, agreement=False, **inside)
    assert (await plan(db, vacation, make.TUESDAY))[0]["clause_id"] is None


async def test_quotas_fit_in_the_slots(db: Database) -> None:
    too_many = {"reserved_asap": 4, "reserved_urgent": 4, "quotas": (Share(make.OTHER, 2),)}
    await make.refused(Invalid, "quota-above-slots", make.vacation(db, agreement=False, **too_many))
    session = await make.planned(db)
    with pytest.raises(Exception, match="vacation_session_quota"):
        async with db.transaction(make.SYSTEM) as tx:
            await tx.execute("UPDATE vacation_session SET reserved_asap = 10 WHERE id = $1", session["id"])


async def test_a_practitioner_is_in_one_place_and_a_room_holds_one_session(db: Database) -> None:
    first = await make.planned(db, buffer_after=30)
    same_doctor = await make.vacation(db, agreement=False, room=make.ROOM_2, starts=time(17, 20), ends=time(18))
    await make.refused(Conflict, "practitioner-busy", plan(db, same_doctor, make.TUESDAY))
    right = {"practitioner": "castanier-leo", "site": make.SITE, "valid_from": date(2021, 9, 15)}
    await make.act(db, make.PLANNER, booking.authorise_practice, **right)
    clause = {"owner_org": make.HOSPITAL, "host_org": make.CENTRE, "site": make.SITE, "specialty": "SM24", "valid_from": date(2021, 9, 15)}
    await make.act(db, make.PLANNER, booking.grant_clause, **clause)
    other = {"practitioner_role": "clamart-hge-castanier", "service": "percy-hge"}
    same_room = await make.vacation(db, agreement=False, **other, starts=time(16), ends=time(18))
    await make.refused(Conflict, "room-busy", plan(db, same_room, make.TUESDAY))
    await make.act(db, make.PLANNER, booking.cancel_session, first["id"], reason="leave")
    assert len(await plan(db, same_room, make.TUESDAY)) == 1
    assert len(await plan(db, same_doctor, make.TUESDAY)) == 1


async def test_a_vacation_is_made_of_things_that_fit(db: Database) -> None:
    await make.agreed(db)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("bad-recurrence", {"rrule": "FREQ=DAILY"}),
        ("other-specialty", {"specialty": "SM24"}),
        ("other-specialty", {"practitioner_role": "clamart-hge-castanier"}),
        ("room-elsewhere", {"room": "montgeron-salle-vacation"}),
        ("no-slot-fits", {"slot_minutes": 200}),
        ("period-ends-before-start", {"valid_to": date(2020, 1, 1)}),
        ("bad-buffer", {"buffer_before": 999}),
        ("unknown-organization", {"quotas": (Share("nowhere", 1),)}),
        ("bad-reservation", {"quotas": (Share(make.OTHER, 3, 2),)}),
    ]
    for reason, changes in cases:
        await make.refused(Invalid, reason, make.vacation(db, agreement=False, **changes))
    await make.refused(NotFound, "not-found", make.vacation(db, agreement=False, room="nowhere"))


async def test_the_office_of_the_hospital_plans_and_nobody_else(db: Database) -> None:
    vacation = await make.vacation(db)
    period = {"start": make.TUESDAY, "end": make.TUESDAY}
    for actor in (make.HOST, make.GP, make.DOCTOR):
        await make.refused(NotAllowed, "not-for-this-party", make.act(db, actor, booking.plan, vacation["id"], **period))
    await make.refused(Stale, "stale", make.act(db, make.PLANNER, booking.plan, vacation["id"], version=9, **period))
    await make.refused(Invalid, "bad-period", plan(db, vacation, make.TUESDAY, make.TUESDAY - timedelta(days=1)))
    await make.act(db, make.PLANNER, booking.update_vacation, vacation["id"], active=False)
    await make.refused(Conflict, "vacation-inactive", plan(db, vacation, make.TUESDAY))


async def test_a_session_opens_once_the_host_has_said_yes(db: Database, clock: FixedClock) -> None:
    session = await make.planned(db)
    await make.refused(Conflict, "room-unconfirmed", make.act(db, make.PLANNER, booking.publish, session["id"]))
    await make.refused(NotAllowed, "not-for-this-party", make.act(db, make.PLANNER, booking.confirm_room, session["id"]))
    await make.refused(
        Invalid, "room-elsewhere", make.act(db, make.HOST, booking.confirm_room, session["id"], room="montgeron-salle-vacation")
    )
    await make.act(db, make.HOST, booking.confirm_room, session["id"], kit=False)
    await make.refused(Conflict, "room-unconfirmed", make.act(db, make.PLANNER, booking.publish, session["id"]))
    confirmed = await make.act(db, make.HOST, booking.confirm_room, session["id"], room=make.ROOM_2)
    assert confirmed["room_id"] == make.ROOM_2
    opened = await make.act(db, make.PLANNER, booking.publish, session["id"], version=confirmed["version"])
    told = opened["ends_at"] + timedelta(hours=24)  # a day after its end, somebody must have said how it went
    assert (opened["status"], opened["due_at"], opened["published_at"]) == ("open", told, clock.now())
    await make.refused(Conflict, "not-in-table", make.act(db, make.PLANNER, booking.publish, session["id"]))
    await make.check(db)


async def test_reserved_slots_have_their_release_dates(db: Database, clock: FixedClock) -> None:
    clock.set(make.paris(date(2026, 11, 2), 9))
    session = await make.open_session(db, reserved_asap=1, reserved_urgent=1, quotas=(Share(make.OTHER, 1),))
    kept = {slot["reserved_for"]: slot for slot in await make.slots(db, session["id"]) if slot["reserved_for"]}
    assert kept["asap"]["release_at"] == kept["asap"]["starts_at"] - timedelta(hours=24)
    assert kept["urgent"]["release_at"] == make.paris(date(2026, 11, 26), 8)
    assert (kept["site"]["release_at"], kept["site"]["reserved_org"]) == (make.paris(date(2026, 11, 21), 8), make.OTHER)


async def test_published_after_its_release_date_a_slot_is_for_all(db: Database, clock: FixedClock) -> None:
    clock.set(make.paris(make.TUESDAY - timedelta(days=5), 9))
    session = await make.open_session(db, quotas=(Share(make.OTHER, 1),))
    assert all(slot["released_at"] for slot in await make.slots(db, session["id"]) if slot["reserved_for"])


async def test_a_session_that_is_over_is_not_published(db: Database, clock: FixedClock) -> None:
    session = await make.planned(db)
    clock.set(session["ends_at"])
    await make.refused(Conflict, "in-the-past", make.publish(db, session["id"]))


async def test_dated_exceptions_beat_recurrence_and_replace_what_was_only_planned(db: Database) -> None:
    vacation = await make.vacation(db)
    week = timedelta(days=7)
    await plan(db, vacation, make.TUESDAY, make.TUESDAY + 2 * week)
    add = booking.add_exception
    await make.act(db, make.PLANNER, add, vacation["id"], day=make.TUESDAY, kind="closed", reason="congrès")
    await make.act(
        db,
        make.PLANNER,
        add,
        vacation["id"],
        day=make.TUESDAY + week,
        kind="moved",
        to_day=date(2026, 12, 9),
        starts=time(9),
        ends=time(12),
    )
    await make.act(db, make.PLANNER, add, vacation["id"], day=date(2026, 12, 25), kind="extra", room=make.ROOM_2)
    made = await plan(db, vacation, make.TUESDAY, date(2026, 12, 31))
    assert [(s["day"].day, s["origin"], s["starts_at"]) for s in made] == [
        (8, "moved", make.paris(date(2026, 12, 9), 9)),
        (22, "rule", make.paris(date(2026, 12, 22), 14)),
        (25, "extra", make.paris(date(2026, 12, 25), 14)),
        (29, "rule", make.paris(date(2026, 12, 29), 14)),
    ]
    assert await make.value(db, "SELECT count(*) FROM vacation_session WHERE superseded") == 2
    await make.check(db)


async def test_bad_exceptions_are_refused(db: Database) -> None:
    vacation = await make.vacation(db)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("bad-exception", {"day": make.TUESDAY, "kind": "open"}),
        ("bad-exception", {"day": make.TUESDAY, "kind": "moved"}),
        ("not-an-occurrence", {"day": date(2026, 12, 2), "kind": "moved", "to_day": date(2026, 12, 3)}),
        ("local-time-gap", {"day": SHORT_NIGHT, "kind": "extra", "starts": time(2, 30), "ends": time(5)}),
        ("no-slot-fits", {"day": make.TUESDAY, "kind": "extra", "starts": time(9), "ends": time(9, 10)}),
        ("room-elsewhere", {"day": make.TUESDAY, "kind": "extra", "room": "montgeron-salle-vacation"}),
    ]
    for reason, fields in cases:
        await make.refused(Invalid, reason, make.act(db, make.PLANNER, booking.add_exception, vacation["id"], **fields))


async def test_a_day_that_is_open_to_patients_is_cancelled_not_closed(db: Database) -> None:
    session = await make.open_session(db)
    closing = make.act(db, make.PLANNER, booking.add_exception, session["vacation_id"], day=make.TUESDAY, kind="closed")
    error = await make.refused(Conflict, "session-published", closing)
    assert error.extra["sessions"] == [session["id"]]


async def test_a_change_of_template_touches_no_published_session(db: Database) -> None:
    session = await make.open_session(db)
    booked = await make.booked(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    vacation = {"id": session["vacation_id"]}
    await plan(db, vacation, make.TUESDAY + timedelta(days=7))
    changes = {"starts": time(9), "ends": time(11), "slot_minutes": 30, "rrule": "FREQ=WEEKLY;BYDAY=TU", "room_id": make.ROOM_2}
    await make.act(db, make.PLANNER, booking.update_vacation, vacation["id"], **changes)
    assert (await make.row(db, "vacation_session", session["id"]))["starts_at"] == session["starts_at"]
    assert (await make.row(db, "appointment", booked["id"]))["starts_at"] == booked["starts_at"]
    again = await plan(db, vacation, make.TUESDAY, make.TUESDAY + timedelta(days=7))
    assert [(s["starts_at"], s["slot_count"], s["room_id"]) for s in again] == [(make.paris(date(2026, 12, 8), 9), 4, make.ROOM_2)]
    await make.refused(Invalid, "not-changeable", make.act(db, make.PLANNER, booking.update_vacation, vacation["id"], owner_org="x"))
    await make.check(db)
