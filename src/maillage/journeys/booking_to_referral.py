"""From the diary to the request: what is booked, moved, cancelled, kept or missed on the appointment is recorded on its request."""

from __future__ import annotations

from typing import Any

from maillage import booking, referrals
from maillage.kernel.actor import SYSTEM
from maillage.store import Transaction

Row = Any


async def book(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """Book what was held or offered."""
    return await _booked(tx, await booking.book(tx, id, version=version))


async def book_slot(tx: Transaction, slot: str, *, patient: str, **asked: Any) -> str:
    """Book a free slot for a patient, and its request when one is named."""
    asked.pop("version", None)
    return await _booked(tx, await booking.book(tx, slot=slot, patient=patient, **await _with_request(tx, asked)))


async def hold_slot(tx: Transaction, slot: str, *, patient: str, **asked: Any) -> str:
    """Hold a free slot; an offer is an offer on the request too."""
    asked.pop("version", None)
    held = await booking.hold(tx, slot=slot, patient=patient, **await _with_request(tx, asked))
    return await record_booking(tx, held["id"])


async def hold(tx: Transaction, _id: str | None = None, *, slot: str, **asked: Any) -> str:
    """The same, asked of Appointment."""
    return await hold_slot(tx, slot, **asked)


async def record_booking(tx: Transaction, id: str) -> str:
    """Record on its request what was just held or booked; answers the appointment."""
    made = await booking.get_appointment(tx, id)
    if made["task_id"] and made["status"] == "booked":
        await referrals.book(tx, made["task_id"], **_place(made))
    elif made["task_id"] and made["hold_kind"] == "offer":
        await referrals.offer(tx, made["task_id"], expires_at=made["expires_at"], **_place(made))
    return id


async def accept_refill(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """The first of the wave to say yes gets the slot."""
    return await _booked(tx, await booking.accept_refill(tx, id, version=version))


async def move(tx: Transaction, id: str, *, version: int | None = None, slot: str) -> str:
    """Move to another slot of the same service."""
    moved = await booking.move(tx, id, version=version, slot=slot)
    if moved["task_id"]:
        await referrals.reschedule(tx, moved["task_id"], **_place(moved))
    return id


async def cancel(
    tx: Transaction, id: str, *, version: int | None = None, reason: str, side: str | None = None, comment: str | None = None
) -> str:
    """Cancel; the request goes back to booking, or to its offer refused."""
    before = await booking.get_appointment(tx, id)
    cancelled = await booking.cancel(tx, id, version=version, reason=reason, side=side, comment=comment)
    if not cancelled["task_id"]:
        return id
    if before["status"] == "booked":
        await _back_to_booking(tx, cancelled, reason, comment)
    elif before["hold_kind"] == "offer":
        await referrals.offer_expired(_follow(tx), cancelled["task_id"])
    return id


async def fulfil(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """The visit took place: the letter is owed."""
    seen = await booking.fulfil(tx, id, version=version)
    if seen["task_id"]:
        began = tx.now if seen["starts_at"] > tx.now else None
        await referrals.mark_seen(tx, seen["task_id"], start=began)
    return id


async def absent(tx: Transaction, id: str, *, version: int | None = None, reason: str = "unknown") -> str:
    """The patient did not come: the request goes back to the clinician."""
    missed = await booking.absent(tx, id, version=version, reason=reason)
    if missed["task_id"]:
        await referrals.mark_not_attended(tx, missed["task_id"], reason=reason)
    return id


async def cancel_session(tx: Transaction, id: str, *, version: int | None = None, reason: str, comment: str | None = None) -> str:
    """Cancel a session: each of its patients goes back to booking, before new requests, with a row of the ledger."""
    done = await booking.cancel_session(tx, id, version=version, reason=reason, comment=comment)
    for appointment in done.appointments:
        if not appointment["task_id"]:
            continue
        if appointment["booked_at"]:
            await _back_to_booking(tx, appointment, reason, comment)
        elif appointment["hold_kind"] == "offer":
            await referrals.offer_expired(_follow(tx), appointment["task_id"])
    return str(done.session["id"])


async def run_clock(tx: Transaction) -> None:
    """What time does to the diary, and to the requests whose offer nobody answered."""
    report = await booking.run_clock(tx)
    for fallen in report.expired:
        if fallen["task_id"] and fallen["hold_kind"] == "offer":
            await referrals.offer_expired(tx, fallen["task_id"])


async def _back_to_booking(tx: Transaction, cancelled: Row, reason: str, comment: str | None) -> None:
    side = cancelled["cancel_side"] if cancelled["cancel_side"] in ("hospital", "host") else "patient"
    known = reason in (booking.CANCEL_REASONS["patient"] if side == "patient" else booking.SESSION_REASONS)
    why = reason if known else "other"
    told = comment or f"appointment cancelled: {reason}"
    await referrals.cancel_appointment(_follow(tx), cancelled["task_id"], side=side, reason=why, comment=told)


async def _booked(tx: Transaction, made: Row) -> str:
    if made["task_id"]:
        await referrals.book(tx, made["task_id"], **_place(made))
    return str(made["id"])


async def _with_request(tx: Transaction, asked: dict[str, Any]) -> dict[str, Any]:
    """The requester, the request and the priority of the Task that is named; what the caller says of them is not needed."""
    if not asked.get("task"):
        return asked
    task = await referrals.visible_task(tx, asked["task"])
    return {**asked, "based_on": task["request_id"], "requester_org": task["requester_org"], "priority": task["priority"]}


def _follow(tx: Transaction) -> Transaction:
    """The same transaction, for the act that follows in the other room: the right to it was checked where it was decided."""
    return Transaction(tx.conn, SYSTEM, tx.now, tx.request_id)


def _place(appointment: Row) -> dict[str, Any]:
    return {"appointment_id": appointment["id"], "start": appointment["starts_at"], "end": appointment["ends_at"]}
