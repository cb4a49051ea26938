"""What is kept for a time and no longer."""

from __future__ import annotations

from maillage.messaging.subscriptions.actions import writing
from maillage.messaging.subscriptions.types import KEPT
from maillage.store import Transaction


async def forget(tx: Transaction) -> int:
    """Forget what was delivered, or withheld, a month ago; dead letters stay until somebody decides. How many there were.

    A subscription that nobody took up for a month after its error ends: what waits for it must not grow for ever.
    """
    left = await tx.fetch(
        "SELECT id FROM subscription WHERE status = 'error' AND failed_at < $1 ORDER BY id FOR UPDATE SKIP LOCKED", tx.now - KEPT
    )
    for row in left:
        await writing.withhold_all(tx, row["id"])
        await writing.turn(tx, row["id"], "off", "abandoned")
    done = await tx.execute("DELETE FROM subscription_delivery WHERE coalesce(sent_at, withheld_at) < $1", tx.now - KEPT)
    return int(done.split()[-1])
