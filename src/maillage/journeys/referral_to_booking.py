"""From a request to its visit: one act, two rooms, one transaction. The appointment is locked first, the request after it, always."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from maillage import booking, referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Invalid
from maillage.store import Transaction

Verb = Callable[..., Awaitable[str]]
LIVE = ("pending", "booked", "arrived", "checked-in")
PLACED = ("booked", "arrived", "checked-in")


async def offer(tx: Transaction, id: str, *, version: int | None = None, slot: str | None = None, contact: str | None = None) -> str:
    """Hold a slot and offer it to the patient: 48 hours to answer, 4 when very urgent.

    Raises what the slot refuses (`already-booked` with fresh choices, `reserved`, `quota-exhausted`) and what the request refuses.
    """
    slot = _named(slot)
    held = _checked(await referrals.visible_task(tx, id), await booking.hold(tx, slot=slot, kind="offer", **await _wanted(tx, id)))
    return await referrals.offer(tx, id, version=version, contact=contact, expires_at=held["expires_at"], **_place(held))


async def book(tx: Transaction, id: str, *, version: int | None = None, slot: str | None = None, contact: str | None = None) -> str:
    """Book a free slot for the request; without `slot`, the one that was offered.

    Raises `Conflict` (`already-booked`, `hold-expired`...) with fresh choices, `Invalid` (`slot-missing`).
    """
    task = await referrals.visible_task(tx, id)
    pending = task["appointment_id"] if task["state"] == "offered" else None
    if slot is None and pending is not None:
        made = await booking.book(tx, pending)
    else:
        slot = _named(slot)
        await _give_back(tx, pending, side="hospital", reason="other", comment="another slot was chosen")
        made = _checked(task, await booking.book(tx, slot=slot, **await _wanted(tx, id)))
    return await referrals.book(tx, id, version=version, contact=contact, **_place(made))


async def refuse_offer(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    reason: str | None = None,
    comment: str = "",
    contact: str | None = None,
    inside_constraints: bool = True,
) -> str:
    """The patient says no to the offer; the slot is free again."""
    task = await referrals.visible_task(tx, id)
    await _give_back(tx, task["appointment_id"], side="patient", reason="declined", comment=comment)
    return await referrals.refuse_offer(
        tx, id, version=version, reason=reason, comment=comment, contact=contact, inside_constraints=inside_constraints
    )


async def reschedule(
    tx: Transaction, id: str, *, version: int | None = None, slot: str | None = None, comment: str = "", contact: str | None = None
) -> str:
    """Move the visit to another slot; the old one is freed in the same transaction. Raises `Invalid` (slot-missing)."""
    slot = _named(slot)
    task = await referrals.visible_task(tx, id)
    if task["appointment_id"] is None:
        return await referrals.reschedule(
            tx, id, version=version, appointment_id="", start=tx.now, end=tx.now, comment=comment, contact=contact
        )
    moved = await booking.move(tx, task["appointment_id"], slot=slot)
    return await referrals.reschedule(tx, id, version=version, comment=comment, contact=contact, **_place(moved))


async def cancel_appointment(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    side: str | None = None,
    reason: str | None = None,
    comment: str = "",
    contact: str | None = None,
) -> str:
    """Cancel the visit, not the request, with the side on whose account; the slot is freed."""
    task = await referrals.visible_task(tx, id)
    if side in booking.CANCEL_REASONS and reason is not None:
        known = reason if reason in booking.CANCEL_REASONS[side] else "other"
        await _give_back(tx, task["appointment_id"], side=side, reason=known, comment=comment)
    return await referrals.cancel_appointment(tx, id, version=version, side=side, reason=reason, comment=comment, contact=contact)


async def mark_not_attended(tx: Transaction, id: str, *, version: int | None = None, reason: str = "unknown", comment: str = "") -> str:
    """The patient did not come: the appointment is an absence, the request goes back to the clinician."""
    task = await referrals.visible_task(tx, id)
    if await _status(tx, task["appointment_id"]) in PLACED:  # who has arrived cannot be absent: the diary says so
        known = reason if reason in booking.ABSENCE_REASONS else "unknown"
        await booking.absent(tx, task["appointment_id"], reason=known, decided=True)
    return await referrals.mark_not_attended(tx, id, version=version, reason=reason, comment=comment)


async def mark_seen(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    encounter_id: str | None = None,
    encounter_class: str = "AMB",
) -> str:
    """The visit took place: the appointment is fulfilled, the Encounter linked, the letter owed. Seen early counts from now."""
    task = await referrals.visible_task(tx, id)
    await _fulfil(tx, task["appointment_id"])
    await booking.end_for_task(tx, id, side="hospital")
    began = start or (tx.now if task["slot_start"] is None or task["slot_start"] > tx.now else None)
    return await referrals.mark_seen(
        tx, id, version=version, start=began, end=end, encounter_id=encounter_id, encounter_class=encounter_class
    )


async def send_outcome(tx: Transaction, id: str, *, version: int | None = None, **letter: Any) -> str:
    """The letter goes back; a visit that nobody had marked took place."""
    task = await referrals.visible_task(tx, id)
    ahead = task["slot_start"] is not None and task["slot_start"] > tx.now
    if task["state"] in ("booked", "cancellation-requested") and not (ahead and letter.get("done_otherwise")):
        await _fulfil(tx, task["appointment_id"])
    await booking.end_for_task(tx, id, side="hospital")
    return await referrals.send_outcome(tx, id, version=version, **letter)


async def no_place(
    tx: Transaction, id: str, *, version: int | None = None, reason: str | None = None, comment: str = "", wanted_by: datetime | None = None
) -> str:
    """No place in time: the ledger is written, and the patient joins the waiting list of the service."""
    done = await referrals.no_place(tx, id, version=version, reason=reason, comment=comment, wanted_by=wanted_by)
    await _wait(tx, id)
    return done


async def run_deadlines(tx: Transaction) -> int:
    """What time does to the requests; one that waits for a place since this instant joins the waiting list of its service."""
    written = await referrals.run_deadlines(tx)
    for id in await referrals.parked_now(tx):
        await _wait(tx, id)
    return written


async def decline(tx: Transaction, id: str, *, version: int | None = None, **why: Any) -> str:
    """Refuse on a clinical axis; a slot that was held or booked is freed."""
    await _end(tx, id, "hospital")
    return await referrals.decline(tx, id, version=version, **why)


async def redirect(tx: Transaction, id: str, *, version: int | None = None, **why: Any) -> str:
    """Hand the request to another service; it waits here no longer."""
    await _end(tx, id, "hospital")
    return await referrals.redirect(tx, id, version=version, **why)


async def withdraw(tx: Transaction, id: str, *, version: int | None = None, **why: Any) -> str:
    """Take the request back; what was held or waited for falls with it."""
    await _end(tx, id, "requester")
    return await referrals.withdraw(tx, id, version=version, **why)


async def return_after_absence(tx: Transaction, id: str, *, version: int | None = None, **why: Any) -> str:
    """Give the request back after an absence."""
    await _end(tx, id, "hospital")
    return await referrals.return_after_absence(tx, id, version=version, **why)


async def confirm_cancellation(tx: Transaction, id: str, *, version: int | None = None, comment: str = "") -> str:
    """Stop what the requester asked to stop; the slot is freed."""
    await _end(tx, id, "requester")
    return await referrals.confirm_cancellation(tx, id, version=version, comment=comment)


async def enter_in_error(tx: Transaction, id: str, *, version: int | None = None, **why: Any) -> str:
    """This should never have been: the slot is freed, both copies are masked."""
    await _end(tx, id, "requester")
    return await referrals.enter_in_error(tx, id, version=version, **why)


async def close_opposed(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """End what the patient's refusal has shut; its place in the diary ends with it. A patient who is there goes on there.

    The requester does not see the visit any more: it falls as what follows from the requester's act.
    """
    task = await referrals.check_close_opposed(tx, id)
    ours = task["owner_org"] in tx.actor.organizations
    await booking.end_for_task(tx if ours else tx.acting_as(SYSTEM), id, side="hospital" if ours else "requester")
    return await referrals.close_opposed(tx, id, version=version)


def ending(verb: Verb) -> Verb:
    """The verb of the requester that closes a request: what is still held or waited for falls with it."""

    async def played(tx: Transaction, id: str, **given: Any) -> str:
        await booking.end_for_task(tx, (await referrals.visible_task(tx, id))["id"], side="requester")
        return await verb(tx, id, **given)

    return played


async def _end(tx: Transaction, id: str, side: str) -> None:
    """The request ends: its hold, its booking and its place in the waiting list end with it. A patient who is there is seen first."""
    task = await referrals.visible_task(tx, id)
    await _give_back(tx, task["appointment_id"], side=side, reason="referral-ended", comment="")
    await booking.end_for_task(tx, id, side=side)


async def _wait(tx: Transaction, id: str) -> None:
    task = await referrals.visible_task(tx, id)
    await booking.join_waitlist(tx, service=task["service_id"], target=task["due_at"], **await _wanted(tx, id))


async def _wanted(tx: Transaction, id: str) -> dict[str, Any]:
    """What a booking must know of the request that it serves."""
    task = await referrals.visible_task(tx, id)
    return {
        "patient": task["patient_id"],
        "priority": task["priority"],
        "requester_org": task["requester_org"],
        "based_on": task["request_id"],
        "task": id,
    }


def _named(slot: str | None) -> str:
    if slot is None:
        raise Invalid.one("slot-missing", "Parameters.parameter.where(name='slot')")
    return slot


def _place(appointment: Any) -> dict[str, Any]:
    return {"appointment_id": appointment["id"], "start": appointment["starts_at"], "end": appointment["ends_at"]}


def _checked(task: Any, appointment: Any) -> Any:
    """The appointment, at the service that the request is addressed to."""
    if appointment["healthcare_service_id"] != task["service_id"]:
        raise Invalid.one("other-service", "Parameters.parameter.where(name='slot')", "the slot belongs to another service")
    return appointment


async def _status(tx: Transaction, appointment_id: str | None) -> str | None:
    return (await booking.get_appointment(tx, appointment_id))["status"] if appointment_id else None


async def _give_back(tx: Transaction, appointment_id: str | None, *, side: str, reason: str, comment: str) -> None:
    if appointment_id and await _status(tx, appointment_id) in LIVE:
        await booking.cancel(tx, appointment_id, side=side, reason=reason, comment=comment or None, decided=True)


async def _fulfil(tx: Transaction, appointment_id: str | None) -> None:
    if appointment_id and await _status(tx, appointment_id) in PLACED:
        await booking.fulfil(tx, appointment_id, decided=True)
