"""Plain FHIR creates that are verbs of ours: a posted Appointment on a slot of a vacation of ours is a booking or a hold."""

from __future__ import annotations

from maillage.booking import queries
from maillage.booking.actions import book, hold
from maillage.booking.fhir import Resource, booking_request, reference_id
from maillage.booking.types import AppointmentStatus, HoldKind
from maillage.kernel.errors import Invalid
from maillage.kernel.intake import Claim
from maillage.store import Transaction

_VERBS = {
    "cancelled": "cancel",
    "arrived": "arrive",
    "checked-in": "call-in",
    "fulfilled": "fulfil",
    "noshow": "absent",
    "booked": "book",
    "waitlist": "join-waitlist",
}


async def claims_appointment(tx: Transaction, resource: Resource) -> bool:
    """Whether the Appointment is ours, or names a slot of ours."""
    id = resource.get("id")
    if isinstance(id, str) and await queries.knows(tx, "appointment", [id]):
        return True
    slots = resource.get("slot")
    names = [reference_id(slot, "Slot") for slot in slots] if isinstance(slots, list) else []
    return await queries.knows(tx, "slot", [name for name in names if name])


async def create_appointment(tx: Transaction, resource: Resource) -> tuple[str, str]:
    """Book (status booked) or hold (pending, proposed) the slot that the Appointment names.

    Raises `Conflict` (already-booked...) with fresh `choices`, `Invalid` for any other status.
    """
    asked = booking_request(resource)
    if asked["slot"] is None:
        raise Invalid.one("slot-missing", "Appointment.slot")
    status = resource.get("status")
    if status == AppointmentStatus.BOOKED:
        row = await book(tx, **asked)
    elif status in (AppointmentStatus.PENDING, "proposed"):
        row = await hold(tx, kind=HoldKind.SCREEN, **asked)
    else:
        raise Invalid.one("status-not-creatable", "Appointment.status", "booked, pending or proposed; the rest is done by verbs")
    return "Appointment", str(row["id"])


async def claims_slot(tx: Transaction, resource: Resource) -> bool:
    """Whether the Slot is ours, or is said to be of a Schedule of ours."""
    id, schedule = resource.get("id"), reference_id(resource.get("schedule"), "Schedule")
    if isinstance(id, str) and await queries.knows(tx, "slot", [id]):
        return True
    return bool(schedule) and await _knows_schedule(tx, str(schedule))


async def claims_schedule(tx: Transaction, resource: Resource) -> bool:
    """Whether the Schedule is a vacation or a session of ours."""
    id = resource.get("id")
    return isinstance(id, str) and await _knows_schedule(tx, id)


async def refuse_create(_tx: Transaction, resource: Resource) -> tuple[str, str]:
    """Slots and sessions of ours come from their vacation, never one by one."""
    raise Invalid.one(
        "made-by-verb", str(resource.get("resourceType", "")), "sessions are planned by Schedule/$plan, slots published by $publish"
    )


def verb_for_appointment(_before: Resource, after: Resource) -> str:
    """The verb that an update of an Appointment stands for."""
    return _VERBS.get(str(after.get("status")), "move")


def verb_for_schedule(_before: Resource, after: Resource) -> str:
    """The verb that an update of a Schedule stands for."""
    return "cancel-session" if after.get("active") is False else "update-vacation"


async def _knows_schedule(tx: Transaction, id: str) -> bool:
    return await queries.knows(tx, "vacation", [id]) or await queries.knows(tx, "vacation_session", [id])


def _verb_for_slot(_before: Resource, _after: Resource) -> str:
    return "book"


INTAKE: tuple[Claim, ...] = (
    Claim("Appointment", claims_appointment, create_appointment, verb_for_appointment),
    Claim("Slot", claims_slot, refuse_create, _verb_for_slot),
    Claim("Schedule", claims_schedule, refuse_create, verb_for_schedule),
)
"""The word of the room on plain writes of its types."""
