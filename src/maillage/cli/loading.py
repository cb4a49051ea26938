"""One process of an import: a connection and the door's own rules, kept from batch to batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from maillage import journeys
from maillage.codes import packages
from maillage.codes.definitions import Definitions
from maillage.doors.fhir import FhirDoor
from maillage.doors.fhir.loading import Line, Loader, Report, importer
from maillage.kernel.clock import SystemClock
from maillage.settings import Settings
from maillage.store import Database
from maillage.store.server import limits


@dataclass(slots=True)
class _Process:
    """What one process holds."""

    loop: asyncio.AbstractEventLoop
    loader: Loader


_HELD: list[_Process] = []


def begin(settings: Settings, dsn: str, organization: str) -> None:
    """Open the database once; called when the process starts."""
    loop = asyncio.new_event_loop()
    database = loop.run_until_complete(Database.open(dsn, SystemClock(), limits=limits(settings.database), served=True))
    definitions = Definitions(packages.load(settings.data.folder / packages.FOLDER))
    door = FhirDoor(database, operations=journeys.OPERATIONS, intake=journeys.INTAKE, settings=settings, definitions=definitions)
    _HELD.append(_Process(loop, Loader(database, door.registry, importer(organization))))


def take(lines: Sequence[Line]) -> Report:
    """One batch."""
    held = _HELD[0]
    return held.loop.run_until_complete(held.loader.take(lines))
