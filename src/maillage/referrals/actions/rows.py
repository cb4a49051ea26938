"""Writing rows by named columns; the names come from this package, never from a caller."""

from __future__ import annotations

from typing import Any

from maillage.referrals import held
from maillage.store import Transaction


async def update(tx: Transaction, table: str, id: str, **values: Any) -> Any:
    """Write named columns of one row; answers the row as it stands then."""
    columns = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, start=2))
    row = await tx.fetchrow(f"UPDATE {table} SET {columns} WHERE id = $1 RETURNING *", id, *values.values())
    held.note(tx, table, row)
    return row


async def add_numbered(tx: Transaction, table: str, column: str, id: str, **values: Any) -> None:
    """Add the next row of an append-only list, with the statement that follows: `seq` numbers the rows of one object."""
    marks = ", ".join(f"${number}" for number in range(2, len(values) + 2))
    sql = f"INSERT INTO {table} ({column}, seq, {', '.join(values)}) SELECT $1, coalesce(max(seq), 0) + 1, {marks} FROM {table} WHERE {column} = $1"
    await tx.write((table, id), (sql,), (id, *values.values()))


async def insert(tx: Transaction, table: str, **values: Any) -> Any:
    """Add one row from named columns; answers it."""
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    row = await tx.fetchrow(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks}) RETURNING *", *values.values())
    if table == "service_request":
        held.hold(tx, row, new=True)
    held.note(tx, table, row)
    return row
