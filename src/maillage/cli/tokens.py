"""`maillage token`: a bearer token for a machine client."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from maillage import access, directory
from maillage.cli.output import OK, PROBLEM, USAGE, Failure, settings_for, show
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Conflict, Invalid
from maillage.settings import Settings
from maillage.store import Transaction
from maillage.store.server import opened


def token(
    *,
    client: str,
    scope: str = "system/*.rs",
    organization: Annotated[list[str] | None, Parameter(negative=())] = None,
    hours: Annotated[int, Parameter(validator=Number(gte=1, lte=8784))] = 12,
    id_prefix: str = "",
    data: Path | None = None,
    json: bool = False,
) -> int:
    """Print a bearer token for the FHIR door of a running or stopped server: for a trial. Software of a partner has keys (`maillage client add`).

    Without `--organization` the client is pinned to every hospital and centre of the territory by name: it plays all sides, which suits a trial.

    Example: maillage token --client labo --scope "system/*.cruds" --data ./data

    Parameters
    ----------
    client
        Name of the machine client; a new name registers it.
    scope
        SMART system scopes, separated by spaces.
    organization
        Organisation that the client may act for; may be given several times.
    hours
        How long the token is valid.
    id_prefix
        How the ids begin that the client may choose itself by PUT, such as `labo-`; a prefix belongs to one client.
    data
        Data folder of the server.
    json
        Answer as one JSON object.
    """
    scopes = _scopes(scope)
    secret, organizations = asyncio.run(_issue(settings_for(data), client, scopes, organization or [], hours, id_prefix))
    show({"token": secret, "client": client, "scope": scope, "organizations": organizations}, json=json, lines=[secret])
    return OK


def _scopes(text: str) -> list[str]:
    scopes = text.split()
    if unreadable := access.unreadable_scopes(scopes):
        raise Failure(f"no scope of a machine client: {', '.join(unreadable)} (write system/Task.cruds, system/*.rs)", USAGE)
    if not scopes:
        raise Failure("give at least one scope", USAGE)
    return scopes


async def _issue(
    settings: Settings, client: str, scopes: list[str], wanted: list[str], hours: int, id_prefix: str
) -> tuple[str, list[str]]:
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        known = await directory.establishments(tx)
        if unknown := set(wanted) - set(known):
            raise Failure(f"unknown organisation: {', '.join(sorted(unknown))}", PROBLEM)
        organizations = wanted or list(known)
        if not organizations:
            raise Failure("no organisation yet: load a territory first (maillage generate)", PROBLEM)
        try:
            secret = await access.issue_token(tx, client, scopes, organizations, timedelta(hours=hours))
        except Conflict as error:
            raise Failure(f"{client} proves who it is with a key of its own: it asks for its tokens itself", PROBLEM) from error
        if id_prefix:
            await _let_choose(tx, client, id_prefix)
        return secret, organizations


async def _let_choose(tx: Transaction, client: str, id_prefix: str) -> None:
    try:
        await access.let_choose_ids(tx, client, id_prefix)
    except Conflict as error:
        raise Failure(f"the prefix {id_prefix} belongs to another client", PROBLEM) from error
    except Invalid as error:
        raise Failure("a prefix is a small letter, small letters and digits, and a dash: labo-", USAGE) from error
