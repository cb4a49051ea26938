"""Failures to sign in, and the growing wait that they cost (ASVS 5.0, 6.3.1).

An attempt counts before its password is looked at, in a transaction of its own: guesses sent at once cost as much as guesses one after the other.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from maillage.access.identity.rules import FORGOTTEN, wait_after
from maillage.kernel.errors import NotAllowed
from maillage.store import Transaction


def _keys(login: str, address: str) -> tuple[list[str], list[bytes]]:
    name = login.strip().casefold()
    texts = {"account": name, "address": address, "pair": f"{name}\0{address}"}
    return list(texts), [hashlib.sha256(f"{kind}\0{text}".encode()).digest() for kind, text in texts.items()]


async def begin_attempt(tx: Transaction, login: str, address: str) -> None:
    """Count an attempt. Raises `NotAllowed("wait")` with `seconds` when the next one may not come yet, for a name of nobody as for any other."""
    kinds, hashes = _keys(login, address)
    await tx.execute(
        """
        INSERT INTO sign_in_attempt (kind, key, last_at, blocked_until) SELECT kind, key, $3, $3 FROM unnest($1::text[], $2::bytea[]) AS t (kind, key)
        ORDER BY kind ON CONFLICT DO NOTHING
        """,
        kinds,
        hashes,
        tx.now,
    )
    rows = await tx.fetch(
        """
        SELECT kind, key, failures, last_at, blocked_until FROM sign_in_attempt
        WHERE (kind, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[])) ORDER BY kind FOR UPDATE
        """,
        kinds,
        hashes,
    )
    wait: timedelta = max(row["blocked_until"] - tx.now for row in rows)
    if wait > timedelta():
        raise NotAllowed("wait", seconds=int(wait.total_seconds()) + 1)
    failures = [1 if tx.now - row["last_at"] > FORGOTTEN else row["failures"] + 1 for row in rows]
    await tx.execute(
        """
        UPDATE sign_in_attempt a SET failures = t.failures, last_at = $4, blocked_until = t.blocked_until
        FROM unnest($1::text[], $2::bytea[], $3::integer[], $5::timestamptz[]) AS t (kind, key, failures, blocked_until)
        WHERE a.kind = t.kind AND a.key = t.key
        """,
        [row["kind"] for row in rows],
        [row["key"] for row in rows],
        failures,
        tx.now,
        [tx.now + wait_after(row["kind"], count) for row, count in zip(rows, failures, strict=True)],
    )


async def forgive_attempt(tx: Transaction, login: str, address: str) -> None:
    """A step went well: it was no failure. Failures before it still count, until the whole sign-in is done.

    The rows are locked in the order of `begin_attempt` before they change: a statement that changes several takes them in any.
    """
    await tx.execute(
        """
        WITH held AS MATERIALIZED (
            SELECT kind, key FROM sign_in_attempt WHERE (kind, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[])) ORDER BY kind FOR UPDATE
        )
        UPDATE sign_in_attempt a SET failures = greatest(a.failures - 1, 0), blocked_until = $3 FROM held
        WHERE a.kind = held.kind AND a.key = held.key
        """,
        *_keys(login, address),
        tx.now,
    )


async def forget_attempts(tx: Transaction, login: str, address: str) -> None:
    """Signed in: this name starts from nothing. The address keeps its count but for this attempt: one account must not wash it."""
    await forgive_attempt(tx, login, address)
    await tx.execute(
        "DELETE FROM sign_in_attempt WHERE (kind, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[])) AND kind <> 'address'",
        *_keys(login, address),
    )
