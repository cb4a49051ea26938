"""Who is told next: each peer in a task of its own, its steps one after the other, so that one that hangs slows no other."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from maillage.access import peers
from maillage.doors.connectors.peers.client import Away, PeerClient, Refused
from maillage.doors.connectors.peers.telling import tell
from maillage.journeys import exchange
from maillage.journeys.exchange import Parcel
from maillage.kernel.errors import MaillageError
from maillage.settings import Settings
from maillage.store import Database
from maillage.store.blobs import Vault

log = logging.getLogger(__name__)
PAUSE = 0.5
MOST = 100
"""Steps of one turn: then another worker may have the peer."""


LOST = frozenset({"not-found", "document-broken"})
"""A file that was taken back, or is not what was kept: its step waits for nothing, and must not hold up those behind it."""


class Messenger:
    """The peers of one worker. Several may work on one database: each peer is with one of them at a time."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db, self._settings = db, settings
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled; what was under way is left, and comes back when its lease ends."""
        try:
            while True:
                await self._kept_round()
                await asyncio.sleep(PAUSE)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _kept_round(self) -> None:
        try:
            await self._round()
        except Exception as error:  # noqa: BLE001  # whatever one round met, the next ones must come
            _warn("round", error)

    async def _round(self) -> None:
        for client, fence in await exchange.lease(self._db):
            task = asyncio.create_task(self._turn(client, fence))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _turn(self, client: str, fence: int) -> None:
        """An error of ours keeps the lease, which ends by itself."""
        http: PeerClient | None = None
        try:
            for _ in range(MOST):
                parcel = await exchange.prepare(self._db, client, fence)
                if parcel is None:
                    break
                http = http or await self._client(parcel.peer)
                if not await self._told(http, parcel, fence):
                    return
            await exchange.give_back(self._db, client, fence)
        except Exception as error:  # noqa: BLE001  # told to the log; the other peers go on
            _warn(client, error)
        finally:
            if http is not None:
                await http.close()

    async def _client(self, peer: peers.Peer) -> PeerClient:
        key = await asyncio.to_thread(peers.load, self._settings.peers_key)
        return PeerClient(peer, key, self._settings.peers.authority, self._db.clock.now())

    async def _told(self, http: PeerClient, parcel: Parcel, fence: int) -> bool:
        """Whether the next one may go: not while the peer is away."""
        try:
            await tell(http, parcel, partial(exchange.content, self._db, Vault.of(self._settings), parcel))
        except Away as error:
            await exchange.away(self._db, parcel.peer.client, fence, str(error))
            return False
        except Refused as error:
            await exchange.refused(self._db, parcel, str(error))
        except MaillageError as error:
            if error.reason not in LOST:
                raise
            await exchange.refused(self._db, parcel, error.reason)
        else:
            await exchange.told(self._db, parcel)
        return True


def _warn(what: str, error: Exception) -> None:
    code = error.reason if isinstance(error, MaillageError) else type(error).__name__
    log.warning("messenger-failed %s: %s", what, code, extra={"code": "messenger-failed"})
