"""Documents that an actor may see, with what opens them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maillage.access import policy, visible_to
from maillage.documents.types import Document
from maillage.kernel.errors import NotFound
from maillage.store import Params, Transaction
from maillage.store.blobs import About, Kept

_GIVEN = "d.wrapped_key IS NOT NULL AND d.withheld_at IS NULL"
_PLAIN = "d.id, d.patient_id, d.title, d.content_type, d.size"


async def visible(tx: Transaction, id: str) -> Document:
    """A document that the actor may see. Raises `NotFound`: one that is destroyed or withheld is absent too."""
    row = await _row(tx, id)
    return Document(row["id"], row["patient_id"], row["title"], row["content_type"], row["size"])


async def opening(tx: Transaction, id: str) -> tuple[Document, Kept, About]:
    """The same with what opens it."""
    row = await _row(tx, id)
    found = Document(row["id"], row["patient_id"], row["title"], row["content_type"], row["size"])
    return found, kept(row), about(row)


async def _row(tx: Transaction, id: str) -> Any:
    if tx.actor.kind != "system" and not policy.sees_whole(tx.actor, "DocumentReference"):
        raise NotFound("DocumentReference", id)
    params = Params([id])
    seen = visible_to(tx.actor, "DocumentReference").sql("d", params)
    row = await tx.fetchrow(f"SELECT d.* FROM document d WHERE d.id = $1 AND {_GIVEN} AND {seen}", *params)
    if row is None:
        raise NotFound("DocumentReference", id)
    return row


def kept(row: Any) -> Kept:
    """What a row remembers of its file."""
    return Kept(row["key_id"], row["wrapped_key"], row["sha256"], row["size"])


def about(row: Any) -> About:
    """What the file of a row is bound to."""
    return About(row["id"], row["patient_id"], row["content_version"])


async def those(tx: Transaction, ids: Sequence[str]) -> list[Document]:
    """Those of these documents that the actor may see, in the order in which they were received."""
    params = Params([list(ids)])
    seen = visible_to(tx.actor, "DocumentReference").sql("d", params)
    rows = await tx.fetch(
        f"SELECT {_PLAIN} FROM document d WHERE d.id = ANY ($1::text[]) AND {_GIVEN} AND {seen} ORDER BY d.received_at, d.id",
        *params,
    )
    return [Document(**row) for row in rows]


async def next_rows(tx: Transaction, after: str, most: int) -> list[Any]:
    """Every row that still has a key, page by page in the order of its id: for the check and the rotation, which see all."""
    return list(await tx.fetch("SELECT * FROM document WHERE wrapped_key IS NOT NULL AND id > $1 ORDER BY id LIMIT $2", after, most))


async def known(tx: Transaction, ids: Sequence[str]) -> set[str]:
    """Those of these ids that have a row with a key."""
    rows = await tx.fetch("SELECT id FROM document WHERE id = ANY ($1::text[]) AND wrapped_key IS NOT NULL", list(ids))
    return {row["id"] for row in rows}


async def keys_in_use(tx: Transaction) -> set[str]:
    """The master keys under which something lies."""
    return {row["key_id"] for row in await tx.fetch("SELECT DISTINCT key_id FROM document WHERE key_id IS NOT NULL")}
