"""Who may sign in, and who is behind a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maillage.access.identity.keys import Key
from maillage.access.identity.secret import digest
from maillage.access.identity.types import (
    LIMITS,
    TOUCH,
    AccountLine,
    Exercise,
    Factors,
    KeyLine,
    SessionLimits,
    SessionLine,
    WebSession,
)
from maillage.kernel.actor import Actor
from maillage.kernel.errors import Unauthenticated
from maillage.store import Transaction

_SESSION = """
    SELECT s.id, s.login, s.csrf, s.method, s.assurance, s.began_at, s.authenticated_at, s.seen_at,
        a.practitioner_id, a.display, e.role_id, e.organization_id, e.roles
    FROM web_session s JOIN account a ON a.login = s.login JOIN account_exercise e ON e.login = s.login AND e.role_id = s.role_id
    WHERE s.{found_by} = $1 AND s.ended_at IS NULL AND NOT a.disabled AND (e.ended_at IS NULL OR e.ended_at > $2)
        AND s.seen_at > $2::timestamptz - $3::interval AND s.began_at > $2::timestamptz - $4::interval
"""
_BY_SECRET, _BY_ID = _SESSION.format(found_by="token_hash"), _SESSION.format(found_by="id")


def actor_of(row: Any, assurance: str = "") -> Actor:
    """The actor of an account at one of its places, and what its sign-in proved."""
    return Actor(
        kind="person",
        id=row["practitioner_id"],
        organizations=(row["organization_id"],),
        roles=frozenset(row["roles"]),
        role_id=row["role_id"],
        display=row["display"],
        assurance=assurance,
    )


async def session_of(tx: Transaction, secret: str, limits: SessionLimits = LIMITS, *, used: bool = True) -> WebSession:
    """The session of a cookie. Raises `Unauthenticated` when unknown, idle for too long, too old or ended, or its account or place is.

    Its last use is noted when the last note is older than `TOUCH`, so that reading pages costs no write. What a page asks for by itself is no use.
    """
    rows = await tx.peek(_BY_SECRET, digest(secret), tx.now, limits.idle, limits.absolute) if secret else []
    if not rows:
        raise Unauthenticated("session-ended")
    row = rows[0]
    if used and tx.now - row["seen_at"] >= TOUCH:
        await tx.execute("UPDATE web_session SET seen_at = greatest(seen_at, $2) WHERE token_hash = $1", digest(secret), tx.now)
    return _session(row)


async def session_of_id(tx: Transaction, id: str, limits: SessionLimits = LIMITS) -> WebSession:
    """A live session by the id that is no secret: for a link that was made within it. Raises `Unauthenticated`; its use is not noted."""
    rows = await tx.peek(_BY_ID, id, tx.now, limits.idle, limits.absolute)
    if not rows:
        raise Unauthenticated("session-ended")
    return _session(rows[0])


def _session(row: Any) -> WebSession:
    told = {name: row[name] for name in ("csrf", "login", "id", "method", "assurance", "began_at", "authenticated_at")}
    return WebSession(actor_of(row, row["assurance"]), **told)


async def sessions_of(tx: Transaction, login: str, limits: SessionLimits = LIMITS) -> list[SessionLine]:
    """The live sessions of somebody, the last used first."""
    rows = await tx.fetch(
        """
        SELECT s.id, e.organization_id, s.method, s.began_at, s.seen_at, s.browser
        FROM web_session s JOIN account_exercise e ON e.login = s.login AND e.role_id = s.role_id
        WHERE s.login = $1 AND s.ended_at IS NULL AND s.seen_at > $2::timestamptz - $3::interval AND s.began_at > $2::timestamptz - $4::interval
        ORDER BY s.seen_at DESC, s.id
        """,
        login,
        tx.now,
        limits.idle,
        limits.absolute,
    )
    return [SessionLine(**row) for row in rows]


async def demo_accounts(tx: Transaction) -> Sequence[Any]:
    """The demonstration accounts, each at the place that it is named after, by organisation and name."""
    return await tx.fetch(
        """
        SELECT DISTINCT ON (e.organization_id, a.display, a.login) a.login, a.display, e.role_id, e.organization_id, e.roles
        FROM account a JOIN account_exercise e ON e.login = a.login AND e.ended_at IS NULL
        WHERE a.door = 'demo' AND NOT a.disabled AND e.rank = 0 ORDER BY e.organization_id, a.display, a.login
        """
    )


async def account(tx: Transaction, login: str) -> Any | None:
    """One account that may sign in, whatever its door."""
    return await tx.fetchrow("SELECT * FROM account WHERE login = $1 AND NOT disabled", login)


async def account_of_rpps(tx: Transaction, rpps: str) -> Any | None:
    """The account of a professional who was allowed to come by Pro Santé Connect."""
    return await tx.fetchrow("SELECT * FROM account WHERE rpps = $1 AND NOT disabled", rpps)


async def password_of(tx: Transaction, login: str) -> str | None:
    """The hash of a password that may sign in; None without one, whatever the reason."""
    hashed: str | None = await tx.fetchval(
        "SELECT p.hash FROM local_password p JOIN account a ON a.login = p.login AND NOT a.disabled WHERE p.login = $1", login
    )
    return hashed


async def keys_of(tx: Transaction, login: str) -> list[KeyLine]:
    """The WebAuthn keys of somebody, the oldest first."""
    rows = await tx.fetch(
        """
        SELECT credential_id, public_key, sign_count, name, created_at, used_at FROM factor_key WHERE login = $1 ORDER BY created_at, credential_id
        """,
        login,
    )
    return [KeyLine(Key(*row[:3]), *row[3:]) for row in rows]


async def factors_of(tx: Transaction, login: str) -> Factors:
    """What somebody may prove who they are with, and may change."""
    [row] = await tx.fetch(
        """
        SELECT (SELECT set_at FROM local_password WHERE login = $1) AS password_at, (SELECT created_at FROM factor_totp WHERE login = $1) AS totp_at,
            (SELECT count(*) FROM recovery_code WHERE login = $1 AND used_at IS NULL) AS recovery_left
        """,
        login,
    )
    return Factors(tuple(await keys_of(tx, login)), *row)


async def accounts_at(tx: Transaction, organization_id: str) -> list[AccountLine]:
    """The accounts that an organisation let in, closed ones last."""
    rows = await tx.fetch(
        """
        SELECT a.login, a.display, a.door, a.rpps, a.disabled, e.role_id, e.roles, e.ended_at, p.set_at IS NOT NULL AS ready,
            (SELECT max(i.expires_at) FROM invitation i WHERE i.login = a.login AND i.used_at IS NULL AND i.expires_at > $2) AS invited_until
        FROM account_exercise e JOIN account a ON a.login = e.login LEFT JOIN local_password p ON p.login = a.login
        WHERE e.organization_id = $1 ORDER BY a.disabled OR e.ended_at IS NOT NULL, a.display, a.login, e.role_id
        """,
        organization_id,
        tx.now,
    )
    return [AccountLine(**{**row, "roles": tuple(row["roles"])}) for row in rows]


async def exercises(tx: Transaction, login: str) -> list[Exercise]:
    """The places where somebody may work now, the first proposed first."""
    rows = await tx.fetch(
        """
        SELECT login, role_id, organization_id, roles FROM account_exercise
        WHERE login = $1 AND (ended_at IS NULL OR ended_at > $2) ORDER BY rank, organization_id, role_id
        """,
        login,
        tx.now,
    )
    return [Exercise(row["login"], row["role_id"], row["organization_id"], tuple(row["roles"])) for row in rows]
