"""Reading exports: each statement starts from the client that asked."""

from __future__ import annotations

from typing import Any

from maillage.exports.types import Export, File
from maillage.kernel.errors import NotFound
from maillage.store import Transaction
from maillage.store.blobs import About, Kept

_GONE = ("cancelled", "expired")


async def asked(tx: Transaction, id: str) -> Export:
    """An export of the caller. Raises `NotFound` for another's, and for one that was cancelled or has expired."""
    row = await tx.fetchrow("SELECT * FROM bulk_export WHERE id = $1 AND client = $2 AND parties && $3::text[]", id, *_caller(tx))
    if row is None or row["status"] in _GONE or (row["expires_at"] and row["expires_at"] <= tx.now):
        raise NotFound("Export", id)
    return Export(
        row["id"], row["status"], row["request"], row["asked_at"], row["expires_at"], row["step"], steps_of(row), bool(row["since"])
    )


def steps_of(row: Any) -> int:
    """How many types are read; since an instant each of them once more, for what was deleted."""
    return len(row["types"]) * (2 if row["since"] else 1)


def _caller(tx: Transaction) -> tuple[str, list[str]]:
    return tx.actor.id, list(tx.actor.organizations)


async def files_of(tx: Transaction, id: str) -> list[File]:
    """The files of an export, in the order in which they were made."""
    rows = await tx.fetch("SELECT id, res_type, lines, deleted FROM bulk_export_file WHERE export_id = $1 ORDER BY step, after_id, id", id)
    return [File(row["id"], row["res_type"], row["lines"], row["deleted"]) for row in rows]


async def file_row(tx: Transaction, export: str, id: str) -> Any:
    """What is needed to open a file. Raises `NotFound`."""
    row = await tx.fetchrow("SELECT * FROM bulk_export_file WHERE id = $1 AND export_id = $2", id, export)
    if row is None:
        raise NotFound("Export", id)
    return row


def about(row: Any) -> About:
    """What the bytes of a file are bound to."""
    return About(row["id"], row["export_id"], 1)


def kept(row: Any) -> Kept:
    """The key and the hash of a file."""
    return Kept(row["key_id"], row["wrapped_key"], row["sha256"], row["size"])


async def live_of(tx: Transaction) -> int:
    """How many exports of the caller are not ended."""
    sql = "SELECT count(*) FROM bulk_export WHERE client = $1 AND status IN ('accepted', 'running')"
    return int(await tx.fetchval(sql, tx.actor.id))


async def known_files(tx: Transaction, ids: list[str]) -> set[str]:
    """Those of the ids that are files of an export."""
    rows = await tx.fetch("SELECT id FROM bulk_export_file WHERE id = ANY ($1::text[]) ORDER BY id", ids)
    return {row["id"] for row in rows}
