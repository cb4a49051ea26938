"""A real browser on real pages: a server per test on the opened territory, at the test's clock."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright
from tests.conftest import LIMITS, MONDAY
from tests.journeys.people import Person
from tests.support import postgres

from maillage import demonstration, journeys, worker
from maillage.demonstration.vacations import open_sessions
from maillage.doors.web import WebDoor
from maillage.kernel.clock import FixedClock
from maillage.settings import DataSettings, DemoSettings, Settings
from maillage.store import Database

SEED, PATIENTS = 2026, 40
STAMP = Path(__file__).resolve().parents[2] / ".setup" / "browser"
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--disable-default-apps", "--lang=fr-FR"),
]


async def opened_territory(dsn: str) -> None:
    """The demonstration's places, people and sessions, with no request yet."""
    await postgres.create(dsn)
    database = await postgres.open_both(dsn, FixedClock(MONDAY), limits=LIMITS)
    try:
        await demonstration.load(database, patients=PATIENTS, seed=SEED)
        await open_sessions(database, MONDAY)
    finally:
        await database.close()


class Running:
    """The pages, served from a thread until the test ends."""

    template, fill = "opened_territory", staticmethod(opened_territory)
    seconds = 120

    def __init__(self, cluster: postgres.TestCluster, clock: FixedClock) -> None:
        self.cluster, self.clock = cluster, clock
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.server: uvicorn.Server | None = None
        self.dsn = ""
        self.files = TemporaryDirectory(prefix="maillage-journey-")
        self.ready, self.problem = threading.Event(), None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  # told to the test that waits
            self.problem = error
        finally:
            self.ready.set()

    def tick(self) -> None:
        """Let the scheduler play one round, beside the loop of the browser."""
        with ThreadPoolExecutor(1) as beside:
            beside.submit(asyncio.run, self._tick()).result(60)

    async def _tick(self) -> None:
        database = await postgres.open_both(self.dsn, self.clock, limits=LIMITS)
        try:
            await worker.tick(database)
        finally:
            await database.close()

    async def _serve(self) -> None:
        self.dsn = await self.cluster.database(self.template, type(self).fill)
        database = await postgres.open_both(self.dsn, self.clock, limits=LIMITS, connection_class=postgres.ShufflingConnection)
        config = uvicorn.Config(self.application(database), lifespan="off", log_level="error", ws="none", loop="asyncio")
        self.server = uvicorn.Server(config)
        self.ready.set()
        try:
            await self.server.serve(sockets=[self.socket])
        finally:
            await database.close()

    def application(self, database: Database) -> Any:
        """What is served: the pages alone."""
        settings = Settings(demo=DemoSettings(enabled=True), data=DataSettings(folder=Path(self.files.name)))
        return WebDoor(database, operations=journeys.OPERATIONS, settings=settings)

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve for the length of the block. Raises what kept it from starting."""
        self.thread.start()
        assert self.ready.wait(self.seconds)
        if self.problem:
            raise self.problem
        try:
            yield self
        finally:
            self.stop()

    def stop(self) -> None:
        if self.server:
            self.server.should_exit = True
        self.thread.join(20)
        self.socket.close()
        self.files.cleanup()


@pytest.fixture
def server(cluster: postgres.TestCluster, clock: FixedClock) -> Iterator[Running]:
    with Running(cluster, clock).running() as running:
        yield running


def executable() -> str | None:
    """The browser that set-up found, else one of the system."""
    stamped = STAMP.read_text(encoding="utf-8").strip() if STAMP.exists() else ""
    return os.environ.get("MAILLAGE_CHROMIUM") or stamped or shutil.which("chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module: a synchronous Playwright may not stay open beside the asynchronous tests of other modules."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=executable(), args=ARGUMENTS, env={**os.environ, "LANGUAGE": "fr", "LANG": "fr_FR.UTF-8"}
        )
        yield opened
        opened.close()


@pytest.fixture
def person(browser: Browser, server: Running, clock: FixedClock) -> Iterator[Callable[..., Person]]:
    """Make somebody of the demonstration, signed in, in a browser of their own."""
    people: list[Person] = []

    def sign_in(login: str, **options: Any) -> Person:
        made = Person(browser, server.address, login, **options)
        people.append(made)
        return made

    yield sign_in
    for one in people:
        one.leave()
