"""What is kept of published keys, in the record of their client: every process asks once, and a restart forgets nothing."""

from __future__ import annotations

from maillage.access.clients.published.rules import PAUSE
from maillage.access.clients.types import Fetched
from maillage.store import Transaction


async def claim_fetch(tx: Transaction, client: str, url: str) -> bool:
    """Whether it is on the caller to ask now: nobody did for a while, in whatever process."""
    tag = await tx.execute(
        """
        UPDATE api_client SET keys_asked_at = $3
        WHERE name = $1 AND jwks_url = $2 AND NOT disabled AND (keys_asked_at IS NULL OR keys_asked_at <= $3::timestamptz - $4::interval)
        """,
        *(client, url, tx.now, PAUSE),
    )
    return tag == "UPDATE 1"


async def keep_fetched(tx: Transaction, client: str, url: str, fetched: Fetched) -> bool:
    """Put published keys into the record, unless an administrator changed their address meanwhile; whether they are others than before."""
    changed = await tx.fetchval(
        """
        UPDATE api_client c SET jwks = $3, keys_fresh_until = $4::timestamptz + $5::interval, keys_good_until = $4::timestamptz + $6::interval,
            keys_at = CASE WHEN c.jwks IS DISTINCT FROM $3 THEN $4 ELSE c.keys_at END
        FROM api_client before WHERE before.name = c.name AND c.name = $1 AND c.jwks_url = $2
        RETURNING before.jwks IS DISTINCT FROM c.jwks
        """,
        *(client, url, fetched.jwks, tx.now, fetched.fresh, fetched.good),
    )
    return bool(changed)


async def publish_at(tx: Transaction, client: str, url: str) -> bool:
    """From now on the keys of a client are those that it publishes at `url`; the ones of its record count no more. Whether there is such a client."""
    tag = await tx.execute(
        """
        UPDATE api_client SET jwks_url = $2, jwks = NULL, keys_at = $3, keys_asked_at = NULL, keys_fresh_until = NULL, keys_good_until = NULL
        WHERE name = $1
        """,
        *(client, url, tx.now),
    )
    return tag == "UPDATE 1"
