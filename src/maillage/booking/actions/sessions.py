"""flag-absence, substitute, cancel-session, start, finish, settle, dispute-settlement: the life of a session once open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage import directory
from maillage.booking import rules
from maillage.booking.actions.attendance import end
from maillage.booking.actions.loading import demand, lock_session, play, sides_of
from maillage.booking.actions.planning import authorised
from maillage.booking.actions.waiting import back_to_waiting, system_line
from maillage.booking.actions.writing import Told, change, save_appointment, save_session, session_turn, unlink, working_calendar
from maillage.booking.rules import deadlines
from maillage.booking.rules.parties import parties_of
from maillage.booking.types import Row, Side, SlotStatus
from maillage.kernel.errors import Conflict, Invalid
from maillage.kernel.period import day_in_paris
from maillage.store import Transaction


@dataclass(frozen=True, slots=True)
class CancelledSession:
    """A cancelled session, and the appointments that fell with it: each is owed a new date, before new requests."""

    session: Row
    appointments: tuple[Row, ...]


async def flag_absence(tx: Transaction, id: str, *, version: int | None = None, reason: str | None = None) -> Row:
    """The practitioner, the room or the help will be missing: a replacement is sought, free slots are blocked meanwhile."""
    row = await lock_session(tx, id, version)
    line = play(tx, rules.SESSION, row["status"], "flag-absence", sides_of(row))
    if reason is not None:
        demand(rules.check_session_reason(reason, "a flag needs no sentence"), "Parameters.parameter")
    await _lock_all(tx, id)
    await _withdraw_refills(tx, id)
    slots = await _block_free(tx, id)
    changed = await change(tx, "vacation_session", id, **session_turn(tx, line.target, row, "PO"), at_risk_at=tx.now)
    await save_session(tx, line, changed, slots, Told(reason))
    return changed


async def substitute(tx: Transaction, id: str, *, version: int | None = None, practitioner_role: str) -> Row:
    """Another practitioner of the same specialty, authorised there, takes the session; its appointments follow, and their patients are told.

    Raises `Conflict` (not-authorised, practitioner-busy), `Invalid` (other-specialty).
    """
    row = await lock_session(tx, id, version)
    line = play(tx, rules.SESSION, row["status"], "substitute", sides_of(row))
    role = await directory.get_role(tx, practitioner_role)
    if row["specialty"] not in role.specialties or role.organization_id not in (row["host_org"], row["owner_org"]):
        raise Invalid.one("other-specialty", "Parameters.parameter", "a practitioner of the hospital, of the same specialty")
    right = None
    if row["owner_org"] != row["host_org"]:
        right = await authorised(tx, role.practitioner_id, row["location_id"], day_in_paris(row["starts_at"]))
    await _lock_all(tx, id)
    slots = await _reopen(tx, id, role.id)
    who = {"practitioner_id": role.practitioner_id, "practitioner_role_id": role.id}
    changed = await change(
        tx, "vacation_session", id, **session_turn(tx, line.target, row, "PO"), **who, authorisation_id=right, substituted_at=tx.now
    )
    await save_session(tx, line, changed, slots)
    for appointment in await _live(tx, id):
        moved = await change(tx, "appointment", appointment["id"], **who)
        await save_appointment(tx, system_line(moved["status"], "change-practitioner"), moved)
    return changed


async def cancel_session(
    tx: Transaction, id: str, *, version: int | None = None, reason: str, comment: str | None = None
) -> CancelledSession:
    """Cancel a session: each hold and booking falls with it, each freed patient is in the answer, to be given another date first.

    Raises `Conflict` (patients-present), `Invalid` (unknown-reason, comment-too-short).
    """
    row = await lock_session(tx, id, version)
    line = play(tx, rules.SESSION, row["status"], "cancel-session", sides_of(row))
    demand(rules.check_session_reason(reason, comment), "Parameters.parameter")
    side = Side.HOSPITAL if "PO" in parties_of(tx.actor, sides_of(row)) else Side.HOST
    told = Told(reason, side, comment)
    await _lock_all(tx, id)
    await _withdraw_refills(tx, id)
    live = await _live(tx, id)
    if await _has_begun(tx, id):
        raise Conflict("patients-present")
    fallen = [await _fall_with_session(tx, appointment, told) for appointment in live]
    slots = await _block_all(tx, id)
    gone: dict[str, Any] = {"cancelled_at": tx.now, "cancel_reason": reason, "cancel_comment": comment, "cancel_side": side}
    short = deadlines.is_short_notice(tx.now, row["starts_at"], working_calendar())
    cancelled = await change(
        tx,
        "vacation_session",
        id,
        **session_turn(tx, line.target, row, None),
        **gone,
        short_notice=short and row["published_at"] is not None,
    )
    await save_session(tx, line, cancelled, slots, told)
    return CancelledSession(cancelled, tuple(fallen))


async def start(tx: Transaction, id: str, *, version: int | None = None) -> Row:
    """The practitioner begins."""
    row = await lock_session(tx, id, version)
    line = play(tx, rules.SESSION, row["status"], "start", sides_of(row))
    changed = await change(tx, "vacation_session", id, **session_turn(tx, line.target, row, "PC"), started_at=tx.now)
    await save_session(tx, line, changed)
    return changed


async def finish(tx: Transaction, id: str, *, version: int | None = None) -> Row:
    """The session is over: each appointment is fulfilled, absent or cancelled. Raises `Conflict` (slots-open) with the open ones."""
    row = await lock_session(tx, id, version)
    line = play(tx, rules.SESSION, row["status"], "finish", sides_of(row))
    await _lock_all(tx, id)
    undecided = [appointment["id"] for appointment in await _live(tx, id)]
    if undecided:
        raise Conflict("slots-open", appointments=undecided)
    await _withdraw_refills(tx, id)
    slots = [
        await change(tx, "slot", s, status=SlotStatus.BLOCKED, expires_at=None) for s in await _slots_in(tx, id, "free", "busy-tentative")
    ]
    changed = await change(tx, "vacation_session", id, **session_turn(tx, line.target, row, "PO"), finished_at=tx.now)
    await save_session(tx, line, changed, slots)
    return changed


async def settle(tx: Transaction, id: str, *, version: int | None = None, minutes: int, patients: int, cost_cents: int) -> Row:
    """Sign the minutes, the patients and the cost for one's side; with the second signature, on the same figures, the session is settled.

    Raises `Conflict` (figures-differ) with the figures that the other side signed: agree, or dispute.
    """
    row = await lock_session(tx, id, version)
    line = play(tx, rules.SESSION, row["status"], "settle-session", sides_of(row))
    figures = {"settled_minutes": minutes, "settled_patients": patients, "settled_cost_cents": cost_cents}
    if min(figures.values()) < 0:
        raise Invalid.one("negative-figure", "Parameters.parameter")
    mine = parties_of(tx.actor, sides_of(row))
    signed = {"signed_owner_at": row["signed_owner_at"], "signed_host_at": row["signed_host_at"]}
    other = row["signed_host_at"] if "PO" in mine else row["signed_owner_at"]
    if other and any(row[name] != figure for name, figure in figures.items()):
        raise Conflict("figures-differ", figures={name: row[name] for name in figures})
    signed |= {column: tx.now for party, column in (("PO", "signed_owner_at"), ("HO", "signed_host_at")) if party in mine}
    ends = all(signed.values())
    turn = session_turn(tx, line.target, row, None) if ends else {}
    changed = await change(tx, "vacation_session", id, **figures, **signed, **turn)
    await save_session(tx, line, changed)
    return changed


async def dispute_settlement(tx: Transaction, id: str, *, version: int | None = None, comment: str) -> Row:
    """One side does not agree with the figures: both signatures fall, the coordinator of the territory is told."""
    row = await lock_session(tx, id, version)
    line = play(tx, rules.SESSION, row["status"], "dispute-settlement", sides_of(row))
    demand(rules.check_comment(comment), "Parameters.parameter")
    unsigned = dict.fromkeys(("signed_owner_at", "signed_host_at"))
    turn = session_turn(tx, line.target, row, "CO")
    changed = await change(tx, "vacation_session", id, **turn, **unsigned, dispute_comment=comment.strip())
    await save_session(tx, line, changed, told=Told(comment=comment))
    return changed


async def _live(tx: Transaction, session: str) -> list[Row]:
    """The appointments of a session whose outcome is not known, locked in order."""
    return await tx.fetch(
        """
        SELECT a.* FROM appointment a WHERE a.slot_id IN (SELECT id FROM slot WHERE session_id = $1)
            AND a.status IN ('pending', 'booked', 'arrived', 'checked-in') ORDER BY a.id FOR UPDATE
        """,
        session,
    )


async def _has_begun(tx: Transaction, session: str) -> bool:
    """Whether a patient of the session is there, was seen, or did not come: what took place is not cancelled."""
    return bool(
        await tx.fetchval(
            """
            SELECT EXISTS (SELECT FROM appointment WHERE slot_id IN (SELECT id FROM slot WHERE session_id = $1)
                AND status IN ('arrived', 'checked-in', 'fulfilled', 'noshow'))
            """,
            session,
        )
    )


async def _lock_all(tx: Transaction, session: str) -> None:
    await tx.fetch("SELECT id FROM slot WHERE session_id = $1 ORDER BY id FOR UPDATE", session)


async def _slots_in(tx: Transaction, session: str, *statuses: str) -> list[str]:
    rows = await tx.fetch("SELECT id FROM slot WHERE session_id = $1 AND status = ANY ($2::text[]) ORDER BY id", session, list(statuses))
    return [row["id"] for row in rows]


async def _block_free(tx: Transaction, session: str) -> list[Row]:
    """Slots that nobody has are blocked; those kept for the waiting list too."""
    rows = await tx.fetch(
        """
        SELECT id FROM slot WHERE session_id = $1 AND (status = 'free' OR (status = 'busy-tentative' AND appointment_id IS NULL)) ORDER BY id
        """,
        session,
    )
    return [await change(tx, "slot", row["id"], status=SlotStatus.BLOCKED, expires_at=None) for row in rows]


async def _reopen(tx: Transaction, session: str, role: str) -> list[Row]:
    """Every slot has the substitute; blocked ones that are still to come are free again."""
    rows = await tx.fetch("SELECT * FROM slot WHERE session_id = $1 ORDER BY id", session)
    return [await change(tx, "slot", row["id"], practitioner_role_id=role, status=_reopened(row, tx.now)) for row in rows]


def _reopened(slot: Row, now: datetime) -> str:
    return SlotStatus.FREE if slot["status"] == SlotStatus.BLOCKED and slot["starts_at"] > now else str(slot["status"])


async def _block_all(tx: Transaction, session: str) -> list[Row]:
    free = await _slots_in(tx, session, "free", "busy", "busy-tentative")
    return [await change(tx, "slot", id, status=SlotStatus.BLOCKED, appointment_id=None, expires_at=None) for id in free]


async def _fall_with_session(tx: Transaction, appointment: Row, told: Told) -> Row:
    late = appointment["status"] == "booked" and rules.is_late(tx.now, appointment["starts_at"])
    cancelled = await end(tx, appointment, told, late=late)
    await unlink(tx, cancelled)
    await save_appointment(tx, system_line(appointment["status"], "cancel-with-session"), cancelled, told=told)
    return cancelled


async def _withdraw_refills(tx: Transaction, session: str) -> None:
    """Offers of slots that are no longer there: their lines wait again, with their rank."""
    rows = await tx.fetch(
        """
        UPDATE refill SET state = 'withdrawn', closed_at = $2 WHERE state = 'open' AND slot_id IN (SELECT id FROM slot WHERE session_id = $1)
        RETURNING id
        """,
        session,
        tx.now,
    )
    waiting = await tx.fetch(
        """
        SELECT a.* FROM appointment a JOIN refill_offer o ON o.appointment_id = a.id AND o.answer = 'waiting'
        WHERE o.refill_id = ANY ($1::text[]) ORDER BY a.id FOR UPDATE OF a
        """,
        [row["id"] for row in rows],
    )
    await tx.execute(
        "UPDATE refill_offer SET answer = 'lost', answered_at = $2 WHERE answer = 'waiting' AND refill_id = ANY ($1::text[])",
        [row["id"] for row in rows],
        tx.now,
    )
    for appointment in waiting:
        await back_to_waiting(tx, appointment, system_line(appointment["status"], "lose-refill"))
