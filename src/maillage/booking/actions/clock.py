"""What time does: holds fall, reservations open, waiting lines are asked, confirmations and absences are proposed.

Each step takes the rows that are due and not locked by somebody, and writes that it did: playing it again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from maillage import messaging
from maillage.booking import rules
from maillage.booking.actions.slots import fall, next_wave, open_refill, waiting_count
from maillage.booking.actions.waiting import answer_offer, back_to_waiting, system_line
from maillage.booking.actions.writing import change, found, photograph_appointment, photograph_slot, save_appointment
from maillage.booking.types import Row, SlotStatus
from maillage.store import Transaction, one_by_one

BATCH = 200
WEEK, THREE_DAYS = timedelta(days=8), timedelta(days=4)

_SLOTS = """
SELECT s.*, v.host_org, v.room_id, v.practitioner_id, v.status AS session_status FROM slot s JOIN vacation_session v ON v.id = s.session_id
"""


@dataclass(frozen=True, slots=True)
class ClockReport:
    """What one round did. `expired` are the holds that fell (their `hold_kind` says whether the patient had an offer to answer)."""

    expired: tuple[Row, ...] = ()
    released: tuple[str, ...] = ()
    offered: tuple[Row, ...] = ()
    unfilled: tuple[str, ...] = ()
    asked: tuple[Row, ...] = ()
    to_call: tuple[Row, ...] = ()
    absences: tuple[Row, ...] = ()


async def run_clock(tx: Transaction) -> ClockReport:
    """One round of the scheduler, idempotent; the caller tells the referrals of what is in the report."""
    expired = await _expire_holds(tx)
    released = await _release(tx)
    offered, unfilled = await _refill(tx)
    asked, to_call = await _confirmations(tx)
    return ClockReport(expired, released, offered, unfilled, asked, to_call, await _absences(tx))


async def _expire_holds(tx: Transaction) -> tuple[Row, ...]:
    slots = await tx.fetch(
        f"""{_SLOTS} WHERE s.status = 'busy-tentative' AND s.appointment_id IS NOT NULL AND s.expires_at <= $1
        ORDER BY s.id LIMIT {BATCH} FOR UPDATE OF s SKIP LOCKED""",
        tx.now,
    )

    async def expire(slot: Row) -> Row:
        holder = found(await tx.fetchrow("SELECT * FROM appointment WHERE id = $1 FOR UPDATE", slot["appointment_id"]))
        return (await fall(tx, holder, slot, cause="expire" if holder["hold_kind"] == "offer" else None))[0]

    return tuple(await one_by_one(tx, "hold", slots, expire))


async def _release(tx: Transaction) -> tuple[str, ...]:
    """Reserved slots whose date has come open to all, the waiting list first."""
    slots = await tx.fetch(
        f"""{_SLOTS} WHERE s.reserved_for IS NOT NULL AND s.released_at IS NULL AND s.release_at <= $1
        ORDER BY s.id LIMIT {BATCH} FOR UPDATE OF s SKIP LOCKED""",
        tx.now,
    )

    async def release(slot: Row) -> str:
        changed = await change(tx, "slot", slot["id"], released_at=tx.now)
        if changed["status"] == SlotStatus.FREE and changed["starts_at"] > tx.now and await waiting_count(tx, changed):
            await photograph_slot(tx, changed)
            changed = await open_refill(tx, changed, "release", late=False)
        await photograph_slot(tx, changed)
        return str(slot["id"])

    return tuple(await one_by_one(tx, "release", slots, release))


async def _refill(tx: Transaction) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """End the waves whose time is over, send the next ones, free the slots for which nobody is left."""
    slots = await tx.fetch(
        f"""{_SLOTS} JOIN refill r ON r.slot_id = s.id AND r.state = 'open'
        WHERE s.expires_at <= $1 OR NOT EXISTS (SELECT FROM refill_offer o WHERE o.refill_id = r.id AND o.answer = 'waiting')
        ORDER BY s.id LIMIT {BATCH} FOR UPDATE OF s SKIP LOCKED""",
        tx.now,
    )

    async def refill_one(slot: Row) -> tuple[list[Row], list[str]]:
        refill = found(await tx.fetchrow("SELECT * FROM refill WHERE slot_id = $1 AND state = 'open'", slot["id"]))
        asked = await _end_wave(tx, refill["id"])
        wave = await next_wave(tx, slot, asked) if slot["session_status"] in ("open", "running") else []
        if wave:
            return await _send_wave(tx, refill, slot, wave), []
        await tx.execute("UPDATE refill SET state = 'unfilled', closed_at = $2 WHERE id = $1", refill["id"], tx.now)
        await photograph_slot(tx, await change(tx, "slot", slot["id"], status=SlotStatus.FREE, expires_at=None))
        return [], [slot["id"]]

    done = await one_by_one(tx, "refill", slots, refill_one)
    return tuple(row for sent, _ in done for row in sent), tuple(id for _, unfilled in done for id in unfilled)


async def _end_wave(tx: Transaction, refill: str) -> list[str]:
    """Offers without an answer expire; answers everybody who was asked so far."""
    late = await tx.fetch(
        """
        SELECT a.* FROM appointment a JOIN refill_offer o ON o.appointment_id = a.id AND o.refill_id = $1 AND o.answer = 'waiting'
        ORDER BY a.id FOR UPDATE OF a
        """,
        refill,
    )
    for row in late:
        await answer_offer(tx, row, "expired")
        await back_to_waiting(tx, row, system_line(row["status"], "lose-refill"))
    asked = await tx.fetch("SELECT appointment_id FROM refill_offer WHERE refill_id = $1 ORDER BY appointment_id", refill)
    return [row["appointment_id"] for row in asked]


async def _send_wave(tx: Transaction, refill: Row, slot: Row, wave: list[str]) -> list[Row]:
    ends, number = tx.now + (rules.answer_time(tx.now, slot["starts_at"]) or timedelta()), refill["waves"] + 1
    await tx.execute("UPDATE refill SET waves = $2 WHERE id = $1", refill["id"], number)
    place = {name: slot[name] for name in ("location_id", "practitioner_role_id", "practitioner_id", "host_org", "starts_at", "ends_at")}
    sent = []
    for id in sorted(wave):
        line = system_line("waitlist", "refill")
        row = await change(
            tx, "appointment", id, status=line.target, turn="PT", due_at=ends, expires_at=ends, offered_slot_id=slot["id"], **place
        )
        await tx.execute(
            "INSERT INTO refill_offer (refill_id, appointment_id, wave, offered_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
            *(refill["id"], id, number, tx.now, ends),
        )
        await save_appointment(tx, line, row)
        sent.append(row)
    await photograph_slot(tx, await change(tx, "slot", slot["id"], expires_at=ends))
    return sent


async def _confirmations(tx: Transaction) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """At D-7 the patient is asked to confirm; at D-3 who has not goes to the call list. A booking made after D-7 is its own confirmation."""
    near = await tx.fetch(
        f"""
        SELECT * FROM appointment WHERE status = 'booked' AND starts_at > $1 AND starts_at <= $2 AND confirmed_at IS NULL
            AND (confirm_asked_at IS NULL OR (to_call_at IS NULL AND starts_at <= $3))
        ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED
        """,
        tx.now,
        tx.now + WEEK,
        tx.now + THREE_DAYS,
    )

    async def confirm(row: Row) -> tuple[str, Row] | None:
        due = rules.confirm_from(row["starts_at"])
        if row["confirm_asked_at"] is None and due <= tx.now and row["booked_at"] < due:
            return "asked", await _propose(tx, row, "confirm-asked", "confirm_asked_at")
        if row["confirm_asked_at"] and rules.call_from(row["starts_at"]) <= tx.now:
            return "to-call", await _propose(tx, row, "to-call", "to_call_at")
        return None

    done = [one for one in await one_by_one(tx, "confirmation", near, confirm) if one]
    return tuple(row for what, row in done if what == "asked"), tuple(row for what, row in done if what == "to-call")


async def _absences(tx: Transaction) -> tuple[Row, ...]:
    """Half an hour late: an absence is proposed to those who may record it; nothing is decided."""
    rows = await tx.fetch(
        f"""
        SELECT * FROM appointment WHERE status = 'booked' AND absence_proposed_at IS NULL AND starts_at <= $1
        ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED
        """,
        tx.now - rules.ABSENCE_PROPOSED_AFTER,
    )
    return tuple(await one_by_one(tx, "absence", rows, lambda row: _propose(tx, row, "absence-proposed", "absence_proposed_at")))


async def _propose(tx: Transaction, row: Row, event: str, column: str) -> Row:
    changed = await change(tx, "appointment", row["id"], **{column: tx.now})
    await photograph_appointment(tx, changed)
    organizations = [row["owner_org"], *([row["host_org"]] if row["host_org"] != row["owner_org"] else [])]
    patient = row["patient_id"] if event == "confirm-asked" else None
    await messaging.notify(tx, f"appointment-{event}", focus=("Appointment", row["id"]), organizations=organizations, patient=patient)
    if patient:
        await messaging.tell_patient(tx, f"appointment-{event}", focus=("Appointment", row["id"]), patient=patient)
    return changed
