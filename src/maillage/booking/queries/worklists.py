"""What awaits the hospital's planner and the host site: one question each, in order of time."""

from __future__ import annotations

from datetime import timedelta

from maillage.access import visible_to
from maillage.booking.types import Row
from maillage.store import Transaction
from maillage.store.sql import Params

UNDER_FILLED = 0.5
"""Below this share of booked slots, ten days before, a session is under-filled."""
_SESSIONS = """
SELECT v.*, c.free, c.held, c.booked FROM vacation_session v CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE s.status = 'free') AS free, count(*) FILTER (WHERE s.status = 'busy-tentative') AS held,
        count(*) FILTER (WHERE s.status = 'busy') AS booked FROM slot s WHERE s.session_id = v.id) c
"""


async def at_risk(tx: Transaction) -> list[Row]:
    """Sessions of the actor's hospital for which a replacement is sought."""
    return await _of_owner(tx, "v.status = 'at-risk'")


async def unpublished(tx: Transaction, *, within: timedelta = timedelta(days=60)) -> list[Row]:
    """Sessions of the actor's hospital that should be published by now."""
    return await _of_owner(tx, "v.status = 'planned' AND v.starts_at > $2 AND v.starts_at <= $2 + $3::interval", tx.now, within)


async def under_filled(tx: Transaction, *, within: timedelta = timedelta(days=10)) -> list[Row]:
    """Open sessions of the actor's hospital within ten days that are less than half booked."""
    soon = "v.status = 'open' AND v.starts_at > $2 AND v.starts_at <= $2 + $3::interval AND c.booked < v.slot_count * $4::float"
    return await _of_owner(tx, soon, tx.now, within, UNDER_FILLED)


async def to_settle(tx: Transaction) -> list[Row]:
    """Finished or disputed sessions that the actor's side, hospital or host, has not signed."""
    return await tx.fetch(
        f"""{_SESSIONS} WHERE v.status IN ('done', 'settlement-disputed')
            AND ((v.owner_org = ANY ($1::text[]) AND v.signed_owner_at IS NULL) OR (v.host_org = ANY ($1::text[]) AND v.signed_host_at IS NULL))
        ORDER BY v.due_at, v.id""",
        list(tx.actor.organizations),
    )


async def rooms_to_confirm(tx: Transaction) -> list[Row]:
    """Planned sessions at the actor's site whose room, kit or help is not confirmed."""
    return await tx.fetch(
        f"""{_SESSIONS} WHERE v.status = 'planned' AND v.host_org = ANY ($1::text[]) AND v.starts_at > $2
            AND (v.room_confirmed_at IS NULL OR NOT v.kit_confirmed OR NOT v.help_confirmed)
        ORDER BY v.starts_at, v.id""",
        list(tx.actor.organizations),
        tx.now,
    )


async def to_call(tx: Transaction) -> list[Row]:
    """Visible appointments that nobody confirmed three days before: the call list."""
    return await _booked(tx, "a.to_call_at IS NOT NULL AND a.starts_at > $1")


async def unconfirmed(tx: Transaction) -> list[Row]:
    """Visible appointments to come whose patient was asked and has not answered."""
    return await _booked(tx, "a.confirm_asked_at IS NOT NULL AND a.confirmed_at IS NULL AND a.starts_at > $1")


async def absences_to_decide(tx: Transaction) -> list[Row]:
    """Visible appointments for which the clock proposed an absence that no person has decided."""
    return await _booked(tx, "a.absence_proposed_at IS NOT NULL AND a.starts_at <= $1")


async def _of_owner(tx: Transaction, where: str, *args: object) -> list[Row]:
    return await tx.fetch(
        f"{_SESSIONS} WHERE v.owner_org = ANY ($1::text[]) AND {where} ORDER BY v.starts_at, v.id", list(tx.actor.organizations), *args
    )


async def _booked(tx: Transaction, where: str) -> list[Row]:
    params = Params([tx.now])
    visible = visible_to(tx.actor, "Appointment").sql("a", params)
    return await tx.fetch(
        f"SELECT a.* FROM appointment a WHERE a.status = 'booked' AND {where} AND {visible} ORDER BY a.starts_at, a.id", *params
    )
