"""Vacations, sessions, and the agreements that they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from maillage.booking.queries.rows import found
from maillage.booking.types import Row
from maillage.store import Transaction


async def get_vacation(tx: Transaction, id: str) -> Row:
    """One vacation. Raises `NotFound`."""
    return found(await tx.fetchrow("SELECT * FROM vacation WHERE id = $1", id), "Schedule", id)


async def vacation_exceptions(tx: Transaction, id: str) -> list[Row]:
    """The dated exceptions of a vacation, in order of day."""
    return await tx.fetch("SELECT * FROM vacation_exception WHERE vacation_id = $1 ORDER BY day", id)


async def vacations(tx: Transaction, *, owner: str | None = None, site: str | None = None) -> list[Row]:
    """The active vacations of a hospital or of a site."""
    return await tx.fetch(
        """
        SELECT * FROM vacation WHERE active AND ($1::text IS NULL OR owner_org = $1) AND ($2::text IS NULL OR location_id = $2)
        ORDER BY location_id, starts, id
        """,
        owner,
        site,
    )


async def get_session(tx: Transaction, id: str) -> Row:
    """One dated session. Raises `NotFound`."""
    return found(await tx.fetchrow("SELECT * FROM vacation_session WHERE id = $1", id), "Schedule", id)


async def sessions(
    tx: Transaction,
    *,
    start: datetime,
    end: datetime,
    sites: Sequence[str] | None = None,
    owner: str | None = None,
    statuses: Sequence[str] | None = None,
) -> list[Row]:
    """The sessions that begin in a window, with how many of their slots are free, held and booked: the week table."""
    return await tx.fetch(
        """
        SELECT v.*, c.free, c.held, c.booked FROM vacation_session v CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE s.status = 'free') AS free, count(*) FILTER (WHERE s.status = 'busy-tentative') AS held,
                count(*) FILTER (WHERE s.status = 'busy') AS booked FROM slot s WHERE s.session_id = v.id) c
        WHERE v.starts_at >= $1 AND v.starts_at < $2 AND ($3::text[] IS NULL OR v.location_id = ANY ($3))
            AND ($4::text IS NULL OR v.owner_org = $4) AND ($5::text[] IS NULL OR v.status = ANY ($5))
        ORDER BY v.starts_at, v.location_id, v.id
        """,
        start,
        end,
        None if sites is None else list(sites),
        owner,
        None if statuses is None else list(statuses),
    )


async def session_slots(tx: Transaction, session: str) -> list[Row]:
    """The slots of a session in order, whatever their state."""
    return await tx.fetch("SELECT * FROM slot WHERE session_id = $1 ORDER BY starts_at, id", session)


async def clause_for(tx: Transaction, site: str, specialty: str, day: date) -> Row | None:
    """The clause in force for a specialty at a site on a day, the latest one when there are several."""
    return await tx.fetchrow(
        """
        SELECT * FROM vacation_clause WHERE location_id = $1 AND specialty = $2 AND valid_from <= $3 AND (valid_to IS NULL OR valid_to >= $3)
        ORDER BY valid_from DESC, id LIMIT 1
        """,
        site,
        specialty,
        day,
    )


async def authorisation_for(tx: Transaction, practitioner: str, site: str, day: date) -> Row | None:
    """The right of a practitioner to practise at a site on a day."""
    return await tx.fetchrow(
        """
        SELECT * FROM practice_authorisation WHERE practitioner_id = $1 AND location_id = $2
            AND valid_from <= $3 AND (valid_to IS NULL OR valid_to >= $3) ORDER BY valid_from DESC, id LIMIT 1
        """,
        practitioner,
        site,
        day,
    )
