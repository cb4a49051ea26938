"""Every page that looks, found from the routes and reached by the links that people follow; and what each asks of the database."""

from __future__ import annotations

import html
import re
from collections import deque
from collections.abc import Awaitable, Callable, Container, Iterable
from typing import Any, ClassVar

import httpx
from starlette.routing import compile_path

from maillage.doors.web import areas
from maillage.store import Connection

Look = Callable[[str], Awaitable[httpx.Response]]
_LINK = re.compile(r'(?:<a [^>]*?href|data-peek)="(/[^"]*)"')
LOOKING = tuple(page for page in areas.PAGES if page.method == "GET" and not page.stream)
"""The pages that only look."""
BESIDE = {
    "/vacations/{id:id}": ("/vacation.ics", "/actes/cancel-session"),
    "/rendez-vous/{id:id}": ("/convocation.pdf", "/lien"),
    "/demandes/{id:id}": ("/lien",),
    "/patients/{id:id}": ("/adresser",),
}
"""What stands beside a page, and its buttons lead to in some of its states only."""
_PATTERNS = tuple((page.path, compile_path(page.path)[0]) for page in LOOKING)


def pattern_of(address: str) -> str:
    """The route that answers an address; empty for what is no page."""
    path = address.partition("?")[0].partition("#")[0]
    return next((pattern for pattern, regex in _PATTERNS if regex.match(path)), "")


async def walk(look: Look, first: Iterable[str], known: Container[str] = ()) -> dict[str, str]:
    """One address for each page that links lead to from the first ones, but for those that are `known`; what answers neither a page nor another
    address is left aside."""
    todo, found, seen = deque(first), {}, set[str]()
    while todo:
        address = todo.popleft()
        pattern = pattern_of(address)
        if not pattern or pattern in known or pattern in found or address in seen:
            continue
        seen.add(address)
        answer = await look(address)
        if answer.status_code == 303:
            todo.append(answer.headers["location"])
        elif answer.status_code == 200:
            found[pattern] = address
            todo.extend(f"{address}{end}" for end in BESIDE.get(pattern, ()))
            if answer.headers["content-type"].startswith("text/html"):
                todo.extend(html.unescape(link).partition("#")[0] for link in _LINK.findall(answer.text))
    return found


class Counted(Connection):
    """A connection that counts what it is asked while somebody counts; `busy` is told which server process answers."""

    asked: ClassVar[list[str]] = []
    pids: ClassVar[set[int]] = set()

    def _count(self, sql: str) -> None:
        Counted.asked.append(sql)
        Counted.pids.add(self.get_server_pid())

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        self._count(query)
        return await super().execute(query, *args, **options)

    async def executemany(self, command: str, args: Any, **options: Any) -> Any:
        self._count(command)
        return await super().executemany(command, args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        self._count(query)
        return await super().fetch(query, *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        self._count(query)
        return await super().fetchrow(query, *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        self._count(query)
        return await super().fetchval(query, *args, **options)
