"""The appointments, holds and waiting lines of a patient go to another file of the same person; slots keep their appointments."""

from __future__ import annotations

from collections.abc import Sequence

from maillage import record
from maillage.booking.actions.writing import Told, change, keep_status, photograph_appointment
from maillage.booking.types import Row
from maillage.store import Transaction

TABLE = "appointment"
_LIVE = "('pending', 'waitlist', 'booked', 'arrived', 'checked-in')"


async def open_of(tx: Transaction, patient: str) -> list[str]:
    """What is to come or under way for a patient: bookings, holds, waiting lines."""
    rows = await tx.beyond().fetch(f"SELECT id FROM appointment WHERE patient_id = $1 AND status IN {_LIVE} ORDER BY id", patient)
    return [row["id"] for row in rows]


async def lock_open_of(tx: Transaction, patient: str, tasks: Sequence[str]) -> list[str]:
    """The same, and everything that these Tasks of the same patient ever had, locked in order."""
    rows = await tx.beyond().fetch(
        f"""
        SELECT a.id FROM appointment a WHERE a.patient_id = $1 AND (a.status IN {_LIVE} OR a.task_id = ANY ($2::text[]))
        ORDER BY a.id FOR UPDATE OF a
        """,
        patient,
        list(tasks),
    )
    return [row["id"] for row in rows]


async def lock_these(tx: Transaction, patient: str, ids: Sequence[str], tasks: Sequence[str]) -> list[str]:
    """Those of these appointments, and of those of these Tasks, that are this patient's, locked in order."""
    rows = await tx.beyond().fetch(
        "SELECT id FROM appointment WHERE patient_id = $1 AND (id = ANY ($2::text[]) OR task_id = ANY ($3::text[])) ORDER BY id FOR UPDATE",
        *(patient, list(ids), list(tasks)),
    )
    return [row["id"] for row in rows]


async def move(tx: Transaction, verb: str, ids: Sequence[str], target: str) -> list[Row]:
    """Let these appointments be of `target`, each with its photograph; answers them as they stand. The ledger of the merge allows it.

    Two lines of one person at one service both stay: the one that comes is marked, and a person ends one of them.
    """
    eyes, moved = tx.beyond(), []
    for id in ids:
        row = await change(eyes, TABLE, id, patient_id=target, waits_beside=await _waits_beside(eyes, id, target))
        version = await photograph_appointment(eyes, row)
        await keep_status(eyes, verb, row, Told())
        await record.audit(tx, "U", "Appointment", id, patient=target, verb=verb)
        await record.provenance(
            eyes, verb, [("Appointment", id, version)], patient=target, owner=row["owner_org"], parties=list(row["parties"])
        )
        moved.append(row)
    return moved


async def _waits_beside(eyes: Transaction, id: str, target: str) -> bool:
    """Whether the other file waits for the same service already."""
    return bool(
        await eyes.fetchval(
            """
            SELECT EXISTS (SELECT FROM appointment a JOIN appointment o ON o.patient_id = $2 AND o.id <> a.id
                AND o.healthcare_service_id = a.healthcare_service_id AND NOT o.waits_beside
                AND (o.status = 'waitlist' OR (o.status = 'pending' AND o.offered_slot_id IS NOT NULL)) WHERE a.id = $1)
            """,
            id,
            target,
        )
    )
