"""Versions that were entered in error: kept, and shown as what the masked version shows (workflows.md 1, enter-in-error; hazard H3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from maillage.codes import systems
from maillage.codes.json import decode, encode
from maillage.kernel.errors import NotFound
from maillage.record.types import Stored
from maillage.store import Transaction

LABEL = {"system": systems.OBSERVATION_VALUE, "code": "MASKED", "display": "masked"}


async def mask(tx: Transaction, kind: str, id: str, readers: Sequence[str] = ()) -> None:
    """Mask every version before the current one, which shows nothing any more; `readers` (persons) still see them, to find out what happened."""
    await tx.settle()
    masked = await tx.execute(
        "UPDATE resource_head SET masked_before = version, masked_readers = $3 WHERE res_type = $1 AND id = $2", kind, id, list(readers)
    )
    if masked != "UPDATE 1":
        raise NotFound(kind, id)


async def veiled(tx: Transaction, versions: Sequence[Stored]) -> list[Stored]:
    """Versions of one resource as this actor may see them: those that were masked have the content of the version that masks them."""
    await tx.settle()
    head = await _head(tx, versions[0])
    if head is None:
        return list(versions)
    before, shown = head
    return [_veil(one, shown) if one.version < before and not one.deleted else one for one in versions]


async def _head(tx: Transaction, one: Stored) -> tuple[int, dict[str, Any]] | None:
    """From which version on nothing is masked, and what that version shows; None when the actor sees everything."""
    rows = await tx.peek(
        """
        SELECT h.masked_before, h.masked_readers, v.content FROM resource_head h
        JOIN resource_version v ON v.res_type = h.res_type AND v.id = h.id AND v.version = h.masked_before
        WHERE h.res_type = $1 AND h.id = $2
        """,
        one.type,
        one.id,
    )
    if not rows or tx.actor.kind == "system" or (tx.actor.kind == "person" and tx.actor.id in rows[0]["masked_readers"]):
        return None
    return rows[0]["masked_before"], decode(rows[0]["content"])


def _veil(one: Stored, shown: dict[str, Any]) -> Stored:
    written = one.at.isoformat(timespec="milliseconds")
    meta = {**shown["meta"], "versionId": str(one.version), "lastUpdated": written}
    meta["security"] = [*meta.get("security", []), LABEL]
    return msgspec.structs.replace(one, content=encode({**shown, "meta": meta}).decode())
