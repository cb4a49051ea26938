"""confirm, cancel, arrive, call-in, fulfil, absent: what becomes of an appointment."""

from __future__ import annotations

from typing import Any

from maillage.booking import rules
from maillage.booking.actions.loading import demand, lock_appointment, play, sides_of
from maillage.booking.actions.slots import give_back
from maillage.booking.actions.waiting import answer_offer
from maillage.booking.actions.writing import Told, change, save_appointment, unlink
from maillage.booking.rules import deadlines
from maillage.booking.rules.parties import parties_of
from maillage.booking.types import AppointmentStatus, Row, Side
from maillage.kernel.answers import Allowed, Refused
from maillage.store import Transaction

_SIDES = (("PT", Side.PATIENT), ("PO", Side.HOSPITAL), ("RO", Side.REQUESTER))


async def confirm(tx: Transaction, id: str, *, version: int | None = None) -> Row:
    """The patient will come: one tap, or a word on the telephone. It leaves the call list."""
    row, _ = await lock_appointment(tx, id, version)
    line = play(tx, rules.APPOINTMENT, row["status"], "confirm", sides_of(row))
    changed = await change(tx, "appointment", id, confirmed_at=row["confirmed_at"] or tx.now, to_call_at=None)
    await save_appointment(tx, line, changed)
    return changed


async def cancel(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    reason: str,
    side: str | None = None,
    comment: str | None = None,
    decided: bool = False,
) -> Row:
    """Cancel a hold, a booking or a waiting line, with the reason and on whose account; the slot is freed in the same transaction.

    Without `side`, that of the actor. Raises `Invalid` (unknown-reason, comment-too-short).
    """
    row, slots = await lock_appointment(tx, id, version)
    line = play(tx, rules.APPOINTMENT, row["status"], "cancel", sides_of(row), decided=decided)
    told = Told(reason, side or _side_of(tx, row), comment)
    if not (decided and reason == "other"):  # the room that decided asked for its own sentence
        demand(rules.check_cancel_reason(told.side or "", reason, comment), "Appointment.cancelationReason")
    booked = row["status"] == AppointmentStatus.BOOKED
    late = booked and rules.is_late(tx.now, row["starts_at"])
    cancelled = await end(tx, row, told, late=late)
    await answer_offer(tx, row, "refused")
    cause = "cancel" if booked else "expire" if row["hold_kind"] == "offer" else None
    freed = [await give_back(tx, slots[row["slot_id"]], cause=cause, late=late)] if row["slot_id"] else []
    await unlink(tx, cancelled)
    await save_appointment(tx, line, cancelled, freed, told)
    return cancelled


async def end_for_task(tx: Transaction, task: str, *, side: str, reason: str = "referral-ended") -> list[Row]:
    """The request has ended: its holds, bookings and waiting lines end with it. Answers what was cancelled."""
    rows = await tx.fetch(
        "SELECT id FROM appointment WHERE task_id = $1 AND status IN ('pending', 'booked', 'waitlist') ORDER BY id",
        task,
    )
    return [await cancel(tx, row["id"], side=side, reason=reason, decided=True) for row in rows]


async def end(tx: Transaction, row: Row, told: Told, *, late: bool = False) -> Row:
    """Write the cancellation of an appointment."""
    gone: dict[str, Any] = dict.fromkeys(("turn", "due_at", "expires_at", "offered_slot_id"))
    return await change(
        tx,
        "appointment",
        row["id"],
        status="cancelled",
        cancelled_at=tx.now,
        cancel_reason=told.reason,
        cancel_side=told.side,
        cancel_comment=told.comment,
        late_cancellation=late,
        **gone,
    )


async def arrive(tx: Transaction, id: str, *, version: int | None = None, identity_confirmed: bool) -> Row:
    """The patient is there, and the identity was checked against the five traits.

    Raises `Invalid` (identity-unconfirmed), `Conflict` (before-its-day).
    """
    row, _ = await lock_appointment(tx, id, version)
    line = play(tx, rules.APPOINTMENT, row["status"], "arrive", sides_of(row))
    demand(
        Allowed() if identity_confirmed is True else Refused("identity-unconfirmed"),
        "Parameters.parameter.where(name='identity-confirmed')",
    )
    demand(rules.check_day(tx.now, row["starts_at"]))
    due = deadlines.visit_due(row["ends_at"])
    changed = await change(tx, "appointment", id, status=line.target, turn="HO", due_at=due, arrived_at=tx.now)
    await save_appointment(tx, line, changed)
    return changed


async def call_in(tx: Transaction, id: str, *, version: int | None = None) -> Row:
    """The patient enters the consulting room."""
    row, _ = await lock_appointment(tx, id, version)
    line = play(tx, rules.APPOINTMENT, row["status"], "call-in", sides_of(row))
    changed = await change(tx, "appointment", id, status=line.target, turn="PC", called_in_at=tx.now)
    await save_appointment(tx, line, changed)
    return changed


async def fulfil(tx: Transaction, id: str, *, version: int | None = None, decided: bool = False) -> Row:
    """The visit took place.

    Raises `Conflict`: before-its-day; too-early before its hour, unless the patient arrived or the referral says so.
    """
    row, _ = await lock_appointment(tx, id, version)
    line = play(tx, rules.APPOINTMENT, row["status"], "fulfil", sides_of(row), decided=decided)
    demand(rules.check_day(tx.now, row["starts_at"]))
    demand(Allowed() if decided or tx.now >= row["starts_at"] or row["arrived_at"] else Refused("too-early"))
    changed = await change(tx, "appointment", id, status=line.target, turn=None, due_at=None, fulfilled_at=tx.now)
    await save_appointment(tx, line, changed)
    return changed


async def absent(tx: Transaction, id: str, *, version: int | None = None, reason: str = "unknown", decided: bool = False) -> Row:
    """The patient did not come: a person says so, never the clock alone. Raises `Conflict` (too-early), `Invalid` (unknown-reason)."""
    row, _ = await lock_appointment(tx, id, version)
    line = play(tx, rules.APPOINTMENT, row["status"], "absent", sides_of(row), decided=decided)
    demand(rules.check_absence(reason, tx.now, row["starts_at"]), "Parameters.parameter")
    changed = await change(tx, "appointment", id, status=line.target, turn=None, due_at=None, absent_at=tx.now, absence_reason=reason)
    await save_appointment(tx, line, changed, told=Told(reason, Side.PATIENT))
    return changed


def _side_of(tx: Transaction, row: Row) -> str:
    mine = parties_of(tx.actor, sides_of(row))
    return next(side for party, side in _SIDES if party in mine)
