"""Where everything is wired: settings to database, doors and worker to one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from maillage import journeys
from maillage.codes import packages
from maillage.codes.definitions import Definitions
from maillage.codes.json import encode
from maillage.doors.fhir import FhirDoor
from maillage.doors.web import WebDoor
from maillage.kernel.errors import Unavailable
from maillage.settings import Settings
from maillage.store import Database

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})


@dataclass(slots=True)
class Application:
    """One ASGI application: `/fhir` to the FHIR door, health beside it, everything else to the pages."""

    settings: Settings
    database: Database
    fhir: AsgiApp
    web: AsgiApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        path = scope["path"]
        if not self._host_is_ours(scope):
            await _answer(send, 421, {"status": "unknown-host"})
        elif path == "/healthz":
            await _answer(send, 200, {"status": "alive"})
        elif path == "/readyz":
            await self._ready(send)
        elif path == "/fhir" or path.startswith("/fhir/"):
            await self.fhir(scope, receive, send)
        else:
            await self.web(scope, receive, send)

    def _host_is_ours(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
        name = given if given.startswith("[") and given.endswith("]") else given.rsplit(":", 1)[0] if ":" in given else given
        server = self.settings.server
        return name in LOOPBACK or name == server.host or name in server.allowed_hosts

    async def _ready(self, send: Send) -> None:
        """Ready to serve: the database is there and accepts writes (it was migrated before we listened)."""
        try:
            await self.database.ping()
        except Unavailable as error:
            await _answer(send, 503, {"status": "not-ready", "reason": error.reason})
        else:
            await _answer(send, 200, {"status": "ready"})


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": encode(body)})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def create_app(settings: Settings, database: Database) -> Application:
    """Wire the doors to a database that is open."""
    definitions = Definitions(packages.load(settings.data.folder / packages.FOLDER))
    fhir = FhirDoor(database, operations=journeys.OPERATIONS, intake=journeys.INTAKE, settings=settings, definitions=definitions)
    return Application(settings, database, fhir, WebDoor(database, operations=journeys.OPERATIONS, settings=settings))


async def stop_task(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
