"""Writing rows by named columns; the names come from this package, never from a caller."""

from __future__ import annotations

from typing import Any

from maillage.store import Transaction


async def update(tx: Transaction, table: str, id: str, **values: Any) -> None:
    """Write named columns of one row."""
    columns = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, start=2))
    await tx.execute(f"UPDATE {table} SET {columns} WHERE id = $1", id, *values.values())


async def insert(tx: Transaction, table: str, **values: Any) -> None:
    """Add one row from named columns."""
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await tx.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", *values.values())
