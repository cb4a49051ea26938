"""book: a free slot, or a hold, becomes an appointment; one winner whoever races."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.booking import Share
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_a_free_slot_is_booked(db: Database) -> None:
    session = await make.open_session(db)
    slot, patient = (await make.slots(db, session["id"]))[0], (await make.patients(db))[0]
    row = await make.booked(db, slot["id"], patient, priority="urgent", based_on="request-1", task="task-1")
    assert (row["status"], row["turn"], row["requester_org"]) == ("booked", "PO", make.OTHER)
    assert row["due_at"] == slot["ends_at"] + timedelta(hours=24)
    assert (await make.slots(db, session["id"]))[0]["status"] == "busy"
    await make.check(db)


async def test_the_hospital_and_the_host_get_a_link_until_thirty_days_after(db: Database) -> None:
    session = await make.open_session(db)
    row = await make.booked(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    async with db.transaction(SYSTEM) as tx:
        links = await tx.fetch("SELECT * FROM care_link WHERE source = $1 ORDER BY organization_id", f"Appointment/{row['id']}")
    assert [(link["organization_id"], link["basis"]) for link in links] == [(make.CENTRE, "rendez-vous"), (make.HOSPITAL, "rendez-vous")]
    assert {link["ends"] for link in links} == {row["ends_at"] + timedelta(days=30)}


async def test_everything_owed_is_written_with_it(db: Database) -> None:
    session = await make.open_session(db)
    row = await make.booked(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    assert (
        await make.value(db.trail, "SELECT count(*) FROM audit_event WHERE res_id = $1 AND verb = 'book' AND action = 'C'", row["id"]) == 1
    )
    assert await make.value(db, "SELECT verb FROM appointment_history WHERE appointment_id = $1", row["id"]) == "book"
    told = "SELECT array_agg(organization_id ORDER BY organization_id) FROM notification WHERE focus_id = $1"
    assert await make.value(db, told, row["id"]) == [make.CENTRE, make.HOSPITAL]
    assert await make.value(db, "SELECT version FROM resource_head WHERE res_type = 'Appointment' AND id = $1", row["id"]) == 1


async def test_a_hold_becomes_a_booking(db: Database) -> None:
    session = await make.open_session(db)
    held = await make.held(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    row = await make.act(db, make.GP, booking.book, held["id"], version=held["version"])
    assert (row["id"], row["status"], row["expires_at"]) == (held["id"], "booked", None)
    await make.check(db)


async def test_a_hold_whose_time_is_over_is_refused_with_other_slots(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    held = await make.held(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    clock.advance(timedelta(minutes=10))
    error = await make.refused(Conflict, "hold-expired", make.act(db, make.GP, booking.book, held["id"]))
    assert len(error.extra["choices"]) == 5


async def test_a_stale_version_is_refused(db: Database) -> None:
    session = await make.open_session(db)
    held = await make.held(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    await make.refused(Stale, "stale", make.act(db, make.GP, booking.book, held["id"], version=7))


async def test_a_second_booking_gets_fresh_choices_of_the_same_site(db: Database) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    await make.booked(db, slots[0]["id"], patients[0])
    error = await make.refused(Conflict, "already-booked", make.booked(db, slots[0]["id"], patients[1]))
    assert [choice["slot"] for choice in error.extra["choices"]] == [slot["id"] for slot in slots[1:6]]


async def test_twenty_clients_race_for_one_slot_and_one_wins(db: Database) -> None:
    session = await make.open_session(db)
    slot, patients = (await make.slots(db, session["id"]))[4]["id"], await make.patients(db, 20)
    answers: list[Any] = await asyncio.gather(*(make.booked(db, slot, patient) for patient in patients), return_exceptions=True)
    losers = [answer for answer in answers if isinstance(answer, Conflict)]
    winners = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(winners) == 1
    assert [loser.reason for loser in losers] == ["already-booked"] * 19
    assert all(len(loser.extra["choices"]) == 5 for loser in losers)
    assert await make.value(db, "SELECT appointment_id FROM slot WHERE id = $1", slot) == winners[0]["id"]
    await make.check(db)


async def test_the_database_itself_refuses_a_second_live_appointment(db: Database) -> None:
    session = await make.open_session(db)
    row = await make.booked(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    columns = await make.value(
        db,
        """
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'appointment'::regclass
        AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> 'id'
        """,
    )
    copy = f"INSERT INTO appointment (id, {columns}) SELECT 'second', {columns} FROM appointment WHERE id = '{row['id']}' RETURNING 1"
    await make.refused(Conflict, "already-booked", make.value(db, copy))


async def test_bookings_of_different_slots_do_not_wait_for_each_other_in_a_circle(db: Database) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    first = await make.booked(db, slots[0]["id"], patients[0])
    second = await make.booked(db, slots[1]["id"], patients[1])
    moves = [(first["id"], slots[2]["id"]), (second["id"], slots[2]["id"]), (first["id"], slots[1]["id"]), (second["id"], slots[0]["id"])]
    answers = await asyncio.gather(*(make.act(db, make.PLANNER, booking.move, a, slot=s) for a, s in moves), return_exceptions=True)
    assert all(not isinstance(answer, BaseException) or isinstance(answer, Conflict | Stale) for answer in answers)
    await make.check(db)


@pytest.mark.parametrize(("actor", "family", "reason"), [(make.HOST, None, ""), (make.STRANGER, NotFound, "not-found")])
async def test_who_may_book(db: Database, actor: Actor, family: type[Exception] | None, reason: str) -> None:
    session = await make.open_session(db)
    slot, patient = (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0]
    if family is None:
        assert (await make.booked(db, slot, patient, actor=actor))["requester_org"] == actor.organization
    else:
        await make.refused(NotFound, reason, make.booked(db, slot, patient, actor=actor))


async def test_nobody_books_in_the_name_of_another_organisation_but_the_hospital(db: Database) -> None:
    session = await make.open_session(db)
    slot, patient = (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0]
    await make.refused(NotAllowed, "not-for-this-party", make.booked(db, slot, patient, requester_org=make.CENTRE))
    assert (await make.booked(db, slot, patient, actor=make.PLANNER, requester_org=make.OTHER))["requester_org"] == make.OTHER


async def test_a_reserved_slot_is_for_those_it_waits_for(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db, reserved_asap=1, quotas=(Share(make.CENTRE, 1),))
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    asap = next(slot for slot in slots if slot["reserved_for"] == "asap")
    site = next(slot for slot in slots if slot["reserved_for"] == "site")
    error = await make.refused(Conflict, "reserved", make.booked(db, asap["id"], patients[0]))
    assert asap["id"] not in [choice["slot"] for choice in error.extra["choices"]]
    await make.refused(Conflict, "reserved", make.booked(db, site["id"], patients[0], priority="asap"))
    await make.booked(db, asap["id"], patients[0], priority="asap")
    clock.set(site["release_at"])
    assert (await make.booked(db, site["id"], patients[1]))["status"] == "booked"
    await make.check(db)


async def test_a_capped_share_ends_in_quota_exhausted(db: Database, clock: FixedClock) -> None:
    clock.set(make.paris(make.TUESDAY, 14) - timedelta(days=20))
    session = await make.open_session(db, quotas=(Share(make.OTHER, 1, 2),))
    free = [slot["id"] for slot in await make.slots(db, session["id"]) if slot["reserved_for"] is None]
    patients = await make.patients(db)
    for number in range(2):
        await make.booked(db, free[number], patients[number])
    await make.refused(Conflict, "quota-exhausted", make.booked(db, free[2], patients[2]))
    assert (await make.booked(db, free[2], patients[2], priority="asap"))["status"] == "booked"
    assert (await make.booked(db, free[3], patients[3], actor=make.HOST))["status"] == "booked"


async def test_two_racers_never_pass_a_cap(db: Database, clock: FixedClock) -> None:
    clock.set(make.paris(make.TUESDAY, 14) - timedelta(days=20))
    session = await make.open_session(db, quotas=(Share(make.OTHER, 0, 2),))
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    answers = await asyncio.gather(
        *(make.booked(db, slot["id"], patient) for slot, patient in zip(slots, patients, strict=False)), return_exceptions=True
    )
    assert sorted(a.reason for a in answers if isinstance(a, Conflict)) == ["quota-exhausted"] * 7


async def test_a_slot_of_the_past_or_of_a_closed_session_is_refused(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slots, patient = await make.slots(db, session["id"]), (await make.patients(db))[0]
    clock.set(slots[0]["starts_at"])
    await make.refused(Conflict, "in-the-past", make.booked(db, slots[0]["id"], patient))
    await make.act(db, make.HOST, booking.flag_absence, session["id"], reason="ill")
    await make.refused(Conflict, "session-not-open", make.booked(db, slots[1]["id"], patient))


async def test_what_is_unknown_is_not_found(db: Database) -> None:
    session = await make.open_session(db)
    slot = (await make.slots(db, session["id"]))[0]["id"]
    await make.refused(NotFound, "not-found", make.booked(db, "nothing", (await make.patients(db))[0]))
    await make.refused(NotFound, "not-found", make.booked(db, slot, "nobody"))
    await make.refused(NotFound, "not-found", make.act(db, make.GP, booking.book, "nothing"))


async def test_bad_input_is_named(db: Database) -> None:
    session = await make.open_session(db)
    slot, patient = (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0]
    await make.refused(Invalid, "unknown-priority", make.booked(db, slot, patient, priority="soon"))
    await make.refused(Invalid, "slot-and-patient-needed", make.act(db, make.GP, booking.book, slot=slot))
    await make.refused(Invalid, "unknown-organization", make.booked(db, slot, patient, actor=make.PLANNER, requester_org="nowhere"))


async def test_a_booked_appointment_cannot_be_booked_again(db: Database) -> None:
    session = await make.open_session(db)
    row = await make.booked(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    error = await make.refused(Conflict, "not-in-table", make.act(db, make.GP, booking.book, row["id"]))
    assert error.extra["legal"] == ["cancel"]


async def test_an_organisation_that_is_no_party_sees_nothing(db: Database) -> None:
    session = await make.open_session(db)
    row = await make.booked(db, (await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0])
    await make.refused(NotFound, "not-found", make.act(db, make.STRANGER, booking.book, row["id"]))
    await make.refused(NotFound, "not-found", make.act(db, make.STRANGER, booking.get_appointment, row["id"]))
    assert await make.act(db, make.STRANGER, booking.appointments, session=session["id"]) == []
