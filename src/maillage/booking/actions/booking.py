"""hold, book, move: taking a slot for a patient."""

from __future__ import annotations

from typing import Any

from maillage.booking import rules
from maillage.booking.actions.loading import lock_appointment, lock_slots, play, require_patient, sides_of
from maillage.booking.actions.slots import Want, check_free, give_back, refuse
from maillage.booking.actions.waiting import accept_refill, close_waiting
from maillage.booking.actions.writing import change, insert, link_for_visit, save_appointment
from maillage.booking.rules import deadlines
from maillage.booking.rules.parties import Sides
from maillage.booking.types import PRIORITIES, AppointmentStatus, HoldKind, Row, SlotStatus
from maillage.kernel.errors import Invalid
from maillage.kernel.ids import new_id
from maillage.kernel.transitions import NOWHERE, Transition
from maillage.store import Transaction


async def hold(
    tx: Transaction,
    id: str | None = None,
    *,
    slot: str,
    patient: str,
    kind: str = HoldKind.SCREEN,
    priority: str = "routine",
    requester_org: str | None = None,
    based_on: str | None = None,
    task: str | None = None,
    first_visit: bool = True,
    partner_identifiers: str | None = None,
) -> Row:
    """Hold a free slot for a patient: ten minutes on screen, 48 hours (very urgent: 4) as an offer. Answers the pending appointment.

    Raises `Conflict` (already-booked, reserved, quota-exhausted, session-not-open, in-the-past) with `choices`.
    """
    want = Want(_known(priority), requester_org or tx.actor.organization)
    if kind not in list(HoldKind):
        raise Invalid.one("unknown-hold-kind", "Appointment", details=kind)
    row, line = await _ready(tx, "hold", slot, patient, want)
    expires = rules.hold_ends(kind, priority, tx.now, row["starts_at"])
    facts = {
        "id": id or new_id(),
        "based_on": based_on,
        "task_id": task,
        "first_visit": first_visit,
        "partner_identifiers": partner_identifiers,
    }
    held = await _insert(tx, row, patient, want, **facts, status=line.target, turn="PT", due_at=expires, expires_at=expires, hold_kind=kind)
    taken = await change(tx, "slot", row["id"], status=SlotStatus.HELD, appointment_id=held["id"], expires_at=expires)
    await save_appointment(tx, line, held, [taken])
    return held


async def book(
    tx: Transaction,
    id: str | None = None,
    *,
    version: int | None = None,
    slot: str | None = None,
    patient: str | None = None,
    priority: str = "routine",
    requester_org: str | None = None,
    based_on: str | None = None,
    task: str | None = None,
    first_visit: bool = True,
    partner_identifiers: str | None = None,
) -> Row:
    """Book: a pending hold or waiting-list offer by its `id`, or a free `slot` for a `patient`. Answers the booked appointment.

    Raises `Conflict` (hold-expired, already-booked, reserved, quota-exhausted, session-not-open, in-the-past) with `choices`.
    """
    if id is not None:
        return await _book_pending(tx, id, version)
    if slot is None or patient is None:
        raise Invalid.one("slot-and-patient-needed", "Appointment", "either a pending appointment, or a slot and a patient")
    want = Want(_known(priority), requester_org or tx.actor.organization)
    row, line = await _ready(tx, "book", slot, patient, want)
    facts = {"id": new_id(), "based_on": based_on, "task_id": task, "first_visit": first_visit, "partner_identifiers": partner_identifiers}
    due = deadlines.visit_due(row["ends_at"])
    made = await _insert(tx, row, patient, want, **facts, status=line.target, turn="PO", due_at=due, booked_at=tx.now)
    taken = await change(tx, "slot", row["id"], status=SlotStatus.BOOKED, appointment_id=made["id"], expires_at=None)
    await _settle(tx, line, made, [taken])
    return made


