"""A form that comes after its session has timed out: kept for whoever was writing it, who signs in again and finds it as it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from maillage.access.identity.secret import digest
from maillage.kernel.ids import new_id
from maillage.store import Transaction

LASTS: Final = timedelta(hours=8)
"""How long after the session timed out a form is taken, and how long it is kept: a day of work."""
MOST: Final = 10
"""How many wait for one person: beyond that the oldest goes."""
_LEFT: Final = """
    SELECT s.login, s.role_id, s.csrf
    FROM web_session s JOIN account a ON a.login = s.login JOIN account_exercise e ON e.login = s.login AND e.role_id = s.role_id
    WHERE s.ended_at IS NULL AND NOT a.disabled AND (e.ended_at IS NULL OR e.ended_at > $1) AND s.seen_at > $1::timestamptz - $2::interval AND {asked}
"""
"""Sessions that nobody ended: they are open, or only time has passed."""
_BY_SECRET: Final = _LEFT.format(asked="s.token_hash = $3")
_BY_TOKEN: Final = _LEFT.format(asked="s.login = $3 AND s.role_id = $4 AND s.csrf = $5")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who was writing, at which place, and the token that the forms of that session carry."""

    login: str
    role_id: str
    csrf: str


async def writer_of(tx: Transaction, secret: str) -> Writer | None:
    """Whose session the cookie was, when it only timed out, lately: one that somebody ended keeps nothing."""
    row = await tx.fetchrow(_BY_SECRET, tx.now, LASTS, digest(secret))
    return Writer(row["login"], row["role_id"], row["csrf"]) if row else None


async def is_form_of(tx: Transaction, login: str, role_id: str | None, csrf: str) -> bool:
    """Whether the token is of another session of the same person at the same place: a page that stayed open while its reader signed in again."""
    return bool(csrf) and await tx.fetchrow(_BY_TOKEN, tx.now, LASTS, login, role_id, csrf) is not None


async def keep_form(tx: Transaction, login: str, role_id: str | None, content: bytes) -> str:
    """Keep what was written, sealed by the caller; answers its id."""
    id = new_id()
    await tx.execute(
        "INSERT INTO interrupted_form (id, login, role_id, content, expires_at) VALUES ($1, $2, $3, $4, $5)",
        id,
        login,
        role_id,
        content,
        tx.now + LASTS,
    )
    await tx.execute(
        """
        DELETE FROM interrupted_form WHERE id IN
            (SELECT id FROM interrupted_form WHERE login = $1 ORDER BY expires_at DESC, id DESC OFFSET $2)
        """,
        login,
        MOST,
    )
    return id


async def kept_form(tx: Transaction, login: str, role_id: str | None, id: str) -> bytes | None:
    """What this very person wrote at this very place; None for anybody else's, and for what is too old."""
    found: bytes | None = await tx.fetchval(
        "SELECT content FROM interrupted_form WHERE id = $1 AND login = $2 AND role_id = $3 AND expires_at > $4", id, login, role_id, tx.now
    )
    return found
