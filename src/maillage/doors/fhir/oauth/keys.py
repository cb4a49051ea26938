"""Keys that clients publish, asked for before an assertion is looked at: once for all who wait, without a connection to the database, never for long.

A key server that hangs slows its own client alone: few wait for one, few are asked at once, and one that was asked is left alone for a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from maillage.access.clients import queries, rules
from maillage.access.clients.published import actions
from maillage.access.clients.published.rules import is_due, lacks
from maillage.access.clients.types import Client, Fetched, KeysAway
from maillage.doors.fhir.oauth.forms import Form
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Unauthenticated
from maillage.store import Database, Transaction

log = logging.getLogger(__name__)
Fetch = Callable[[str], Awaitable[Fetched]]
"""How published keys are had: raises `KeysAway`."""

AT_ONCE = 8
"""Key servers that are waited for at the same time; a ninth client goes on with what we have of its keys."""

TOGETHER = 4
"""Requests that wait for one of them: each holds a place that others want."""


@dataclass(slots=True)
class _Errand:
    task: asyncio.Task[None]
    waiting: int = 0


class PublishedKeys:
    """The key servers of one process."""

    def __init__(self, db: Database, fetch: Fetch) -> None:
        self._db, self._fetch = db, fetch
        self._errands: dict[str, _Errand] = {}

    async def wanted(self, tx: Transaction, form: Form) -> Client | None:
        """The client whose keys have to be asked for before this form can be answered; None for nearly all."""
        try:
            header, claims = rules.claimed(form.get("client_assertion", ""))
        except Unauthenticated:
            return None  # the endpoint says so itself
        client = await queries.client_named(tx, claims["iss"])
        if client is None or not lacks(client, header["kid"], tx.now):
            return None
        return client if client.name in self._errands or is_due(client, header["kid"], tx.now) else None

    async def renew(self, client: Client) -> None:
        """Ask for the keys of a client, or wait with those who did. What was found stands in its record; nothing is raised."""
        errand = self._errands.get(client.name) or self._set_out(client)
        if errand is None or errand.waiting >= TOGETHER:
            return
        errand.waiting += 1
        try:
            await asyncio.shield(errand.task)  # whoever gives up waiting takes the answer from nobody
        finally:
            errand.waiting -= 1

    def _set_out(self, client: Client) -> _Errand | None:
        if len(self._errands) >= AT_ONCE:
            return None
        errand = self._errands[client.name] = _Errand(asyncio.create_task(self._run(client.name, client.jwks_url)))
        errand.task.add_done_callback(lambda _: self._errands.pop(client.name))
        return errand

    async def _run(self, name: str, url: str) -> None:
        try:
            if await self._db.run(SYSTEM, lambda tx: actions.claim_fetch(tx, name, url)):
                fetched = await self._fetch(url)
                if await self._db.run(SYSTEM, lambda tx: actions.keep_fetched(tx, name, url, fetched)):
                    log.info("client-keys-changed %s", name, extra={"code": "client-keys-changed"})
        except KeysAway as error:
            log.warning("client-keys-away %s: %s", name, error.why, extra={"code": "client-keys-away"})
        except Exception as error:  # noqa: BLE001  # nobody may be waiting any more; the answer that follows tells what is wrong with the database
            log.warning("client-keys-away %s: %s", name, type(error).__name__, extra={"code": "client-keys-away"})
