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
from maillage.doors.connectors.client_keys import KeyServers
from maillage.doors.connectors.france_connect import FranceConnect
from maillage.doors.connectors.pro_sante_connect import ProSanteConnect
from maillage.doors.edge import Edge, Stance
from maillage.doors.fhir import FhirDoor
from maillage.doors.web import WebDoor
from maillage.kernel.errors import Unavailable
from maillage.record import proof
from maillage.settings import Settings
from maillage.store import Database

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


@dataclass(slots=True)
class Application:
    """One ASGI application: the edge, behind it `/fhir` to the FHIR door, health beside it, everything else to the pages."""

    settings: Settings
    database: Database
    edge: Edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] == "http":
            await self.edge(scope, receive, send)


class Health:
    """What the probes ask: whether the process lives, and whether it is ready to serve."""

    def __init__(self, database: Database, settings: Settings, stance: Stance) -> None:
        self._database, self._settings, self._stance = database, settings, stance

    async def alive(self) -> tuple[int, dict[str, Any]]:
        """The process answers."""
        return 200, {"status": "alive"}

    async def ready(self) -> tuple[int, dict[str, Any]]:
        """The database is there and accepts writes (it was migrated before we listened). With a disk nearly full, reads go on and are wanted.

        How the proof of the audit trail stands is told, and keeps nobody out: rows are written all the same, and what is late is chained later.
        """
        if self._stance.draining:
            return 503, {"status": "draining"}
        try:
            await self._database.ping()
            audit = await self._proof()
        except Unavailable as error:
            return 503, {"status": "not-ready", "reason": error.reason}
        if self._stance.storage_full():
            return 200, {"status": "reads-only", "reason": "storage-full", "audit": audit}
        return 200, {"status": "ready", "audit": audit}

    async def _proof(self) -> dict[str, Any]:
        try:
            found = await proof.standing(self._database, self._settings.audit_checkpoints, self._settings.audit_public_key)
        except (OSError, ValueError):
            return {"problems": ["audit-key-unreadable"]}
        return {
            "lag": round(found.lag, 1),
            "waiting": found.waiting,
            "uncovered": round(found.uncovered, 1),
            "problems": list(found.problems),
        }


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def create_app(settings: Settings, database: Database, stance: Stance | None = None) -> Application:
    """Wire the doors to a database that is open.

    `stance`: what whoever runs the process tells of it; `trail`: the same database under the login that reads the audit trail.
    """
    stance = stance or Stance()
    definitions = Definitions(packages.load(settings.data.folder / packages.FOLDER))
    fhir = FhirDoor(
        database,
        operations=journeys.OPERATIONS,
        intake=journeys.INTAKE,
        settings=settings,
        definitions=definitions,
        keys=KeyServers(settings.clients).fetch,
    )
    provider = ProSanteConnect(settings.psc, settings.server.base_url) if settings.psc.issuer else None
    web = WebDoor(
        database,
        operations=journeys.OPERATIONS,
        settings=settings,
        provider=provider,
        patient_provider=FranceConnect(settings.franceconnect, settings.server.base_url) if settings.franceconnect.issuer else None,
        draining=lambda: stance.draining,
    )
    health = Health(database, settings, stance)
    probes = {"/healthz": health.alive, "/readyz": health.ready}
    return Application(settings, database, Edge(settings, api=fhir, pages=web, probes=probes, stance=stance))


async def stop_task(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
