"""Sessions: opened by a sign-in, given a new id when rights change, ended by their owner, their account, their provider or time."""

from __future__ import annotations

from maillage import record
from maillage.access.identity import queries
from maillage.access.identity.queries import actor_of
from maillage.access.identity.rules import FORGOTTEN
from maillage.access.identity.secret import digest, new_secret
from maillage.access.identity.types import KEPT, LIMITS, Proof, SessionLimits, WebSession
from maillage.kernel.errors import NotAllowed, NotFound, Unauthenticated
from maillage.kernel.ids import new_id
from maillage.store import Transaction

DEMO = Proof("demo", "demo")


async def sign_in_demo(tx: Transaction, login: str, browser: str = "") -> tuple[str, WebSession]:
    """Open a session for a demonstration account; answers the cookie's secret and the session.

    Raises `Unauthenticated` for any other account: identity proper is Pro Santé Connect and local factors.
    """
    row = await queries.account(tx, login)
    if row is None or row["door"] != "demo":
        raise Unauthenticated("login-refused")
    places = await queries.exercises(tx, login)
    if not places:
        raise Unauthenticated("login-refused")
    return await open_session(tx, login, places[0].role_id, DEMO, browser)


async def open_session(tx: Transaction, login: str, role_id: str, proof: Proof, browser: str = "") -> tuple[str, WebSession]:
    """A new session under a new secret, at a place where its owner may work. Raises `NotAllowed` for any other place."""
    secret = new_secret()
    done = await tx.execute(
        """
        INSERT INTO web_session (token_hash, id, login, role_id, csrf, method, assurance, began_at, authenticated_at, seen_at, browser,
            provider_session, provider_subject, provider_token)
        SELECT $1, $2, login, role_id, $5, $6, $7, $8, $8, $8, $9, $10, $11, $12 FROM account_exercise
        WHERE login = $3 AND role_id = $4 AND (ended_at IS NULL OR ended_at > $8)
        """,
        digest(secret),
        new_id(),
        login,
        role_id,
        new_secret(),
        proof.method,
        proof.assurance,
        tx.now,
        browser[:80],
        proof.provider_session,
        proof.provider_subject,
        proof.provider_token,
    )
    if done == "INSERT 0 0":
        raise NotAllowed("no-exercise")
    session = await queries.session_of(tx, secret)
    await record.audit(tx.acting_as(session.actor), "E", "Session", session.id, verb=f"login-{proof.method}")
    return secret, session


async def renew_session(
    tx: Transaction, secret: str, *, role_id: str | None = None, method: str | None = None, limits: SessionLimits = LIMITS
) -> tuple[str, WebSession]:
    """The same session under a new secret: at another place (`role_id`), or after a factor was shown again (`method`).

    The old secret ends at once. At another place the forms of the old one are refused too, since their token changes; the absolute limit goes on
    counting from the sign-in. Raises `Unauthenticated` for a session that ended, `NotAllowed` for a place where its owner may not work.
    """
    old = await queries.session_of(tx, secret, limits)
    if role_id is not None and role_id not in {place.role_id for place in await queries.exercises(tx, old.login)}:
        raise NotAllowed("no-exercise")
    made = new_secret()
    await tx.execute(
        """
        INSERT INTO web_session (token_hash, id, login, role_id, csrf, method, assurance, began_at, authenticated_at, seen_at, browser,
            provider_session, provider_subject, provider_token)
        SELECT $2, $3, login, coalesce($4, role_id), CASE WHEN $4 IS NULL THEN csrf ELSE $5 END, method, assurance, began_at,
            CASE WHEN $6::text IS NULL THEN authenticated_at ELSE $7 END, $7, browser, provider_session, provider_subject, provider_token
        FROM web_session WHERE token_hash = $1
        """,
        digest(secret),
        digest(made),
        new_id(),
        role_id,
        new_secret(),
        method,
        tx.now,
    )
    await tx.execute("UPDATE web_session SET ended_at = $2, ended_by = 'renewed' WHERE token_hash = $1", digest(secret), tx.now)
    session = await queries.session_of(tx, made, limits)
    verb = f"step-up-{method}" if method else "exercise-chosen"
    await record.audit(tx.acting_as(session.actor), "E", "Session", session.id, verb=verb)
    return made, session