async def move(tx: Transaction, id: str, *, version: int | None = None, slot: str) -> Row:
    """Give a booked appointment another slot of the same service; the old one is freed in the same transaction, waiting list first."""
    row, slots = await lock_appointment(tx, id, version, slots=[slot])
    line = play(tx, rules.APPOINTMENT, row["status"], "move", sides_of(row))
    old, new = slots[row["slot_id"]], slots[slot]
    want = Want(row["priority"], row["requester_org"])
    if new["healthcare_service_id"] != row["healthcare_service_id"]:
        raise Invalid.one("other-service", "Appointment.slot", "the slot belongs to another service")
    new = await check_free(tx, new, want)
    late = rules.is_late(tx.now, row["starts_at"])
    fresh = dict.fromkeys(("confirm_asked_at", "to_call_at", "confirmed_at", "absence_proposed_at"))
    moved = await change(
        tx,
        "appointment",
        id,
        **_place(new),
        slot_id=new["id"],
        due_at=deadlines.visit_due(new["ends_at"]),
        moved=row["moved"] + 1,
        booked_at=tx.now,
        **fresh,
    )
    freed = await give_back(tx, old, cause="move", late=late)
    taken = await change(tx, "slot", new["id"], status=SlotStatus.BOOKED, appointment_id=id, expires_at=None)
    await link_for_visit(tx, moved)
    await save_appointment(tx, line, moved, [freed, taken])
    return moved


async def _book_pending(tx: Transaction, id: str, version: int | None) -> Row:
    row, slots = await lock_appointment(tx, id, version)
    if row["status"] == AppointmentStatus.PENDING and row["offered_slot_id"]:
        return await accept_refill(tx, id, version=version)
    line = play(tx, rules.APPOINTMENT, row["status"], "book", sides_of(row))
    slot, want = slots[row["slot_id"]], Want(row["priority"], row["requester_org"])
    if row["expires_at"] <= tx.now:
        await refuse(tx, "hold-expired", slot, want)
    if slot["session_status"] not in ("open", "running"):
        await refuse(tx, "session-not-open", slot, want)
    due = deadlines.visit_due(row["ends_at"])
    made = await change(tx, "appointment", id, status=line.target, turn="PO", due_at=due, expires_at=None, booked_at=tx.now)
    taken = await change(tx, "slot", slot["id"], status=SlotStatus.BOOKED, expires_at=None)
    await _settle(tx, line, made, [taken])
    return made


async def _settle(tx: Transaction, line: Transition, made: Row, slots: list[Row]) -> None:
    """What a booking owes beside its rows: the care link, and the waiting lines that it serves."""
    await link_for_visit(tx, made)
    await save_appointment(tx, line, made, slots)
    await close_waiting(tx, made)


async def _ready(tx: Transaction, verb: str, slot: str, patient: str, want: Want) -> tuple[Row, Transition]:
    """The slot locked and free for this request, by an actor who may take it."""
    row = (await lock_slots(tx, [slot]))[slot]
    sides = Sides(row["owner_org"], row["host_org"], want.requester_org, row["practitioner_id"], patient)
    line = play(tx, rules.APPOINTMENT, NOWHERE, verb, sides)
    await require_patient(tx, patient)
    return await check_free(tx, row, want), line


async def _insert(tx: Transaction, slot: Row, patient: str, want: Want, **facts: Any) -> Row:
    return await insert(
        tx,
        "appointment",
        patient_id=patient,
        owner_org=slot["owner_org"],
        requester_org=want.requester_org,
        priority=want.priority,
        healthcare_service_id=slot["healthcare_service_id"],
        specialty=slot["specialty"],
        slot_id=slot["id"],
        created_at=tx.now,
        **_place(slot),
        **facts,
    )


def _place(slot: Row) -> dict[str, Any]:
    """When, where and with whom: copied from the slot and its session."""
    names = ("host_org", "location_id", "practitioner_role_id", "practitioner_id", "starts_at", "ends_at")
    return {name: slot[name] for name in names}


def _known(priority: str) -> str:
    if priority not in PRIORITIES:
        raise Invalid.one("unknown-priority", "Appointment.priority", details=priority)
    return priority
