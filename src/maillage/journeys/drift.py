"""`make rerender`: every row that we decide on is drawn again and compared with its last photograph (ADR 0001)."""

from __future__ import annotations

from typing import Any

from maillage import booking, directory, record, referrals
from maillage.access import choices
from maillage.codes.json import decode, encode
from maillage.kernel.actor import SYSTEM
from maillage.messaging import subscriptions
from maillage.store import Database, Transaction

RENDERERS = {**booking.RENDERERS, **referrals.RENDERERS, "Consent": choices.drawn, **subscriptions.RENDERERS}
BATCH = 200


async def rerender(database: Database) -> dict[str, Any]:
    """Compare them all; answers how many were compared and which differ (`Type/id`)."""
    compared, drift = 0, list[str]()
    for kind in RENDERERS:
        async with database.transaction(SYSTEM, timeout=60) as tx:
            ids = await record.ids_of(tx, kind)
        for start in range(0, len(ids), BATCH):
            async with database.transaction(SYSTEM, timeout=60) as tx:
                for id in ids[start : start + BATCH]:
                    answer = await _differs(tx, kind, id)
                    compared += answer is not None
                    drift += [f"{kind}/{id}"] if answer else []
    async with database.transaction(SYSTEM, timeout=60) as tx:
        drift += await directory.drift(tx, "test")
    return {"compared": compared, "drift": drift}


async def _differs(tx: Transaction, kind: str, id: str) -> bool | None:
    """Whether the row says something else than its last photograph; None when no room decides on it."""
    drawn = await RENDERERS[kind](tx, id)
    if drawn is None:
        return None
    last = await record.current(tx, kind, id)
    return record.comparable(decode(last)) != record.comparable(decode(encode(drawn)))