async def sign_out(tx: Transaction, secret: str) -> bytes | None:
    """End a session at once; answers its sealed ID token, when a provider is to be told. An ended session stays ended."""
    row = await tx.fetchrow(
        """
        UPDATE web_session s SET ended_at = $2, ended_by = 'sign-out' FROM account a, account_exercise e
        WHERE s.token_hash = $1 AND s.ended_at IS NULL AND a.login = s.login AND e.login = s.login AND e.role_id = s.role_id
        RETURNING s.id, s.provider_token, a.practitioner_id, a.display, e.organization_id, e.role_id, e.roles
        """,
        digest(secret),
        tx.now,
    )
    if row is None:
        return None
    await record.audit(tx.acting_as(actor_of(row)), "E", "Session", row["id"], verb="logout")
    token: bytes | None = row["provider_token"]
    return token


async def revoke_session(tx: Transaction, login: str, id: str) -> None:
    """End one session of somebody. Raises `NotFound` for another person's or an ended one: the two are the same answer."""
    done = await tx.execute(
        "UPDATE web_session SET ended_at = $3, ended_by = 'revoked' WHERE login = $1 AND id = $2 AND ended_at IS NULL", login, id, tx.now
    )
    if done == "UPDATE 0":
        raise NotFound("Session", id)
    await record.audit(tx, "E", "Session", id, verb="session-revoked")


async def revoke_others(tx: Transaction, login: str, keep: str = "") -> int:
    """End every session of somebody but `keep`: asked for, or because a factor changed (ASVS 5.0, 7.4.3). How many."""
    rows = await tx.fetch(
        "UPDATE web_session SET ended_at = $3, ended_by = 'revoked' WHERE login = $1 AND id <> $2 AND ended_at IS NULL RETURNING id",
        login,
        keep,
        tx.now,
    )
    for row in rows:
        await record.audit(tx, "E", "Session", row["id"], verb="session-revoked")
    return len(rows)


async def join_provider(tx: Transaction, secret: str, proof: Proof) -> None:
    """A factor was shown at the provider again: the session follows the session there that is now open."""
    await tx.execute(
        "UPDATE web_session SET provider_session = $2, provider_token = $3 WHERE token_hash = $1 AND provider_subject = $4",
        digest(secret),
        proof.provider_session,
        proof.provider_token,
        proof.provider_subject,
    )


async def end_provider_sessions(tx: Transaction, subject: str | None, session: str | None) -> int:
    """The provider says that this session there, or every one of this person, is over: ours end with it. How many."""
    rows = await tx.fetch(
        """
        UPDATE web_session SET ended_at = $3, ended_by = 'provider'
        WHERE ended_at IS NULL AND provider_subject IS NOT NULL AND ($1::text IS NULL OR provider_subject = $1)
            AND ($2::text IS NULL OR provider_session = $2) AND ($1::text IS NOT NULL OR $2::text IS NOT NULL) RETURNING id
        """,
        subject,
        session,
        tx.now,
    )
    for row in rows:
        await record.audit(tx, "E", "Session", row["id"], verb="logout-provider")
    return len(rows)


async def purge(tx: Transaction, limits: SessionLimits = LIMITS) -> None:
    """Forget sessions that ended, or could no longer be used, a month ago, and what need not be known any more."""
    await tx.execute("DELETE FROM web_session WHERE coalesce(ended_at, began_at + $2::interval) < $1", tx.now - KEPT, limits.absolute)
    await tx.execute("DELETE FROM sign_in_step WHERE expires_at < $1", tx.now)
    await tx.execute("DELETE FROM interrupted_form WHERE expires_at < $1", tx.now)
    await tx.execute("DELETE FROM spent_proof WHERE expires_at < $1", tx.now)
    await tx.execute("DELETE FROM sign_in_attempt WHERE last_at < $1", tx.now - FORGOTTEN)
    await tx.execute("DELETE FROM invitation WHERE expires_at < $1", tx.now - KEPT)
