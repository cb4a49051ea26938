"""Emergency accesses: those that are open, those that await their review, and how many patients somebody looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from maillage.access.emergency.types import Glass, Limits
from maillage.store import Transaction

_GLASS = """SELECT b.id, b.patient_id, b.practitioner_id, b.role_id, b.organization_id, b.reason, b.explanation, b.refused_before, b.starts, b.ends,
    b.review_due, r.decision, r.at AS reviewed_at FROM break_glass b LEFT JOIN break_glass_review r ON r.break_glass_id = b.id"""


def read(row: Any) -> Glass:
    """A row as an emergency access."""
    return Glass(**dict(row))


async def limits(tx: Transaction) -> Limits:
    """What the deployer decided."""
    row = await tx.fetchrow("SELECT lasts, review, tell_patient_after, alarm_above, patients_an_hour FROM emergency_limit")
    return Limits(**dict(row or {}))


async def open_glass(tx: Transaction, patient_id: str) -> Glass | None:
    """The actor's own live access to this patient; None when there is none."""
    row = await tx.fetchrow(
        f"{_GLASS} WHERE b.practitioner_id = $1 AND b.patient_id = $2 AND b.organization_id = ANY ($3::text[]) AND b.starts <= $4 AND b.ends > $4 "
        "ORDER BY b.ends DESC LIMIT 1",
        tx.actor.id,
        patient_id,
        list(tx.actor.organizations),
        tx.now,
    )
    return read(row) if row else None


async def glass(tx: Transaction, id: str) -> Glass | None:
    """One access of the actor's organisations."""
    row = await tx.fetchrow(f"{_GLASS} WHERE b.id = $1 AND b.organization_id = ANY ($2::text[])", id, list(tx.actor.organizations))
    return read(row) if row else None


async def to_review(tx: Transaction) -> Sequence[Glass]:
    """What awaits a review in the actor's organisations, the first due first; one's own accesses are not among them."""
    rows = await tx.fetch(
        f"{_GLASS} WHERE r.break_glass_id IS NULL AND b.organization_id = ANY ($1::text[]) AND b.practitioner_id <> $2 ORDER BY b.review_due, b.id",
        list(tx.actor.organizations),
        tx.actor.id,
    )
    return [read(row) for row in rows]


async def opened_today(tx: Transaction) -> int:
    """How many accesses the actor opened in the last day, this one included."""
    return int(
        await tx.fetchval(
            "SELECT count(*) FROM break_glass WHERE practitioner_id = $1 AND starts > $2", tx.actor.id, tx.now - timedelta(days=1)
        )
    )


async def overdue(tx: Transaction) -> Sequence[Glass]:
    """Accesses whose review is late and was not called for yet, of every organisation: for the scheduler."""
    rows = await tx.fetch(
        f"{_GLASS} WHERE r.break_glass_id IS NULL AND b.review_due <= $1 "
        "AND NOT EXISTS (SELECT 1 FROM break_glass_reminder m WHERE m.break_glass_id = b.id) ORDER BY b.review_due, b.id",
        tx.now,
    )
    return [read(row) for row in rows]


async def browsing(tx: Transaction, more_than: int) -> Sequence[Any]:
    """Who was shown more patients in the last hour than the limit, those apart whom the agenda of the place explains: person, place, how many."""
    return await tx.fetch(
        """
        SELECT l.practitioner_id, l.organization_id, count(DISTINCT l.patient_id) AS patients FROM patient_look l
        WHERE l.at > $1::timestamptz - interval '1 hour'
            AND NOT EXISTS (SELECT 1 FROM care_link c WHERE c.patient_id = l.patient_id AND c.organization_id = l.organization_id
                AND c.basis IN ('rendez-vous', 'adressage') AND c.starts <= $1 AND (c.ends IS NULL OR c.ends > $1))
            AND NOT EXISTS (SELECT 1 FROM browsing_alert a WHERE a.practitioner_id = l.practitioner_id AND a.organization_id = l.organization_id
                AND a.at > $1::timestamptz - interval '1 hour')
        GROUP BY l.practitioner_id, l.organization_id HAVING count(DISTINCT l.patient_id) > $2 ORDER BY l.practitioner_id, l.organization_id
        """,
        tx.now,
        more_than,
    )
