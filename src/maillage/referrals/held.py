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
KEPT: Final = frozenset({"service_request", "referral_task", "referral_form", "referral_attachment"})


@dataclass(slots=True)
class Held:
    """One held request, with its Tasks, its forms and its files by id once they were read."""

    request: Row
    tasks: dict[str, Row] | None = None
    forms: dict[str, Row] | None = None
    files: dict[str, Row] | None = None

    def of_table(self, table: str) -> dict[str, Row] | None:
        """What was read of one of its tables."""
        return {"referral_task": self.tasks, "referral_form": self.forms, "referral_attachment": self.files}[table]

    def row(self, table: str, id: str) -> Row | None:
        """One of these rows, when it was read."""
        if table == "service_request":
            return self.request
        rows = self.of_table(table)
        return rows.get(id) if rows else None


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
    held = Held(request, {}, {}, {}) if new else Held(request)
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
    rows = held.of_table(table)
    if rows is not None:
        rows |= keep_all(tx, [row])
