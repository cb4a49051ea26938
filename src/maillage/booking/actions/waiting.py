"""The waiting list: join it, change a rank, answer an offer of a freed slot."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from maillage import directory
from maillage.booking import rules
from maillage.booking.actions.loading import demand, line_of, lock_appointment, play, require_patient, sides_of
from maillage.booking.actions.slots import Want, check_entitled, refuse
from maillage.booking.actions.writing import Told, change, insert, link_for_visit, save_appointment
from maillage.booking.rules import deadlines
from maillage.booking.rules.parties import Sides
from maillage.booking.types import PRIORITIES, Row, Side, SlotStatus
from maillage.kernel.errors import Invalid
from maillage.kernel.ids import new_id
from maillage.kernel.transitions import NOWHERE, Transition
from maillage.store import Transaction


async def join_waitlist(
    tx: Transaction,
    id: str | None = None,
    *,
    service: str,
    patient: str,
    priority: str = "routine",
    requester_org: str | None = None,
    site: str | None = None,
    practitioner_role: str | None = None,
    target: datetime | None = None,
    notice_hours: int = 0,
    since: datetime | None = None,
    removed: timedelta = timedelta(),
    based_on: str | None = None,
    task: str | None = None,
    first_visit: bool = True,
) -> Row:
    """Put a patient on the waiting list of a service: by when (`target`), able to come within `notice_hours`.

    `since` is when the wait began (default: now), `removed` the patient's own part of it. Joining again for the same `task` answers the
    line that is there; for anything else it raises `Conflict` (already-waiting).
    """
    if priority not in PRIORITIES or notice_hours < 0:
        raise Invalid.one("unknown-priority" if priority not in PRIORITIES else "bad-notice", "Appointment")
    offered = await directory.get_service(tx, service)
    asking, begun = requester_org or tx.actor.organization or offered.organization_id, since or tx.now
    line = play(tx, rules.APPOINTMENT, NOWHERE, "join-waitlist", Sides(offered.organization_id, None, asking, None, patient))
    await require_patient(tx, patient)
    if again := await _line_of_task(tx, service, patient, task):
        return again
    row = await insert(
        tx,
        "appointment",
        id=id or new_id(),
        status=line.target,
        turn="SY",
        due_at=deadlines.waiting_due(begun, target),
        patient_id=patient,
        owner_org=offered.organization_id,
        requester_org=asking,
        healthcare_service_id=service,
        specialty=offered.specialty,
        location_id=site,
        wait_location_id=site,
        wait_role_id=practitioner_role,
        practitioner_role_id=practitioner_role,
        practitioner_id=(await directory.get_role(tx, practitioner_role)).practitioner_id if practitioner_role else None,
        priority=priority,
        based_on=based_on,
        task_id=task,
        first_visit=first_visit,
        created_at=tx.now,
        wait_since=begun,
        wait_target=target,
        wait_removed=removed,
        wait_notice_hours=notice_hours,
    )
    await save_appointment(tx, line, row)
    return row


async def _line_of_task(tx: Transaction, service: str, patient: str, task: str | None) -> Row | None:
    return await tx.fetchrow(
        """
        SELECT * FROM appointment WHERE patient_id = $1 AND healthcare_service_id = $2 AND task_id = $3
            AND (status = 'waitlist' OR (status = 'pending' AND offered_slot_id IS NOT NULL))
        """,
        patient,
        service,
        task,
    )


async def prioritise(tx: Transaction, id: str, *, version: int | None = None, boost: int, reason: str) -> Row:
    """Move a waiting line up (`boost` above 0) or down, with a sentence that everybody sees."""
    row, _ = await lock_appointment(tx, id, version)
    line = play(tx, rules.APPOINTMENT, row["status"], "prioritise", sides_of(row))
    demand(rules.check_comment(reason), "Appointment")
    changed = await change(tx, "appointment", id, wait_boost=boost, wait_boost_reason=reason.strip())
    await save_appointment(tx, line, changed, told=Told(reason="manual-rank", comment=reason))
    return changed


async def accept_refill(tx: Transaction, id: str, *, version: int | None = None) -> Row:
    """The first yes of a wave takes the slot; the others go back to the waiting list with their rank.

    Raises `Conflict` (hold-expired, reserved, quota-exhausted) with `choices`; `not-in-table` for those who came second.
    """
    row, slots = await lock_appointment(tx, id, version)
    line = play(tx, rules.APPOINTMENT, row["status"], "accept-refill", sides_of(row))
    want = Want(row["priority"], row["requester_org"])
    if not row["offered_slot_id"]:
        raise Invalid.one("not-a-refill-offer", "Appointment", "this hold is confirmed by the verb book")
    slot = slots[row["offered_slot_id"]]
    if row["expires_at"] <= tx.now:
        await refuse(tx, "hold-expired", slot, want)
    await check_entitled(tx, slot, want)
    due = deadlines.visit_due(row["ends_at"])
    booked = await change(
        tx,
        "appointment",
        id,
        status=line.target,
        turn="PO",
        due_at=due,
        expires_at=None,
        booked_at=tx.now,
        slot_id=slot["id"],
        offered_slot_id=None,
    )
    taken = await change(tx, "slot", slot["id"], status=SlotStatus.BOOKED, appointment_id=id, expires_at=None)
    await _fill(tx, slot["id"], id)
    await link_for_visit(tx, booked)
    await save_appointment(tx, line, booked, [taken])
    await close_waiting(tx, booked)
    return booked


async def refuse_refill(tx: Transaction, id: str, *, version: int | None = None) -> Row:
    """No to an offer of the waiting list: the patient keeps the rank; refusing an offer costs nothing."""
    row, _ = await lock_appointment(tx, id, version)
    line = play(tx, rules.APPOINTMENT, row["status"], "refuse-refill", sides_of(row))
    if not row["offered_slot_id"]:
        raise Invalid.one("not-a-refill-offer", "Appointment", "this hold is given up by the verb cancel")
    await answer_offer(tx, row, "refused")
    return await back_to_waiting(tx, row, line)


async def back_to_waiting(tx: Transaction, row: Row, line: Transition) -> Row:
    """An offer that came to nothing: the line waits again, where it asked to be seen."""
    due = deadlines.waiting_due(row["wait_since"], row["wait_target"])
    nowhere: dict[str, Any] = dict.fromkeys(("expires_at", "offered_slot_id", "starts_at", "ends_at", "host_org"))
    wished = {"location_id": row["wait_location_id"], "practitioner_role_id": row["wait_role_id"]}
    practitioner = row["practitioner_id"] if row["wait_role_id"] else None
    again = await change(
        tx, "appointment", row["id"], status=line.target, turn="SY", due_at=due, practitioner_id=practitioner, **nowhere, **wished
    )
    await save_appointment(tx, line, again)
    return again


async def answer_offer(tx: Transaction, row: Row, answer: str) -> None:
    """Write what became of the offer that a line had."""
    await tx.execute(
        "UPDATE refill_offer SET answer = $2, answered_at = $3 WHERE appointment_id = $1 AND answer = 'waiting'", row["id"], answer, tx.now
    )


async def close_waiting(tx: Transaction, booked: Row) -> None:
    """A patient who is booked for a service waits for it no longer, nor holds offers for it; the line of another request ends with it."""
    rows = await tx.fetch(
        """
        SELECT * FROM appointment WHERE patient_id = $1 AND healthcare_service_id = $2 AND id <> $3 AND (task_id IS NULL OR task_id = $4)
            AND (status = 'waitlist' OR (status = 'pending' AND offered_slot_id IS NOT NULL)) ORDER BY id FOR UPDATE
        """,
        booked["patient_id"],
        booked["healthcare_service_id"],
        booked["id"],
        booked["task_id"],
    )
    for row in rows:
        line = system_line(row["status"], "serve")
        await answer_offer(tx, row, "lost")
        told = Told("served", Side.SYSTEM)
        ended: dict[str, Any] = dict.fromkeys(("turn", "due_at", "expires_at", "offered_slot_id"))
        gone = {"status": line.target, "cancelled_at": tx.now, "cancel_side": told.side, "cancel_reason": told.reason}
        await save_appointment(tx, line, await change(tx, "appointment", row["id"], **gone, **ended), told=told)


def system_line(state: str, verb: str) -> Transition:
    """A line of the scheduler's."""
    return line_of(rules.APPOINTMENT, state, verb, "SY")


async def _fill(tx: Transaction, slot: str, winner: str) -> None:
    """Close the refill of a slot with its winner; the other offers of the wave are lost."""
    refill = await tx.fetchval(
        "UPDATE refill SET state = 'filled', closed_at = $2, filled_by = $3 WHERE slot_id = $1 AND state = 'open' RETURNING id",
        slot,
        tx.now,
        winner,
    )
    await tx.execute(
        "UPDATE refill_offer SET answer = 'accepted', answered_at = $3 WHERE refill_id = $1 AND appointment_id = $2", refill, winner, tx.now
    )
    losers = await tx.fetch(
        """
        SELECT a.* FROM appointment a JOIN refill_offer o ON o.appointment_id = a.id AND o.refill_id = $1 AND o.answer = 'waiting'
        WHERE a.id <> $2 ORDER BY a.id FOR UPDATE OF a
        """,
        refill,
        winner,
    )
    for row in losers:
        await answer_offer(tx, row, "lost")
        await back_to_waiting(tx, row, system_line(row["status"], "lose-refill"))
