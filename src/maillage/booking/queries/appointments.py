"""Appointments and the waiting list, as far as the actor may see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from maillage.access import visible_to
from maillage.booking import rules
from maillage.booking.queries.rows import found
from maillage.booking.types import Row, Waiter
from maillage.store import Transaction
from maillage.store.sql import Params


async def get_appointment(tx: Transaction, id: str) -> Row:
    """One appointment that the actor may see. Raises `NotFound`."""
    params = Params([id])
    visible = visible_to(tx.actor, "Appointment").sql("a", params)
    return found(await tx.fetchrow(f"SELECT a.* FROM appointment a WHERE a.id = $1 AND {visible}", *params), "Appointment", id)


async def appointments(
    tx: Transaction,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    patient: str | None = None,
    sites: Sequence[str] | None = None,
    session: str | None = None,
    task: str | None = None,
    statuses: Sequence[str] | None = None,
    limit: int | None = None,
) -> list[Row]:
    """The visible appointments that fit, in order of time."""
    params = Params()
    where = [visible_to(tx.actor, "Appointment").sql("a", params)]
    filters: dict[str, Any] = {"a.starts_at >= {}": start, "a.starts_at < {}": end, "a.patient_id = {}": patient, "a.task_id = {}": task}
    filters["a.location_id = ANY ({}::text[])"] = None if sites is None else list(sites)
    filters["a.status = ANY ({}::text[])"] = None if statuses is None else list(statuses)
    filters["a.slot_id IN (SELECT id FROM slot WHERE session_id = {})"] = session
    where += [text.format(params.add(value)) for text, value in filters.items() if value is not None]
    most = params.add(limit)
    return await tx.fetch(
        f"SELECT a.* FROM appointment a WHERE {' AND '.join(where)} ORDER BY a.starts_at NULLS LAST, a.id LIMIT {most}", *params
    )


async def appointment_history(tx: Transaction, id: str) -> list[Row]:
    """Every status of a visible appointment, oldest first."""
    await get_appointment(tx, id)
    return await tx.fetch("SELECT * FROM appointment_history WHERE appointment_id = $1 ORDER BY seq", id)


async def absences_of(tx: Transaction, patient: str) -> int:
    """How many times this patient was absent, as far as the actor may see: decides between a message and a call, nothing else."""
    params = Params([patient])
    visible = visible_to(tx.actor, "Appointment").sql("a", params)
    return int(
        await tx.fetchval(f"SELECT count(*) FROM appointment a WHERE a.patient_id = $1 AND a.status = 'noshow' AND {visible}", *params)
    )


async def waiting_list(tx: Transaction, services: Sequence[str], *, site: str | None = None) -> list[Row]:
    """The visible waiting lines of these services, in the order in which they are served."""
    params = Params([list(services), site])
    visible = visible_to(tx.actor, "Appointment").sql("a", params)
    rows = await tx.fetch(
        f"""
        SELECT a.* FROM appointment a WHERE a.status = 'waitlist' AND a.healthcare_service_id = ANY ($1::text[])
            AND ($2::text IS NULL OR a.location_id IS NULL OR a.location_id = $2) AND {visible}
        ORDER BY a.wait_since, a.id
        """,
        *params,
    )
    by_id = {row["id"]: row for row in rows}
    return [by_id[waiter.id] for waiter in rules.waiting_order(map(waiter_of, rows), tx.now)]


def waiter_of(row: Row) -> Waiter:
    """A waiting line as the order reads it."""
    return Waiter(
        id=row["id"],
        priority=row["priority"],
        since=row["wait_since"],
        target=row["wait_target"],
        removed=row["wait_removed"],
        notice=timedelta(hours=row["wait_notice_hours"]),
        boost=row["wait_boost"],
    )


async def refills(tx: Transaction, *, owner: str, since: datetime) -> list[Row]:
    """The refill board of a hospital: freed slots, how many were asked, what became of them. No patient is named."""
    return await tx.fetch(
        """
        SELECT r.*, s.starts_at, s.ends_at, s.location_id, s.healthcare_service_id, count(o.*) AS asked,
            count(o.*) FILTER (WHERE o.answer = 'waiting') AS waiting
        FROM refill r JOIN slot s ON s.id = r.slot_id LEFT JOIN refill_offer o ON o.refill_id = r.id
        WHERE s.owner_org = $1 AND r.opened_at >= $2 AND s.owner_org = ANY ($3::text[])
        GROUP BY r.id, s.id ORDER BY r.opened_at DESC, r.id
        """,
        owner,
        since,
        list(tx.actor.organizations),
    )
