"""`maillage account`: who may sign in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

from maillage.access import identity
from maillage.cli.output import OK, PROBLEM, USAGE, Failure, settings_for, show
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Conflict, Invalid, MaillageError, NotFound, Unavailable
from maillage.settings import Settings
from maillage.store import Transaction
from maillage.store.server import opened

Verb = Literal["invite", "authorise", "list", "close", "disable", "enable"]
_SAID = {
    "other-person": "this login or RPPS belongs to somebody else",
    "other-door": "this person signs in another way: disable that account first",
    "other-rpps": "this professional is known under another RPPS",
    "local-account-elsewhere": "this account belongs to another organisation: choose another login",
    "login-form": "a login has small letters, digits, dots and dashes",
    "rpps-form": "an RPPS has eleven digits",
    "role-ended": "this person no longer works there",
}


def account(
    verb: Verb,
    /,
    *,
    login: str = "",
    role: str = "",
    rpps: str = "",
    organization: str = "",
    data: Path | None = None,
    json: bool = False,
) -> int:
    """Let people in, and close their access.

    `invite` prints a link by which staff without RPPS set a password and a second factor; for somebody who lost theirs, a new link replaces all of
    them. `authorise` lets a professional come by Pro Santé Connect. `close` ends one place, `disable` and `enable` a whole account, `list` shows
    the accounts of an organisation.

    Example: maillage account invite --login colette.vernois --role clamart-secretaire-vernois

    Parameters
    ----------
    verb
        What to do.
    login
        Name by which the person signs in.
    role
        Id of the PractitionerRole: who, and where.
    rpps
        RPPS number, for `authorise`.
    organization
        Id of the Organization, for `list`.
    data
        Data folder of the server.
    json
        Answer as one JSON object.
    """
    wanted = {"invite": (login, role), "authorise": (rpps, role), "list": (organization,), "close": (login, role)}.get(verb, (login,))
    if not all(wanted):
        raise Failure(f"maillage account {verb} needs more: see --help", USAGE)
    answer = asyncio.run(_run(settings_for(data), verb, login, role, rpps, organization))
    show(answer, json=json, lines=answer.get("lines") or [str(answer.get("link") or answer.get("login") or "")])
    return OK


async def _run(settings: Settings, verb: Verb, login: str, role: str, rpps: str, organization: str) -> dict[str, Any]:
    try:
        async with opened(settings) as database, database.transaction(SYSTEM) as tx:
            return await _done(tx, settings, verb, login, role, rpps, organization)
    except NotFound as error:
        raise Failure(f"unknown: {error.id or role or login}", PROBLEM) from error
    except (Conflict, Invalid) as error:
        raise Failure(_SAID.get(error.reason, error.reason), PROBLEM) from error
    except Unavailable:
        raise
    except MaillageError as error:
        raise Failure(error.reason, PROBLEM) from error


async def _done(tx: Transaction, settings: Settings, verb: Verb, login: str, role: str, rpps: str, organization: str) -> dict[str, Any]:
    if verb == "invite":
        secret = await identity.invite(tx, login, role)
        base = settings.server.base_url or f"http://{settings.server.host}:{settings.server.port}"
        return {"login": login, "link": f"{base.rstrip('/')}/invitation/{secret}"}
    if verb == "authorise":
        return {"login": await identity.authorise(tx, rpps, role)}
    if verb == "list":
        found = await identity.accounts_at(tx, organization)
        lines = [f"{one.login:<28} {one.door:<6} {'closed' if one.disabled or one.ended_at else 'open':<6} {one.display}" for one in found]
        return {
            "accounts": [{"login": one.login, "door": one.door, "role": one.role_id} for one in found],
            "lines": lines or ["no account"],
        }
    if verb == "close":
        await identity.end_exercise(tx, login, role)
    else:
        await identity.disable_account(tx, login, disabled=verb == "disable")
    return {"login": login, "done": verb}
