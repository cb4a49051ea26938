"""Where a partner's software may be notified, and with which secret: approved by the operator, on the command line."""

from __future__ import annotations

import asyncio

from maillage.access.clients import actions
from maillage.access.identity import Sealer
from maillage.cli.output import PROBLEM, USAGE, Failure
from maillage.doors.connectors.webhooks.courier import purpose
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import NotFound
from maillage.messaging import subscriptions
from maillage.settings import Settings
from maillage.store.server import opened


async def change(settings: Settings, action: str, name: str, address: str, *, keep: bool) -> dict[str, object]:
    """What `client allow|refuse|secret` does. Raises `Failure`."""
    if action != "secret" and not subscriptions.is_sound(address):
        raise Failure("give --address: https, without user or fragment (http for the loopback of a trial alone)", USAGE)
    try:
        return await _change(settings, action, name, address, keep=keep)
    except NotFound as error:
        raise Failure("there is no such address" if action == "refuse" else "there is no client of this name", PROBLEM) from error


async def _change(settings: Settings, action: str, name: str, address: str, *, keep: bool) -> dict[str, object]:
    secret = subscriptions.make_secret()
    sealed = (await asyncio.to_thread(Sealer.of, settings)).seal(secret, purpose(name)) if action == "secret" else b""
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        if action == "secret":
            await actions.put_signing(tx, name, sealed, keep=keep)
            return {"client": name, "secret": subscriptions.written(secret)}
        if action == "allow":
            await actions.allow_address(tx, name, address)
        else:
            await actions.refuse_address(tx, name, address)
    return {"client": name, "allowed" if action == "allow" else "refused": address}
