"""Who is next: takes subscriptions that have something due, sends for each in a task of its own, says how it ended.

No connection to the database is held while a receiver is waited for. A destination has few requests at once and none while its circuit is open, so that
one that hangs, floods or lies slows nobody else (F19).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from maillage.access.identity import Sealer
from maillage.codes.json import encode
from maillage.doors.connectors.webhooks.circuits import Circuits
from maillage.doors.connectors.webhooks.sender import Sender
from maillage.kernel.errors import MaillageError, Unauthenticated
from maillage.messaging import subscriptions
from maillage.messaging.subscriptions import Notice
from maillage.settings import Settings
from maillage.store import Database

log = logging.getLogger(__name__)
PAUSE = 0.3


class Courier:
    """The notifications of one worker. Several may work on one database: each subscription is with one of them at a time."""

    def __init__(
        self, db: Database, settings: Settings, *, sender: Sender | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._db, self._settings, self._monotonic = db, settings, monotonic
        self._sender = sender
        self._circuits = Circuits(settings.subscriptions.each)
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._sealer: Sealer | None = None

    async def run(self) -> None:
        """Work until cancelled; what was under way is left, and comes back when its lease ends."""
        try:
            while True:
                if not await self._round_kept():
                    await self._pause()
        finally:
            for task in self._tasks:
                task.cancel()

    async def drain(self) -> None:
        """Work until nothing is due and nothing is under way."""
        while await self.round() or self._tasks:
            if self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def round(self) -> int:
        """Take what is due, as far as there are places; how many were taken."""
        free = self._settings.subscriptions.at_once - len(self._tasks)
        if free <= 0:
            return 0
        taken = await subscriptions.lease(self._db, self._circuits.shut(self._monotonic()), free)
        for id, fence, destination in taken:
            self._circuits.take(destination)
            task = asyncio.create_task(self._carry(id, fence, destination))
            self._tasks.add(task)
            task.add_done_callback(self._landed)
        return len(taken)

    async def _round_kept(self) -> int:
        try:
            return await self.round()
        except Exception as error:  # noqa: BLE001  # whatever one round met, the next ones must come
            _warn("round", error)
            return 0

    async def _pause(self) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(PAUSE):
                await self._wake.wait()
        except TimeoutError:
            return

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()

    async def _carry(self, id: str, fence: int, destination: str) -> None:
        """One turn of one subscription; an error of ours keeps the lease, which ends by itself."""
        well = True
        try:
            notice = await subscriptions.prepare(self._db, id, fence, self._base)
            if notice is not None:
                well = await self._send(notice)
        except Exception as error:  # noqa: BLE001  # told to the log; the others go on
            _warn(id, error)
        finally:
            self._circuits.done(destination, self._monotonic(), well=well)

    async def _send(self, notice: Notice) -> bool:
        error = await self._sent(notice)
        if error:
            await subscriptions.failed(self._db, notice, error)
        else:
            await subscriptions.ended_well(self._db, notice)
        return not error or error.startswith("http-4")

    async def _sent(self, notice: Notice) -> str:
        """Why it was not taken; a receiver that answers that it refuses is there, and opens no circuit."""
        try:
            secrets = [self._seals.open(sealed, purpose(notice.client)) for sealed in notice.secrets]
        except Unauthenticated:
            return "secret-unreadable"
        if not secrets:
            return "no-secret"  # what nobody could know to be ours is not sent
        body = encode(notice.body)
        signed = subscriptions.signed_headers(secrets, notice.id, self._db.clock.now(), body)
        self._sender = self._sender or Sender(self._settings.subscriptions)
        return await self._sender.send(notice.endpoint, body, {"content-type": f"{notice.media}; charset=utf-8", **signed}, notice.timeout)

    @property
    def _seals(self) -> Sealer:
        """Made when it is first needed: an installation without partners has no key for them."""
        self._sealer = self._sealer or Sealer.of(self._settings)
        return self._sealer

    @property
    def _base(self) -> str:
        server = self._settings.server
        return f"{(server.base_url or f'http://{server.host}:{server.port}').rstrip('/')}/fhir"


def purpose(client: str) -> str:
    """For what the secret of a client is sealed."""
    return f"webhook:{client}"


def _warn(what: str, error: Exception) -> None:
    code = error.reason if isinstance(error, MaillageError) else type(error).__name__
    log.warning("courier-failed %s: %s", what, code, extra={"code": "courier-failed"})
