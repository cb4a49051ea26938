"""What each address asks of the database, by its route: counted beside a client of the door, for the tables in which tests pin it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
from starlette.routing import compile_path
from tests.conftest import LIMITS
from tests.support import postgres
from tests.support.walking import Counted

from maillage.doors.web import areas
from maillage.kernel.clock import FixedClock
from maillage.store import Database

LIGHT = 60_000
"""The most bytes that a page weighs on the wire."""
PAGES = (*areas.PAGES, *areas.SERVER_PAGES)
_ROUTES = tuple((page.method, page.path, compile_path(page.path)[0]) for page in PAGES)


def name_of(method: str, path: str) -> str:
    """How a table names a route: by its path, behind its method where that is no GET."""
    return f"{method} {path}".removeprefix("GET ")


@asynccontextmanager
async def counted(dsn: str, clock: FixedClock) -> AsyncIterator[Database]:
    """The database of a test, over connections that count."""
    database = await postgres.open_both(dsn, clock, limits=LIMITS, connection_class=Counted)
    try:
        yield database
    finally:
        await database.close()


class Asked:
    """How many statements each route asked, the most that any answer took. A refusal is named with its status, what `when` says with its state."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}
        self._state = ""

    def follow(self, client: httpx.AsyncClient) -> None:
        """Count from now on what the answers to this client take; a page that is too heavy fails."""
        client.event_hooks = {"request": [self._begin], "response": [self._note]}

    @contextmanager
    def when(self, state: str) -> Iterator[None]:
        """Name a state of what is asked in the block."""
        self._state = f", {state}"
        try:
            yield
        finally:
            self._state = ""

    async def _begin(self, _request: httpx.Request) -> None:
        Counted.asked.clear()

    async def _note(self, answer: httpx.Response) -> None:
        statements, request = len(Counted.asked), answer.request
        paths = (path for method, path, regex in _ROUTES if method == request.method and regex.match(request.url.path))
        name = name_of(request.method, next(paths))
        name += f" {answer.status_code}" if answer.is_error else ""
        name += self._state
        self.found[name] = max(statements, self.found.get(name, 0))
        html = answer.headers.get("content-type", "").startswith("text/html")
        assert not html or len(gzip.compress(await answer.aread())) < LIGHT, name
