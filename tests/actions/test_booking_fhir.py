"""The FHIR face: FR Core shapes, plain creates that are verbs, operations called with the words of FHIR."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.booking import Share
from maillage.booking.fhir import priority_of
from maillage.codes import r4, systems
from maillage.codes.json import decode
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, Malformed, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
CLAIMS = {claim.type: claim for claim in booking.INTAKE}
OPERATIONS = {(op.type, op.name): op for op in booking.OPERATIONS}


async def photograph(db: Database, kind: str, id: str) -> Any:
    sql = "SELECT content FROM resource_version WHERE res_type = $1 AND id = $2 ORDER BY version DESC LIMIT 1"
    return decode(await make.value(db, sql, kind, id))


async def call(db: Database, actor: Any, kind: str, name: str, *args: Any, **parameters: Any) -> Any:
    return await make.act(db, actor, OPERATIONS[kind, name].call, *args, **parameters)


def posted(slot: str, patient: str, status: str = "booked", **more: Any) -> dict[str, Any]:
    who = {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}
    return {
        "resourceType": "Appointment",
        "id": "given",
        "status": status,
        "slot": [{"reference": f"Slot/{slot}"}],
        "participant": [who],
        **more,
    }


async def test_a_vacation_is_a_schedule_with_its_recurrence_and_exceptions(db: Database) -> None:
    vacation = await make.vacation(db, valid_to=date(2027, 6, 30))
    add = booking.add_exception
    await make.act(db, make.PLANNER, add, vacation["id"], day=make.TUESDAY, kind="moved", to_day=date(2026, 12, 2))
    await make.act(db, make.PLANNER, add, vacation["id"], day=date(2026, 12, 3), kind="extra", starts=time(9), ends=time(11))
    schedule = await photograph(db, "Schedule", vacation["id"])
    assert schedule["meta"]["profile"] == [systems.PROFILE_SCHEDULE]
    assert "serviceType" not in schedule
    times = [e for e in schedule["extension"] if e["url"] == systems.EXT_SCHEDULE_AVAILABILITY]
    rrule = next(part for part in times[0]["extension"] if part["url"] == "rrule")["extension"]
    assert [(part["url"], next(v for k, v in part.items() if k != "url")) for part in rrule[1:]] == [
        ("until", "2027-06-30"),
        ("interval", 1),
        ("byDay", "TU"),
    ]
    kinds = [next(part["valueCoding"]["code"] for part in t["extension"] if part["url"] == "type") for t in times]
    assert kinds == ["free", "busy-unavailable", "free", "free"]
    assert [i for i in r4.validate(schedule) if i.severity == "error"] == []


async def test_a_session_its_slots_and_an_appointment_are_valid(db: Database) -> None:
    session = await make.open_session(db, reserved_asap=1, quotas=(Share(make.CENTRE, 1),))
    slots, patient = await make.slots(db, session["id"]), (await make.patients(db))[0]
    row = await make.booked(db, slots[0]["id"], patient, priority="urgent", based_on="r1", task="t1")
    line = await make.waiting(db, (await make.patients(db))[1])
    drawn = [await photograph(db, "Schedule", session["id"])]
    drawn += [await photograph(db, "Slot", slot["id"]) for slot in slots]
    drawn += [await photograph(db, "Appointment", id) for id in (row["id"], line["id"])]
    for resource in drawn:
        assert [(i.expression, i.details) for i in r4.validate(resource) if i.severity == "error"] == []
    assert drawn[0]["actor"][0] == {"reference": f"PractitionerRole/{make.ROLE}"}
    assert drawn[0]["active"] is True
    assert drawn[1]["schedule"] == {"reference": f"Schedule/{session['id']}"}
    assert drawn[1]["start"].endswith("14:00:00.000+01:00")
    appointment = drawn[-2]
    assert (appointment["priority"], appointment["basedOn"], appointment["minutesDuration"]) == (
        5,
        [{"reference": "ServiceRequest/r1"}],
        20,
    )
    assert [p["actor"]["reference"].partition("/")[0] for p in appointment["participant"]] == [
        "Patient",
        "PractitionerRole",
        "Practitioner",
        "Location",
        "HealthcareService",
    ]
    assert "slot" not in drawn[-1]


async def test_every_outcome_is_valid_fhir(db: Database, clock: FixedClock) -> None:
    session = await make.open_session(db)
    slots, patients = await make.slots(db, session["id"]), await make.patients(db)
    rows = [await make.booked(db, slots[n]["id"], patients[n]) for n in range(3)]
    await make.act(db, make.GP, booking.cancel, rows[0]["id"], reason="other", comment="une raison assez longue")
    clock.set(session["starts_at"])
    clock.set(slots[2]["starts_at"])
    await make.act(db, make.DOCTOR, booking.absent, rows[1]["id"])
    await make.act(db, make.NURSE, booking.arrive, rows[2]["id"], identity_confirmed=True)
    await make.act(db, make.DOCTOR, booking.fulfil, rows[2]["id"])
    drawn = [await photograph(db, "Appointment", row["id"]) for row in rows]
    assert [resource["status"] for resource in drawn] == ["cancelled", "noshow", "fulfilled"]
    assert [[i.expression for i in r4.validate(resource) if i.severity == "error"] for resource in drawn] == [[], [], []]
    assert drawn[0]["cancelationReason"]["text"] == "une raison assez longue"


async def test_posting_a_booked_appointment_books(db: Database) -> None:
    session = await make.open_session(db)
    slot, patients = (await make.slots(db, session["id"]))[0]["id"], await make.patients(db)
    body = posted(
        slot, patients[0], priority=2, basedOn=[{"reference": "ServiceRequest/r9"}], supportingInformation=[{"reference": "Task/t9"}]
    )
    claim = CLAIMS["Appointment"]
    assert await make.act(db, make.GP, claim.claims, body) is True
    kind, id = await make.act(db, make.GP, claim.create, body)
    row = await make.row(db, "appointment", id)
    assert (kind, row["status"], row["priority"], row["based_on"], row["task_id"]) == ("Appointment", "booked", "asap", "r9", "t9")
    error = await make.refused(Conflict, "already-booked", make.act(db, make.GP, claim.create, posted(slot, patients[1])))
    assert len(error.extra["choices"]) == 5
    assert await make.act(db, make.GP, claim.claims, {"resourceType": "Appointment", "id": id}) is True


@pytest.mark.parametrize("status", ["pending", "proposed"])
async def test_posting_a_pending_one_holds(db: Database, status: str) -> None:
    session = await make.open_session(db)
    body = posted((await make.slots(db, session["id"]))[0]["id"], (await make.patients(db))[0], status)
    _, id = await make.act(db, make.GP, CLAIMS["Appointment"].create, body)
    assert (await make.row(db, "appointment", id))["status"] == "pending"


async def test_what_a_post_lacks_is_named(db: Database) -> None:
    session = await make.open_session(db)
    slots, patient = await make.slots(db, session["id"]), (await make.patients(db))[0]
    create, body = CLAIMS["Appointment"].create, posted(slots[0]["id"], patient)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("status-not-creatable", {**body, "status": "fulfilled"}),
        ("slot-missing", {**body, "slot": []}),
        ("one-slot-only", {**body, "slot": [*body["slot"], {"reference": f"Slot/{slots[1]['id']}"}]}),
        ("patient-missing", {**body, "participant": [{"actor": {"reference": "Practitioner/x"}}, "?"]}),
    ]
    for reason, resource in cases:
        await make.refused(Invalid, reason, make.act(db, make.GP, create, resource))


async def test_what_concerns_no_vacation_of_ours_is_not_claimed(db: Database) -> None:
    vacation = await make.vacation(db)
    asked = {
        "Appointment": [{"slot": [{"reference": "Slot/elsewhere"}]}, {"slot": "?"}, {"id": "x"}],
        "Slot": [{"schedule": {"reference": "Schedule/elsewhere"}}, {"id": "x"}],
        "Schedule": [{"id": "x"}, {}],
    }
    for kind, bodies in asked.items():
        for body in bodies:
            assert await make.act(db, make.GP, CLAIMS[kind].claims, {"resourceType": kind, **body}) is False
    ours = {"resourceType": "Slot", "schedule": {"reference": f"Schedule/{vacation['id']}"}}
    assert await make.act(db, make.GP, CLAIMS["Slot"].claims, ours) is True
    await make.refused(Invalid, "made-by-verb", make.act(db, make.GP, CLAIMS["Slot"].create, ours))
    assert await make.act(db, make.GP, CLAIMS["Schedule"].claims, {"resourceType": "Schedule", "id": vacation["id"]}) is True
    session = await make.publish(
        db, (await make.act(db, make.PLANNER, booking.plan, vacation["id"], start=make.TUESDAY, end=make.TUESDAY))[0]["id"]
    )
    slot = {"resourceType": "Slot", "id": (await make.slots(db, session["id"]))[0]["id"]}
    assert await make.act(db, make.GP, CLAIMS["Slot"].claims, slot) is True


async def test_an_update_is_told_its_verb() -> None:
    verb = CLAIMS["Appointment"].verb_for
    assert [verb({}, {"status": s}) for s in ("cancelled", "arrived", "noshow", "?")] == ["cancel", "arrive", "absent", "move"]
    assert CLAIMS["Schedule"].verb_for({}, {"active": False}) == "cancel-session"
    assert CLAIMS["Schedule"].verb_for({}, {}) == "update-vacation"
    assert CLAIMS["Slot"].verb_for({}, {}) == "book"


async def test_a_whole_visit_by_operations(db: Database, clock: FixedClock) -> None:
    await make.agreed(db)
    words = {
        "practitioner-role": f"PractitionerRole/{make.ROLE}",
        "service": f"HealthcareService/{make.SERVICE}",
        "site": f"Location/{make.SITE}",
        "room": make.ROOM,
        "starts": "14:00",
        "ends": "17:00",
        "rrule": "FREQ=WEEKLY;BYDAY=TU",
        "valid-from": "2026-01-06",
    }
    vacation = await call(db, make.PLANNER, "Schedule", "create-vacation", **words)
    assert await call(db, make.PLANNER, "Schedule", "plan", vacation, start="2026-12-01", end="2026-12-01") == vacation
    session = await make.value(db, "SELECT id FROM vacation_session")
    await call(db, make.HOST, "Schedule", "confirm-room", session, kit="true")
    await call(db, make.PLANNER, "Schedule", "publish", session, version=2)
    bundle = await call(db, make.GP, "Slot", "find", services=[f"HealthcareService/{make.SERVICE}"], limit=2)
    slot, patient = bundle["entry"][0]["resource"]["id"], (await make.patients(db))[0]
    held = await call(db, make.GP, "Slot", "hold", slot, patient=f"Patient/{patient}")
    assert await call(db, make.GP, "Appointment", "book", held, version=1) == held
    moved = await call(db, make.PLANNER, "Appointment", "move", held, slot=f"Slot/{bundle['entry'][1]['resource']['id']}")
    verbs = await call(db, make.PLANNER, "Appointment", "available-actions", moved)
    assert [p["valueCode"] for p in verbs["parameter"]] == ["confirm", "move", "cancel", "fulfil", "absent"]
    clock.set(make.paris(make.TUESDAY, 14, 20))
    await call(db, make.NURSE, "Appointment", "arrive", held, **{"identity-confirmed": True})
    await call(db, make.DOCTOR, "Appointment", "call-in", held)
    await call(db, make.DOCTOR, "Appointment", "fulfil", held)
    assert (await make.row(db, "appointment", held))["status"] == "fulfilled"
    with_another = await make.patients(db)
    booked = await call(db, make.GP, "Appointment", "join-waitlist", service=make.SERVICE, patient=f"Patient/{with_another[1]}")
    assert (await make.row(db, "appointment", booked))["status"] == "waitlist"


async def test_words_that_are_not_what_they_should_be(db: Database) -> None:
    vacation = await make.vacation(db)
    await make.refused(
        Malformed, "bad-value", call(db, make.PLANNER, "Schedule", "plan", vacation["id"], start="tomorrow", end="2026-12-01")
    )
    await make.refused(Malformed, "offset-missing", call(db, make.GP, "Slot", "find", services=[make.SERVICE], start="2026-12-01T09:00"))
    await make.refused(Malformed, "bad-value", call(db, make.HOST, "Schedule", "confirm-room", "x", kit="perhaps"))
    await make.refused(NotFound, "not-found", call(db, make.GP, "Slot", "book", "nothing", patient="nobody"))
    empty = await call(db, make.GP, "Slot", "find", services=["percy-hge"])
    assert empty == {"resourceType": "Bundle", "type": "searchset", "total": 0}


@pytest.mark.parametrize(
    ("number", "code"),
    [(None, "routine"), (0, "routine"), (1, "stat"), (2, "asap"), (3, "urgent"), (9, "routine"), (99, "routine"), (True, "routine")],
)
async def test_priorities_of_ical(number: object, code: str) -> None:
    assert priority_of(number) == code
