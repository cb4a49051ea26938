"""One row of a table, if the actor may see it."""

from __future__ import annotations

from collections.abc import Sequence

from maillage.access import visible_to
from maillage.booking.types import Row
from maillage.kernel.errors import NotFound
from maillage.store import Transaction
from maillage.store.sql import Params

_TYPES = {"vacation": "Schedule", "vacation_session": "Schedule", "slot": "Slot", "appointment": "Appointment"}


async def row(tx: Transaction, table: str, id: str) -> Row | None:
    """One row of a table of the room, or None when absent or invisible."""
    params = Params([id])
    visible = visible_to(tx.actor, _TYPES[table]).sql("t", params)
    return await tx.fetchrow(f"SELECT t.* FROM {table} t WHERE t.id = $1 AND {visible}", *params)


async def knows(tx: Transaction, table: str, ids: Sequence[str]) -> bool:
    """Whether one of these ids is a row of the room. Who may see it is settled by the verb that follows."""
    return bool(ids) and bool((await tx.peek(f"SELECT EXISTS (SELECT FROM {table} WHERE id = ANY ($1::text[]))", list(ids)))[0][0])


def found(row: Row | None, kind: str, id: str) -> Row:
    """The row, or `NotFound`."""
    if row is None:
        raise NotFound(kind, id)
    return row
