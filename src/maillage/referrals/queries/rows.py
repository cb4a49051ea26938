"""Rows by their table: which table is which resource, one row, the next number of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from maillage.referrals import held
from maillage.store import Transaction

Row = Any

TYPE_OF_TABLE: Final = {
    "service_request": "ServiceRequest",
    "referral_task": "Task",
    "referral_child": "Task",
    "capacity_failure": "Task",
    "referral_form": "QuestionnaireResponse",
    "referral_letter": "DocumentReference",
    "referral_attachment": "DocumentReference",
    "referral_encounter": "Encounter",
}
"""Our tables that are resources, and the type that each one is."""


async def row_of(tx: Transaction, table: str, id: str) -> Row:
    """One row of one of our resource tables; None when there is none."""
    return held.find(tx, table, id) or await tx.fetchrow(f"SELECT * FROM {table} WHERE id = $1", id)


async def rows_of(tx: Transaction, table: str, request_id: str, sql: str, order: tuple[str, str]) -> Sequence[Row]:
    """The rows of one table of a request: from what is held when they were read, else by a statement; in one order, which `order` tells."""
    known = held.of_request(tx, request_id)
    if known and table in known.rows:
        return sorted(known.rows[table].values(), key=lambda row: tuple(row[name] for name in order))
    rows = await tx.fetch(sql, request_id)
    if known:
        known.rows[table] = held.keep_all(tx, rows)
    return rows


async def ids_of(tx: Transaction, kind: str) -> list[str]:
    """Every id that this room draws as a resource of this type (drift check)."""
    tables = [table for table, type_ in TYPE_OF_TABLE.items() if type_ == kind]
    parts = " UNION ALL ".join(f"SELECT id FROM {table}" for table in tables)
    return [row["id"] for row in await tx.fetch(f"{parts} ORDER BY id")] if parts else []


async def next_seq(tx: Transaction, table: str, column: str, id: str) -> int:
    """The number of the next append-only row of an object."""
    return int(await tx.fetchval(f"SELECT coalesce(max(seq), 0) + 1 FROM {table} WHERE {column} = $1", id))
