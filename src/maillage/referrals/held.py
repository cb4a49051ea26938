"""The rows of the requests that a transaction holds.

Every verb locks the request first, so whoever holds it alone changes it, its Tasks, its forms and its files: these rows are read once, and again from
here.
Rows of requests that are merely looked at are never kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from maillage.store import Transaction

Row = Any
_PARTS: Final = ("referral_task", "referral_form", "referral_attachment")
KEPT: Final = frozenset({"service_request", *_PARTS})


@dataclass(slots=True)
class Held:
    """One held request; of each of its tables that was read, the rows by id."""

    request: Row
    rows: dict[str, dict[str, Row]]

    def row(self, table: str, id: str) -> Row | None:
        """One of these rows, when it was read."""
        return self.request if table == "service_request" else self.rows.get(table, {}).get(id)


def of_request(tx: Transaction, request_id: str) -> Held | None:
    """What is held of a request; None when it is not held."""
    held: Held | None = tx.known(("request", request_id))
    return held


def find(tx: Transaction, table: str, id: str) -> Row | None:
    """A held row; None when it must be read."""
    if table not in KEPT:
        return None
    held = of_request(tx, id if table == "service_request" else tx.known(("request-of", id)) or "")
    return held.row(table, id) if held else None


def hold(tx: Transaction, request: Row, *, new: bool = False) -> Held:
    """Hold a request that was just locked, or just made: a `new` one has no Task, no form and no file."""
    held = Held(request, {table: {} for table in _PARTS} if new else {})
    tx.keep(("request", request["id"]), held)
    return held


def let_go(tx: Transaction, table: str, id: str) -> None:
    """A row was changed without being read again: what is held of its request is no longer what is there."""
    request_id = id if table == "service_request" else tx.known(("request-of", id))
    if table in KEPT and request_id:
        tx.keep(("request", request_id), None)


def keep_all(tx: Transaction, rows: list[Row]) -> dict[str, Row]:
    """Rows of one held request by id, each known from now on by its id."""
    for row in rows:
        tx.keep(("request-of", row["id"]), row["request_id"])
    return {row["id"]: row for row in rows}


def note(tx: Transaction, table: str, row: Row) -> None:
    """A row as it was just written."""
    if table not in KEPT:
        return
    held = of_request(tx, row["id"] if table == "service_request" else row["request_id"])
    if held is None:
        return
    if table == "service_request":
        held.request = row
        return
    if table in held.rows:
        held.rows[table] |= keep_all(tx, [row])
