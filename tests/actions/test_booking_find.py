"""find-slots: the first free slots over many sites, by service, priority, site, practitioner and dates."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.booking import Share
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Invalid, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
INSIDE = {"practitioner_role": "percy-dermatologie-maupertin", "site": "site-percy", "room": "percy-consultation-dermatologie"}


async def find(db: Database, actor: Any = make.GP, **criteria: Any) -> list[Any]:
    found: list[Any] = await make.act(db, actor, booking.find_slots, **{"services": [make.SERVICE], **criteria})
    return found


async def two_sites(db: Database) -> tuple[Any, Any]:
    centre = await make.open_session(db)
    vacation = await make.vacation(db, agreement=False, **INSIDE, starts=time(13), ends=time(14))
    session = (await make.act(db, make.PLANNER, booking.plan, vacation["id"], start=make.TUESDAY, end=make.TUESDAY))[0]
    await make.act(db, make.PLANNER, booking.confirm_room, session["id"])
    return centre, await make.act(db, make.PLANNER, booking.publish, session["id"])


async def test_in_order_of_time_over_sites(db: Database) -> None:
    centre, hospital = await two_sites(db)
    found = await find(db, limit=4)
    assert [row["session_id"] for row in found] == [hospital["id"]] * 3 + [centre["id"]]
    assert next((row["location_id"], row["host_org"], row["room_id"]) for row in found) == (
        "site-percy",
        make.HOSPITAL,
        "percy-consultation-dermatologie",
    )
    assert [row["location_id"] for row in await find(db, sites=[make.SITE], limit=1)] == [make.SITE]
    assert await find(db, practitioner_roles=[make.ROLE], sites=["site-percy"]) == []
    assert await find(db, services=["percy-hge"]) == []
    assert len(await find(db, services=["percy-hge", make.SERVICE], limit=200)) == 12


async def test_between_two_instants_and_never_in_the_past(db: Database, clock: FixedClock) -> None:
    await make.open_session(db)
    low = make.paris(make.TUESDAY, 15)
    found = await find(db, start=low, end=make.paris(make.TUESDAY, 15, 40))
    assert [row["starts_at"] for row in found] == [low, low + timedelta(minutes=20)]
    clock.set(make.paris(make.TUESDAY, 16, 1))
    assert len(await find(db, start=low)) == 2


async def test_reserved_slots_for_those_entitled_or_once_released(db: Database, clock: FixedClock) -> None:
    clock.set(make.paris(make.TUESDAY - timedelta(days=20), 9))
    await make.open_session(db, reserved_asap=1, reserved_urgent=2, quotas=(Share(make.CENTRE, 3),))
    assert [len(await find(db, priority=p)) for p in ("routine", "urgent", "asap", "stat")] == [3, 5, 6, 6]
    assert len(await find(db, make.HOST)) == 6
    assert len(await find(db, make.PLANNER, organizations=[make.CENTRE])) == 6
    clock.set(make.paris(make.TUESDAY - timedelta(days=10), 8))
    assert len(await find(db)) == 6


async def test_bad_criteria_are_refused(db: Database, clock: FixedClock) -> None:
    await make.refused(Invalid, "unknown-priority", find(db, priority="soon"))
    await make.refused(Invalid, "bad-limit", find(db, limit=0))
    await make.refused(Invalid, "bad-limit", find(db, limit=201))
    await make.refused(Invalid, "period-ends-before-start", find(db, start=clock.now(), end=clock.now() - timedelta(days=1)))


async def test_next_free_and_third_next_available(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slots = await make.slots(db, session["id"])
    await make.booked(db, slots[0]["id"], (await make.patients(db))[0])
    assert [row["id"] for row in await make.act(db, make.GP, booking.next_free, make.SERVICE)] == [slot["id"] for slot in slots[1:4]]
    assert await make.act(db, make.GP, booking.third_next_available, make.SERVICE) == slots[3]["starts_at"] - clock.now()
    assert await make.act(db, make.GP, booking.third_next_available, "percy-hge") is None


async def test_the_week_table_counts_slots(db: Database) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    await make.booked(db, slots[0]["id"], patients[0])
    await make.held(db, slots[1]["id"], patients[1])
    window = {"start": make.paris(date(2026, 11, 30), 0), "end": make.paris(date(2026, 12, 7), 0)}
    week = await make.act(db, make.HOST, booking.sessions, **window, sites=[make.SITE], owner=make.HOSPITAL, statuses=["open"])
    assert [(row["id"], row["free"], row["held"], row["booked"]) for row in week] == [(session["id"], 7, 1, 1)]
    assert await make.act(db, make.HOST, booking.sessions, **window, sites=[]) == []


async def test_states_of_slots_in_the_words_of_the_room(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db, reserved_asap=1)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    await make.booked(db, slots[0]["id"], patients[0])
    await make.held(db, slots[1]["id"], patients[1])
    states = [booking.slot_state(slot, clock.now()) for slot in await make.slots(db, session["id"])]
    assert states == ["booked", "held", "free", "free", "reserved", "free", "free", "free", "free"]
    await make.act(db, make.PLANNER, booking.flag_absence, session["id"])
    assert booking.slot_state((await make.slots(db, session["id"]))[2], clock.now()) == "blocked"


async def test_appointments_by_day_site_session_patient_task(db: Database) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    rows = [await make.booked(db, slots[n]["id"], patients[n], task=f"task-{n}") for n in range(3)]

    async def listed(**criteria: Any) -> list[str]:
        return [row["id"] for row in await make.act(db, make.HOST, booking.appointments, **criteria)]

    assert await listed(session=session["id"]) == [row["id"] for row in rows]
    assert await listed(start=slots[1]["starts_at"], end=slots[2]["starts_at"]) == [rows[1]["id"]]
    assert await listed(patient=patients[2], sites=[make.SITE], statuses=["booked"]) == [rows[2]["id"]]
    assert await listed(task="task-0") == [rows[0]["id"]]
    assert await listed(limit=1) == [rows[0]["id"]]


async def test_one_of_each_by_its_id(db: Database) -> None:
    session = await make.open_session(db)
    slot = (await make.slots(db, session["id"]))[0]
    assert (await make.act(db, make.GP, booking.get_slot, slot["id"]))["practitioner_id"] == make.PRACTITIONER
    assert (await make.act(db, make.GP, booking.get_session, session["id"]))["status"] == "open"
    for get in (booking.get_slot, booking.get_session, booking.get_vacation, booking.get_appointment):
        await make.refused(NotFound, "not-found", make.act(db, make.GP, get, "nothing"))
