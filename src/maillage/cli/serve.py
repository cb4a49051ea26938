"""`maillage serve` and `maillage demo`: the server in the foreground."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop

from maillage import demonstration, worker
from maillage.app import create_app, stop_task
from maillage.cli.logs import write_json_lines
from maillage.cli.output import ENVIRONMENT, OK, Failure, settings_for, show
from maillage.cli.server import make_server
from maillage.doors.edge import LOOPBACK, Stance
from maillage.settings import Settings
from maillage.store import Database
from maillage.store.server import opened
from maillage.store.volumes import Volumes, keep_ballast, written_to


def serve(*, demo: bool = False, host: str | None = None, port: int | None = None, data: Path | None = None, json: bool = False) -> int:
    """Serve the pages and `/fhir`; ready when `/readyz` answers 200.

    Example: maillage serve --demo --port 8000 --data ./data
    """
    settings = settings_for(data)
    server = replace(settings.server, host=host or settings.server.host, port=port if port is not None else settings.server.port)
    settings = replace(settings, server=server, demo=replace(settings.demo, enabled=demo or settings.demo.enabled))
    if settings.demo.enabled and server.host not in LOOPBACK:
        raise Failure(f"the demonstration has logins without passwords: it listens on the loopback only, not on {server.host}", ENVIRONMENT)
    settings.refuse_default_secrets()
    write_json_lines()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, _end)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, json=json))
    return OK


def _end(*_: Any) -> None:
    """Asked to end: uvicorn repeats the signal once it has answered what it had begun, and PostgreSQL must be let go of after that."""
    raise SystemExit(OK)


def demo(*, port: int = 8000, data: Path = Path("data/demo"), json: bool = False) -> int:
    """Set up and serve the demonstration: the real territory, invented people, one login per role.

    Example: maillage demo
    """
    return serve(demo=True, port=port, data=data, json=json)


async def _serve(settings: Settings, *, json: bool) -> None:
    async with opened(settings) as database:
        if settings.demo.enabled:
            await demonstration.load(database, patients=settings.demo.patients, seed=settings.demo.seed)
            if settings.demo.past:
                await demonstration.play(database, patients=settings.demo.patients, seed=settings.demo.seed)
        await database.warm()
        await _announce(settings, database, json=json)
        if not settings.demo.enabled:
            keep_ballast(settings.data)
        stance = Stance(Volumes(written_to(settings.data), settings.data).nearly_full)
        server = make_server(create_app(settings, database, stance), settings, stance)
        freeze_collector()
        own = await database.beside(4, acquire=10)
        work = asyncio.create_task(worker.run(own, settings))
        try:
            await server.serve()
        finally:
            await stop_task(work)
            await own.close()


def freeze_collector() -> None:
    """Put what start-up made out of the collector's sight: a full collection would stall requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


async def _announce(settings: Settings, database: Database, *, json: bool) -> None:
    """Say where the pages are, and in a demonstration who may sign in."""
    address = settings.server.base_url or f"http://{settings.server.host}:{settings.server.port}"
    logins = await demonstration.login_lines(database) if settings.demo.enabled else []
    said = f"maillage, données fictives : {address}" if settings.demo.enabled else f"maillage : {address}"
    answer = {"address": address, "demo": settings.demo.enabled, "logins": [line.split()[0] for line in logins]}
    show(answer, json=json, lines=[said, *(f"  {line}" for line in logins)])
    sys.stdout.flush()
