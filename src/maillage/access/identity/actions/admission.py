"""Who may get in: an organisation invites its own staff, and allows professionals who come by Pro Santé Connect, before they come."""

from __future__ import annotations

import re
from datetime import timedelta

from maillage import directory, record
from maillage.access.identity.actions import factors
from maillage.access.identity.actions.accounts import allow_exercise
from maillage.access.identity.secret import digest, new_link
from maillage.directory import Role
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, Unauthenticated
from maillage.store import Transaction, register

VALID = timedelta(hours=72)
ADMINISTRATORS = frozenset({"gestionnaire", "administrateur"})
"""Role codes that manage the accounts of their organisation."""

register("account_practitioner", lambda: Conflict("other-rpps"))


async def _role_to_open(tx: Transaction, role_id: str) -> Role:
    """The place for which somebody is let in. Raises `NotAllowed` unless it is of an organisation that the administrator acts for."""
    role = await directory.get_role(tx, role_id)
    if tx.actor.kind != "system":
        if not tx.actor.is_one_of(*ADMINISTRATORS) or role.organization_id not in tx.actor.organizations:
            raise NotAllowed("not-administrator")
        if role.practitioner_id == tx.actor.id:
            raise NotAllowed("own-account")
    if not role.active:
        raise Conflict("role-ended")
    return role


async def invite(tx: Transaction, login: str, role_id: str) -> str:
    """A local account for somebody at a place, with a link to set its factors; or a new link for one who lost them. Answers the link's secret.

    Raises `NotAllowed`, `NotFound`, `Conflict` (`other-door`, `other-person`, `local-account-elsewhere`), `Invalid("login-form")`.
    """
    login = login.strip().lower()
    role = await _role_to_open(tx, role_id)
    await _no_other_door(tx, role.practitioner_id, "psc")
    row = await tx.fetchrow(
        """
        INSERT INTO account (login, practitioner_id, display, door) VALUES ($1, $2, $3, 'local')
        ON CONFLICT (login) DO UPDATE SET display = account.display RETURNING practitioner_id, door, disabled
        """,
        login,
        role.practitioner_id,
        role.display,
    )
    if row is None or row["practitioner_id"] != role.practitioner_id:
        raise Conflict("other-person")
    if row["door"] != "local":
        raise Conflict("other-door")
    await _only_house(tx, login, role.organization_id)
    await allow_exercise(tx, login, role_id=role.id, organization_id=role.organization_id, roles=role.codes)
    await tx.execute("UPDATE invitation SET expires_at = $2 WHERE login = $1 AND used_at IS NULL AND expires_at > $2", login, tx.now)
    secret = new_link()
    await tx.execute(
        "INSERT INTO invitation (token_hash, login, made_by, made_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        digest(secret),
        login,
        tx.actor.id,
        tx.now,
        tx.now + VALID,
    )
    await record.audit(tx, "C", "Account", login, verb="account-invited")
    return secret


async def _no_other_door(tx: Transaction, practitioner_id: str, door: str) -> None:
    """Whoever has an RPPS comes by Pro Santé Connect alone: no password stands for it. Raises `Conflict("other-door")`."""
    if await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM account WHERE practitioner_id = $1 AND door = $2 AND NOT disabled)", practitioner_id, door
    ):
        raise Conflict("other-door")


async def _only_house(tx: Transaction, login: str, organization_id: str) -> None:
    """A local account is vouched for by one organisation: no other one may give it new factors, whatever places it had."""
    elsewhere = await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM account_exercise WHERE login = $1 AND organization_id <> $2 AND ended_at IS NULL)",
        login,
        organization_id,
    )
    if elsewhere:
        raise Conflict("local-account-elsewhere")


async def invited(tx: Transaction, secret: str) -> str:
    """The login that a link is for. Raises `Unauthenticated("invitation-ended")` when used, expired, replaced or unknown: all the same."""
    login: str | None = await tx.fetchval(
        """
        SELECT i.login FROM invitation i JOIN account a ON a.login = i.login AND NOT a.disabled
        WHERE i.token_hash = $1 AND i.used_at IS NULL AND i.expires_at > $2
        """,
        digest(secret),
        tx.now,
    )
    if login is None:
        raise Unauthenticated("invitation-ended")
    return login


async def use_invitation(tx: Transaction, secret: str) -> str:
    """The link has served: every factor and session that the account had is forgotten. Raises as `invited`, also for two at once."""
    login = await invited(tx, secret)
    if (
        await tx.execute("UPDATE invitation SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL", digest(secret), tx.now)
        == "UPDATE 0"
    ):
        raise Unauthenticated("invitation-ended")
    await factors.remove_factors(tx, login)
    await tx.execute("UPDATE web_session SET ended_at = $2, ended_by = 'account' WHERE login = $1 AND ended_at IS NULL", login, tx.now)
    return login


async def authorise(tx: Transaction, rpps: str, role_id: str) -> str:
    """Let a professional in by Pro Santé Connect, at a place. Answers the login.

    Raises as `invite`, and `Invalid("rpps-form")`, `Conflict("other-rpps")` when this professional is known under another RPPS.
    """
    rpps = rpps.replace(" ", "")
    if not re.fullmatch(r"[0-9]{11}", rpps, re.ASCII):
        raise Invalid.one("rpps-form", "rpps")
    role = await _role_to_open(tx, role_id)
    await _no_other_door(tx, role.practitioner_id, "local")
    login = f"rpps-{rpps}"
    known = await tx.fetchrow("SELECT login, practitioner_id FROM account WHERE rpps = $1", rpps)
    if known is not None and known["practitioner_id"] != role.practitioner_id:
        raise Conflict("other-person")
    if known is None:
        await tx.execute(
            "INSERT INTO account (login, practitioner_id, display, door, rpps) VALUES ($1, $2, $3, 'psc', $4)",
            login,
            role.practitioner_id,
            role.display,
            rpps,
        )
    await allow_exercise(tx, login, role_id=role.id, organization_id=role.organization_id, roles=role.codes)
    await record.audit(tx, "C", "Account", login, verb="account-authorised")
    return login
