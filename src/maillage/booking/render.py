"""Rows drawn again as FHIR, for `maillage rerender`: None when the resource is not this room's (kept whole for another system)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from maillage.booking import queries
from maillage.booking.fhir import Resource, render_appointment, render_session, render_slot, render_vacation
from maillage.store import Transaction


async def schedule(tx: Transaction, id: str) -> Resource | None:
    """The Schedule of a vacation or of a session."""
    if vacation := await queries.row(tx, "vacation", id):
        return render_vacation(vacation, await queries.vacation_exceptions(tx, id))
    session = await queries.row(tx, "vacation_session", id)
    return render_session(session) if session else None


async def slot(tx: Transaction, id: str) -> Resource | None:
    """A Slot."""
    found = await queries.row(tx, "slot", id)
    return render_slot(found) if found else None


async def appointment(tx: Transaction, id: str) -> Resource | None:
    """An Appointment."""
    found = await queries.row(tx, "appointment", id)
    return render_appointment(found) if found else None


RENDERERS: dict[str, Callable[[Transaction, str], Awaitable[Resource | None]]] = {
    "Schedule": schedule,
    "Slot": slot,
    "Appointment": appointment,
}
"""Each type that the room photographs, and how to draw it again."""
