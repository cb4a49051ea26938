"""The HTTP server of `maillage serve`: it says that it drains before it stops, and finishes what it has begun."""

from __future__ import annotations

import asyncio
import os
import socket
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from maillage.app import Application
from maillage.cli.sockets import bound
from maillage.doors.edge import SOCKET, Doorstep, Stance, guarded
from maillage.settings import Settings


class Server(uvicorn.Server):
    """Asked to end, it is not ready any more; after the notice it takes no connection and has `drain` seconds to finish."""

    def __init__(
        self, config: uvicorn.Config, stance: Stance, notice: float, beside: tuple[Path, type[asyncio.Protocol]] | None = None
    ) -> None:
        super().__init__(config)
        self._stance, self._notice = stance, notice
        self._beside = beside  # a Unix socket, and the protocol of those who come by it
        self._loop = asyncio.get_running_loop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; whoever connects is taken by the edge."""
        path, known = self._beside or (None, None)
        own = bound(path) if path else None  # before anything listens that would have to be ended
        await super().startup(sockets)
        made: Any = self.config.http_protocol_class
        listening = [(socket.socket(fileno=os.dup(one.fileno())), made) for server in self.servers for one in server.sockets]
        for server in self.servers:
            server.close()  # what it listened on is still open
        if own is not None:
            own.listen(self.config.backlog)
            listening.append((own, known))
        doorsteps: Any = [self._doorstep(one, kind) for one, kind in listening]
        self.servers = doorsteps

    def _doorstep(self, listening: socket.socket, kind: Any) -> Doorstep:
        made = partial(kind, config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=self._loop)
        return Doorstep(listening, made, kind, float(self.config.timeout_keep_alive), self.server_state.connections)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; a connection that was being taken when the others were ended is ended a moment later."""
        self._loop.call_later(0.05, self._end_the_last)
        await super().shutdown(sockets)
        if self._beside is not None:
            self._beside[0].unlink(missing_ok=True)

    def _end_the_last(self) -> None:
        for connection in list(self.server_state.connections):
            connection.shutdown()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the notice; a second one ends it."""
        if self._stance.draining or self._notice <= 0:
            self._stance.draining = True
            super().handle_exit(sig, frame)
            return
        self._stance.draining = True
        self._captured_signals.append(sig)
        self._loop.call_soon_threadsafe(self._loop.call_later, self._notice, self._stop_taking)

    def _stop_taking(self) -> None:
        self.should_exit = True


def make_server(application: Application, settings: Settings, stance: Stance) -> Server:
    """The server for an application; nothing in it logs a request by itself."""
    server, edge = settings.server, settings.edge
    callers = partial(guarded, header_timeout=edge.header_timeout, write_timeout=edge.write_timeout, refuse=application.edge.hurry)
    config = uvicorn.Config(
        application,
        host=server.host,
        port=server.port,
        http=callers(),
        ws="none",
        proxy_headers=False,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=round(server.drain),
        limit_concurrency=edge.most_connections,
        backlog=2048,
    )
    return Server(config, stance, server.drain_notice, (Path(server.socket), callers(peer=SOCKET)) if server.socket else None)
