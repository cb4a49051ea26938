"""`maillage peer key|add|move|retry|list`: other installations of maillage, with which requests are shared."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from maillage import directory
from maillage.access import peers
from maillage.access.clients.rules import is_address
from maillage.access.clients.types import Client
from maillage.cli.clients import NAME, SAID, keys_of
from maillage.cli.output import OK, PROBLEM, USAGE, Failure, settings_for, show
from maillage.journeys import exchange
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Conflict, Invalid, NotFound
from maillage.settings import Settings
from maillage.store.server import opened

Many = Annotated[list[str] | None, Parameter(negative=())]


def peer(
    action: Literal["key", "add", "move", "retry", "list"],
    name: str = "",
    *,
    organization: Many = None,
    jwks: Path | None = None,
    address: str = "",
    known_as: str = "",
    data: Path | None = None,
    json: bool = False,
) -> int:
    """Agree with another installation: each gives the other its public key, its address and the organisations that work there.

    From then on a request between one of them and one of ours is in both, and what is done in one is played in the other.

    Example: maillage peer add percy --organization hia-percy --jwks percy.json --address https://percy.example/fhir --known-as clamart

    Parameters
    ----------
    action
        `key` prints our public key, to be given to a peer; `add` registers one; `move` changes its address; `retry` tells it now what waits and
        what it refused; `list` shows them.
    name
        Name of the peer here: its `client_id`.
    organization
        Organisation whose people work there; may be given several times.
    jwks
        File of its public keys, as its own `peer key` prints them.
    address
        Its FHIR base: https, or http on the loopback.
    known_as
        Our own name there: the one under which its operator added us.
    data
        Data folder of the server.
    json
        Answer as one JSON object.
    """
    settings = settings_for(data)
    if action == "key":
        print(peers.public_keys(peers.load(settings.peers_key)))
        return OK
    if action == "list":
        return _list(settings, json=json)
    if not NAME.fullmatch(name):
        raise Failure("name the peer: letters, digits, dots and dashes", USAGE)
    if action in ("add", "move") and not (address and is_address(address)):
        raise Failure(SAID["redirect-form"].format(address or "give --address"), USAGE)
    try:
        if action == "add":
            answer = asyncio.run(_add(settings, _client(name, organization, jwks), address, known_as))
        else:
            answer = asyncio.run(_change(settings, action, name, address))
    except (Conflict, Invalid, NotFound) as error:
        raise Failure(f"{name}: {error.reason}", PROBLEM) from error
    show(answer, json=json, lines=[" ".join(str(value) for value in answer.values())])
    return OK


def _client(name: str, organizations: list[str] | None, jwks: Path | None) -> Client:
    if not organizations or jwks is None:
        raise Failure("give at least one --organization, and --jwks", USAGE)
    return Client(name, "backend", name, tuple(organizations), peers.SCOPES, keys_of(jwks), "", (), "")


async def _add(settings: Settings, client: Client, address: str, known_as: str) -> dict[str, Any]:
    if not NAME.fullmatch(known_as):
        raise Failure("give --known-as: our name there", USAGE)
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        if unknown := set(client.organizations) - set(await directory.establishments(tx)):
            raise Failure(f"unknown organisation: {', '.join(sorted(unknown))}", PROBLEM)
        await peers.add_peer(tx, client, address, known_as)
    return {"peer": client.name, "address": address}


async def _change(settings: Settings, action: str, name: str, address: str) -> dict[str, Any]:
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        if action == "move":
            await peers.move_peer(tx, name, address)
            return {"peer": name, "address": address}
        if await peers.find(tx, name) is None:
            raise NotFound("peer", name)
        return {"peer": name, "retried": await exchange.retry(tx, name)}


def _list(settings: Settings, *, json: bool) -> int:
    found = [
        {
            "peer": row["client"],
            "address": row["address"],
            "waiting": row["waiting"],
            "since": row["since"].isoformat() if row["since"] else None,
            "refused": row["refused"],
            "error": row["error"],
        }
        for row in asyncio.run(_all(settings))
    ]
    lines = [f"{one['peer']} {one['address']} waiting {one['waiting']} refused {one['refused']} {one['error']}".rstrip() for one in found]
    show({"peers": found}, json=json, lines=lines or ["no peer"])
    return OK


async def _all(settings: Settings) -> list[Any]:
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        return await exchange.waiting(tx)
