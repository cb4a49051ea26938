"""A person says yes to an app: the code, once and for a minute; the tokens that follow, while the person stays signed in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maillage.access.clients.types import CODE_LIFETIME, GRANT_LIFETIME, LAUNCH_LIFETIME, REFRESH_IDLE
from maillage.access.identity.secret import digest
from maillage.access.identity.types import KEPT
from maillage.kernel.ids import new_id
from maillage.store import Transaction


@dataclass(frozen=True, slots=True)
class Grant:
    """A consent that lives: for whom the app acts, with what, about which patient."""

    id: str
    client: str
    login: str
    scopes: tuple[str, ...]
    patient: str = ""
    nonce: str = ""


def _grant(row: Any) -> Grant:
    return Grant(row["id"], row["client"], row["login"], tuple(row["scopes"]), row["patient"] or "", row["nonce"])


async def launch(tx: Transaction, client: str, patient: str, *, login: str = "", service: str = "") -> str:
    """A handle that stands for a patient, for a few minutes.

    With `login`, for an app that this person opens from a patient's page: it gives the handle back when it asks for consent. Without, for whoever of
    the client's organisations follows the link that the doctor's software was given.
    """
    handle = secrets.token_hex(24)
    await tx.execute(
        """
        INSERT INTO api_launch (handle_hash, client, login, patient, service, created_at, expires_at)
        VALUES ($1, $2, nullif($3, ''), $4, nullif($5, ''), $6, $7)
        """,
        *(digest(handle), client, login, patient, service, tx.now, tx.now + LAUNCH_LIFETIME),
    )
    return handle


async def context(tx: Transaction, handle: str, organization: str) -> tuple[str, str] | None:
    """The patient and the service of a link that software of this organisation was given; None for any other."""
    row = await tx.fetchrow(
        """
        SELECT l.patient, l.service FROM api_launch l JOIN api_client c ON c.name = l.client
        WHERE l.handle_hash = $1 AND l.login IS NULL AND l.expires_at > $2 AND NOT c.disabled AND $3 = ANY (c.organizations)
        """,
        *(digest(handle), tx.now, organization),
    )
    return (row["patient"], row["service"] or "") if row else None


async def launched(tx: Transaction, client: str, login: str, handle: str) -> str:
    """The patient of a handle, for the app and the person that it was made for; empty for any other. A look takes nothing."""
    sql = "SELECT patient FROM api_launch WHERE handle_hash = $1 AND client = $2 AND login = $3 AND expires_at > $4"
    return str(await tx.fetchval(sql, digest(handle), client, login, tx.now) or "")


async def spend_launch(tx: Transaction, handle: str) -> bool:
    """Take a handle once."""
    return bool(await tx.execute("DELETE FROM api_launch WHERE handle_hash = $1", digest(handle)) == "DELETE 1")


async def consent(
    tx: Transaction,
    client: str,
    *,
    login: str,
    role_id: str,
    scopes: Sequence[str],
    patient: str,
    redirect_uri: str,
    challenge: str,
    nonce: str = "",
) -> str:
    """Keep a consent; answers the code that the app exchanges for its first token."""
    code = secrets.token_urlsafe(32)
    await tx.execute(
        """
        INSERT INTO api_grant (id, client, login, role_id, scopes, patient, redirect_uri, challenge, code_hash, code_expires_at, created_at, expires_at, nonce)
        VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8, $9, $10, $11, $12, $13)
        """,
        *(new_id(), client, login, role_id, list(scopes), patient, redirect_uri, challenge, digest(code)),
        *(tx.now + CODE_LIFETIME, tx.now, tx.now + GRANT_LIFETIME, nonce),
    )
    return code


async def redeem(tx: Transaction, client: str, code: str, redirect_uri: str, verifier: str) -> Grant | None:
    """The consent behind a code, taken once; None for any other, and then whatever the code had given ends (RFC 6749, 4.1.2; RFC 7636)."""
    row = await tx.fetchrow(
        """
        UPDATE api_grant SET code_used_at = $3
        WHERE code_hash = $1 AND client = $2 AND code_used_at IS NULL AND code_expires_at > $3 AND ended_at IS NULL RETURNING *
        """,
        *(digest(code), client, tx.now),
    )
    proved = row is not None and row["redirect_uri"] == redirect_uri and hmac.compare_digest(challenge_of(verifier), row["challenge"])
    if row is None or not proved:
        await tx.execute("UPDATE api_grant SET ended_at = $2 WHERE code_hash = $1 AND ended_at IS NULL", digest(code), tx.now)
        return None
    return _grant(row)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def give_refresh(tx: Transaction, grant: str) -> str:
    """The next refresh token of a consent."""
    secret = secrets.token_urlsafe(32)
    await tx.execute(
        "INSERT INTO api_refresh (token_hash, grant_id, expires_at) VALUES ($1, $2, $3)", digest(secret), grant, tx.now + REFRESH_IDLE
    )
    return secret


async def refresh(tx: Transaction, client: str, secret: str) -> Grant | None:
    """The consent behind a refresh token, taken once, while the person is signed in; one that comes twice ends the consent (RFC 9700, 4.14)."""
    row = await tx.fetchrow(
        """
        UPDATE api_refresh r SET used_at = $3 FROM api_grant g
        WHERE r.token_hash = $1 AND g.id = r.grant_id AND g.client = $2 AND r.used_at IS NULL AND r.expires_at > $3
            AND g.ended_at IS NULL AND g.expires_at > $3 RETURNING g.*
        """,
        *(digest(secret), client, tx.now),
    )
    if row is None:
        await tx.execute(
            """
            UPDATE api_grant g SET ended_at = $3 FROM api_refresh r
            WHERE r.token_hash = $1 AND g.id = r.grant_id AND g.client = $2 AND r.used_at IS NOT NULL AND g.ended_at IS NULL
            """,
            *(digest(secret), client, tx.now),
        )
        return None
    return _grant(row)


async def purge(tx: Transaction) -> None:
    """Forget consents that a month ago had ended, had grown old or were never taken up, with the tokens that they gave."""
    await tx.execute("DELETE FROM api_refresh WHERE expires_at < $1", tx.now - KEPT)
    over = f"SELECT g.id FROM api_grant g WHERE {_OVER}"
    await tx.execute(f"DELETE FROM api_refresh WHERE grant_id IN ({over})", tx.now - KEPT)
    await tx.execute(f"DELETE FROM api_token WHERE grant_id IN ({over})", tx.now - KEPT)
    await tx.execute(f"DELETE FROM api_grant g WHERE {_OVER}", tx.now - KEPT)


_OVER = "least(g.ended_at, g.expires_at, CASE WHEN g.code_used_at IS NULL THEN g.code_expires_at END) < $1"


async def end_grant(tx: Transaction, login: str, grant: str) -> None:
    """The person takes a consent back."""
    await tx.execute("UPDATE api_grant SET ended_at = $3 WHERE id = $1 AND login = $2 AND ended_at IS NULL", grant, login, tx.now)
