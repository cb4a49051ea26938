"""The HTTP server of `maillage serve`: it says that it drains before it stops, and finishes what it has begun."""

from __future__ import annotations

import asyncio
from types import FrameType

import uvicorn

from maillage.app import Application
from maillage.doors.edge import Stance, guarded
from maillage.settings import Settings


class Server(uvicorn.Server):
    """Asked to end, it is not ready any more; after the notice it takes no connection and has `drain` seconds to finish."""

    def __init__(self, config: uvicorn.Config, stance: Stance, notice: float) -> None:
        super().__init__(config)
        self._stance, self._notice = stance, notice
        self._loop = asyncio.get_running_loop()

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
    config = uvicorn.Config(
        application,
        host=server.host,
        port=server.port,
        http=guarded(header_timeout=edge.header_timeout, write_timeout=edge.write_timeout, refuse=application.edge.hurry),
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
    return Server(config, stance, server.drain_notice)
