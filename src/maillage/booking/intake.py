"""Plain FHIR creates that are verbs of ours: a posted Appointment on a slot of a vacation of ours is a booking or a hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from maillage import record
from maillage.access import visible_to
from maillage.booking import queries
from maillage.booking.actions import book, hold
from maillage.booking.fhir import Resource, booking_request, first_reference, reference_id
from maillage.booking.types import AppointmentStatus, HoldKind, Side
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
    """Whether the Appointment is ours, or names a slot of ours; one that books a slot that is not here is ours to refuse."""
    id = resource.get("id")
    if isinstance(id, str) and await queries.knows(tx, "appointment", [id]):
        return True
    slots = resource.get("slot")
    named = [name for slot in (slots if isinstance(slots, list) else []) if (name := reference_id(slot, "Slot"))]
    if await queries.knows(tx, "slot", named):
        return True
    if resource.get("status") != AppointmentStatus.BOOKED or not named:
        return False
    return len(await record.existing(tx, "Slot", named, visible_to(tx.actor, "Slot"))) < len(named)


async def create_appointment(tx: Transaction, resource: Resource, **known: Any) -> tuple[str, str]:
    """Book (status booked) or hold (pending, proposed) the slot that the Appointment names; `known` is what is known better than it says.

    Raises `Conflict` (already-booked...) with fresh `choices`, `Invalid` for any other status or for a time that is not the slot's.
    """
    asked = {**booking_request(resource), **known}
    if asked["slot"] is None:
        raise Invalid.one("slot-missing", "Appointment.slot")
    _same_time(resource, await queries.get_slot(tx, asked["slot"]))
    status = resource.get("status")
    if status == AppointmentStatus.BOOKED:
        row = await book(tx, **asked)
    elif status in (AppointmentStatus.PENDING, "proposed"):
        row = await hold(tx, kind=HoldKind.SCREEN, **asked)
    else:
        raise Invalid.one("status-not-creatable", "Appointment.status", "booked, pending or proposed; the rest is done by verbs")
    return "Appointment", str(row["id"])


def _same_time(resource: Resource, slot: Any) -> None:
    """What is written to the patient is when the slot is: another start or end is refused, never replaced in silence."""
    for name, column in (("start", "starts_at"), ("end", "ends_at")):
        told = resource.get(name)
        if told is not None and _instant(told) != slot[column]:
            raise Invalid.one("slot-has-another-time", f"Appointment.{name}", f"the slot says {slot[column].isoformat()}")


def _instant(told: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(told))
    except ValueError:  # a leap second, which FHIR can write
        return None


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


def read_appointment_change(before: Resource, after: Resource) -> tuple[str, Resource] | None:
    """The verb that a shared agenda's next state of an Appointment is (GAP 3.0.0, SAS 1.2.0): moved, booked, cancelled, kept or missed.

    None for what takes more than the next state to be done, as an arrival, which asks for the identity to be confirmed.
    """
    status, was = str(after.get("status")), str(before.get("status"))
    slot, stood = first_reference(after, "slot", "Slot"), first_reference(before, "slot", "Slot")
    if status == was:
        moved = slot is not None and slot != stood
        return ("move", {"slot": f"Slot/{slot}"}) if moved else ("", {})
    if status == "cancelled":
        return "cancel", _cancellation_told(after)
    if status == "noshow":
        return "absent", {"reason": "unknown"}
    verb = {"booked": "book", "fulfilled": "fulfil"}.get(status)
    return (verb, {}) if verb else None


def _cancellation_told(after: Resource) -> Resource:
    """Why and on whose account, as far as the partner says."""
    concept = after.get("cancelationReason")
    told: Resource = concept if isinstance(concept, dict) else {}
    codes = {one.get("code") for one in told.get("coding", ()) if isinstance(one, dict)}
    comment = f"Annulé par l'agenda partenaire. {told.get('text', '')}".strip()
    if "pat" in codes:
        return {"side": Side.PATIENT, "reason": "unknown", "comment": comment}
    return {"reason": "other", "comment": comment}


async def _knows_schedule(tx: Transaction, id: str) -> bool:
    return await queries.knows(tx, "vacation", [id]) or await queries.knows(tx, "vacation_session", [id])


def _verb_for_slot(_before: Resource, _after: Resource) -> str:
    return "book"


INTAKE: tuple[Claim, ...] = (
    Claim("Appointment", claims_appointment, create_appointment, verb_for_appointment, read_change=read_appointment_change),
    Claim("Slot", claims_slot, refuse_create, _verb_for_slot),
    Claim("Schedule", claims_schedule, refuse_create, verb_for_schedule),
)
"""The word of the room on plain writes of its types."""
