"""Taking a slot and giving it back: the part that every booking verb shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage.booking import queries, rules
from maillage.booking.actions.loading import line_of
from maillage.booking.actions.writing import Told, change, found, insert, save_appointment
from maillage.booking.types import Reservation, Reserved, Row, Share, Side, SlotStatus
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Conflict
from maillage.kernel.ids import new_id
from maillage.store import Transaction

OPEN_SESSIONS = ("open", "running")


@dataclass(frozen=True, slots=True)
class Want:
    """Who asks for the slot: the priority of the request, and the organisation that counts for shares."""

    priority: str
    requester_org: str

    def claim(self, now: datetime) -> rules.Claim:
        """The same, as the rules read it."""
        return rules.Claim(self.priority, (self.requester_org,), now)


async def check_free(tx: Transaction, slot: Row, want: Want) -> Row:
    """The slot, free for this request: a hold that has ended falls first. Raises `Conflict` with fresh choices."""
    slot = await _drop_ended_hold(tx, slot)
    if slot["session_status"] not in OPEN_SESSIONS:
        await refuse(tx, "session-not-open", slot, want)
    if slot["status"] != SlotStatus.FREE:
        await refuse(tx, "already-booked", slot, want)
    if slot["starts_at"] <= tx.now:
        await refuse(tx, "in-the-past", slot, want)
    await check_entitled(tx, slot, want)
    return slot


async def check_entitled(tx: Transaction, slot: Row, want: Want) -> None:
    """The reservation and the share of the session allow it. Raises `Conflict` (`reserved`, `quota-exhausted`) with fresh choices."""
    release = None if slot["released_at"] else slot["release_at"]
    answer = rules.check_reservation(reservation_of(slot), release, want.claim(tx.now))
    if isinstance(answer, Refused):
        await refuse(tx, answer.reason, slot, want)
    share = await tx.fetchrow(
        "SELECT * FROM session_quota WHERE session_id = $1 AND organization_id = $2 AND at_most IS NOT NULL FOR UPDATE",
        slot["session_id"],
        want.requester_org,
    )
    if share is None:
        return
    taken = await tx.fetchval(
        """
        SELECT count(*) FROM appointment a JOIN slot s ON s.id = a.slot_id
        WHERE s.session_id = $1 AND a.requester_org = $2 AND a.live_id IS NOT NULL
        """,
        slot["session_id"],
        want.requester_org,
    )
    quota = Share(share["organization_id"], share["slots"], share["at_most"])
    answer = rules.check_quota(quota, taken, want.claim(tx.now), slot["starts_at"])
    if isinstance(answer, Refused):
        await refuse(tx, answer.reason, slot, want)


async def refuse(tx: Transaction, reason: str, slot: Row, want: Want) -> None:
    """Raise `Conflict` with other slots that this request could take now."""
    raise Conflict(reason, choices=await queries.fresh_choices(tx, slot, want.priority, [want.requester_org]))


def reservation_of(slot: Any) -> Reservation | None:
    """The reservation of a slot row."""
    return Reservation(Reserved(slot["reserved_for"]), slot["reserved_org"]) if slot["reserved_for"] else None


async def give_back(tx: Transaction, slot: Row, *, cause: str | None = None, late: bool = False) -> Row:
    """The slot is nobody's any more: free, or blocked when its session takes nobody. With a `cause`, the waiting list comes first."""
    status = SlotStatus.FREE if slot["session_status"] in OPEN_SESSIONS else SlotStatus.BLOCKED
    if cause and status is SlotStatus.FREE and slot["starts_at"] > tx.now:
        return await open_refill(tx, slot, cause, late=late)
    return await change(tx, "slot", slot["id"], status=status, appointment_id=None, expires_at=None)


async def open_refill(tx: Transaction, slot: Row, cause: str, *, late: bool) -> Row:
    """Keep the slot for the waiting list until the scheduler has asked; log it as unfilled at once when nobody waits for it."""
    asked = bool(await next_wave(tx, slot, ()))
    state, closed = ("open", None) if asked else ("unfilled", tx.now)
    facts = {"slot_id": slot["id"], "cause": cause, "late": late, "opened_at": tx.now, "state": state, "closed_at": closed}
    await insert(tx, "refill", id=new_id(), **facts)
    if not asked:
        return await change(tx, "slot", slot["id"], status=SlotStatus.FREE, appointment_id=None, expires_at=None)
    return await change(tx, "slot", slot["id"], status=SlotStatus.HELD, appointment_id=None, expires_at=tx.now)


async def next_wave(tx: Transaction, slot: Row, asked: Sequence[str]) -> list[str]:
    """The waiting lines to ask next for this slot: those that it fits and that may take it, three at a time."""
    rows = await _fitting(tx, slot)
    release = None if slot["released_at"] else slot["release_at"]
    able = [row for row in rows if _may_take(slot, release, Want(row["priority"], row["requester_org"]).claim(tx.now))]
    return [waiter.id for waiter in rules.next_wave([queries.waiter_of(row) for row in able], asked, tx.now, slot["starts_at"])]


async def waiting_count(tx: Transaction, slot: Row) -> int:
    """How many lines of the waiting list this slot would fit."""
    return len(await _fitting(tx, slot))


async def _fitting(tx: Transaction, slot: Row) -> list[Row]:
    return await tx.fetch(
        """
        SELECT a.* FROM appointment a WHERE a.status = 'waitlist' AND a.healthcare_service_id = $1
            AND (a.location_id IS NULL OR a.location_id = $2) AND (a.practitioner_role_id IS NULL OR a.practitioner_role_id = $3)
        ORDER BY a.wait_since, a.id
        """,
        slot["healthcare_service_id"],
        slot["location_id"],
        slot["practitioner_role_id"],
    )


def _may_take(slot: Row, release: datetime | None, claim: rules.Claim) -> bool:
    return not isinstance(rules.check_reservation(reservation_of(slot), release, claim), Refused)


async def fall(tx: Transaction, appointment: Row, slot: Row, *, cause: str | None = None) -> tuple[Row, Row]:
    """A hold whose time is over: its appointment is cancelled on nobody's account, its slot given back."""
    told = Told("hold-expired", Side.SYSTEM)
    row = await change(
        tx,
        "appointment",
        appointment["id"],
        status="cancelled",
        turn=None,
        due_at=None,
        expires_at=None,
        cancelled_at=tx.now,
        cancel_side=told.side,
        cancel_reason=told.reason,
    )
    freed = await give_back(tx, slot, cause=cause)
    await save_appointment(tx, line_of(rules.APPOINTMENT, "pending", "expire-hold", "SY"), row, [freed], told)
    return row, freed


async def _drop_ended_hold(tx: Transaction, slot: Row) -> Row:
    """Time frees a slot even before the scheduler has passed."""
    ended = slot["status"] == SlotStatus.HELD and slot["appointment_id"] and slot["expires_at"] <= tx.now
    if not ended:
        return slot
    holder = found(await tx.fetchrow("SELECT * FROM appointment WHERE id = $1 FOR UPDATE", slot["appointment_id"]))
    await fall(tx, holder, slot)
    again = await tx.fetchrow(
        """
        SELECT s.*, v.host_org, v.room_id, v.practitioner_id, v.status AS session_status FROM slot s
        JOIN vacation_session v ON v.id = s.session_id WHERE s.id = $1
        """,
        slot["id"],
    )
    return found(again)
