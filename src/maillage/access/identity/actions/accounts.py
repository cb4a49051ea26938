"""Accounts and the places where their owners may work."""

from __future__ import annotations

from collections.abc import Sequence

from maillage import record
from maillage.kernel.errors import Conflict, Invalid, NotFound
from maillage.store import Transaction, register

register("account_login_form", lambda: Invalid.one("login-form", "login"))
register("account_rpps", lambda: Conflict("rpps-taken"))
register("account_exercise_one_house", lambda: Conflict("local-account-elsewhere"))
register("account_rpps_by_psc", lambda: Conflict("other-door"))


async def put_account(
    tx: Transaction,
    login: str,
    *,
    practitioner_id: str,
    role_id: str,
    organization_id: str,
    roles: Sequence[str],
    display: str,
    demo: bool = False,
    rpps: str | None = None,
) -> None:
    """Create or refresh an account and the place that it is named after: by Pro Santé Connect with an RPPS, else local, or of the demonstration."""
    door = "demo" if demo else "psc" if rpps else "local"
    await tx.execute(
        """
        INSERT INTO account (login, practitioner_id, display, door, rpps) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (login) DO UPDATE SET practitioner_id = excluded.practitioner_id, display = excluded.display, door = excluded.door,
            rpps = excluded.rpps
        """,
        login,
        practitioner_id,
        display,
        door,
        rpps,
    )
    await allow_exercise(tx, login, role_id=role_id, organization_id=organization_id, roles=roles)


async def allow_exercise(tx: Transaction, login: str, *, role_id: str, organization_id: str, roles: Sequence[str], rank: int = 0) -> None:
    """Let somebody work in one more place, or again; who allowed it and when is kept."""
    await tx.execute(
        """
        INSERT INTO account_exercise (login, door, role_id, organization_id, roles, rank, authorised_at, authorised_by)
        SELECT login, door, $2, $3, $4, $5, $6, $7 FROM account WHERE login = $1
        ON CONFLICT (login, role_id) DO UPDATE SET organization_id = excluded.organization_id, roles = excluded.roles, rank = excluded.rank,
            authorised_at = excluded.authorised_at, authorised_by = excluded.authorised_by, ended_at = NULL
        """,
        login,
        role_id,
        organization_id,
        list(roles),
        rank,
        tx.now,
        tx.actor.id,
    )


async def end_exercise(tx: Transaction, login: str, role_id: str) -> None:
    """Somebody no longer works there: sessions of that place end with it. Raises `NotFound`."""
    done = await tx.execute(
        "UPDATE account_exercise SET ended_at = $3 WHERE login = $1 AND role_id = $2 AND ended_at IS NULL", login, role_id, tx.now
    )
    if done == "UPDATE 0":
        raise NotFound("account", login)
    await tx.execute(
        "UPDATE web_session SET ended_at = $3, ended_by = 'account' WHERE login = $1 AND role_id = $2 AND ended_at IS NULL",
        login,
        role_id,
        tx.now,
    )
    await record.audit(tx, "U", "Account", login, verb="exercise-ended")


async def disable_account(tx: Transaction, login: str, *, disabled: bool = True) -> None:
    """Close an account, or open it again: every session of a closed one ends at once (ASVS 5.0, 7.4.2). Raises `NotFound`."""
    if await tx.execute("UPDATE account SET disabled = $2 WHERE login = $1", login, disabled) == "UPDATE 0":
        raise NotFound("account", login)
    if disabled:
        await tx.execute("UPDATE web_session SET ended_at = $2, ended_by = 'account' WHERE login = $1 AND ended_at IS NULL", login, tx.now)
    await record.audit(tx, "U", "Account", login, verb="account-disabled" if disabled else "account-enabled")
