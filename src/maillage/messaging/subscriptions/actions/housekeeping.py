"""What is kept for a time and no longer."""

from __future__ import annotations

from maillage.messaging.subscriptions.types import KEPT
from maillage.store import Transaction


async def forget(tx: Transaction) -> int:
    """Forget what was delivered, or withheld, a month ago; dead letters stay until somebody decides. How many there were."""
    done = await tx.execute("DELETE FROM subscription_delivery WHERE coalesce(sent_at, withheld_at) < $1", tx.now - KEPT)
    return int(done.split()[-1])
