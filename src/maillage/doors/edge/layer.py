"""The one layer in front of the doors (ADR 0014): it refuses early and cheaply, lets work in by turns, and ends it at its deadline."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from maillage.codes.json import encode
from maillage.doors.edge import asked as asking
from maillage.doors.edge.admission import Admission, Full, Turn
from maillage.doors.edge.answers import Answer, answer
from maillage.doors.edge.asked import Asked, Scope
from maillage.doors.edge.bodies import Body, Gone, Memory
from maillage.doors.edge.cors import PREFIX, Cors
from maillage.doors.edge.headers import SECURITY_HEADERS, transport_security
from maillage.doors.edge.hurry import OVERLOADED, Hurry, Way, written
from maillage.doors.edge.journal import Journal
from maillage.doors.edge.proxies import Proxies
from maillage.doors.edge.rates import Rates
from maillage.doors.edge.routes import Lane, Route
from maillage.doors.edge.stance import Stance
from maillage.kernel import deadline
from maillage.settings import Settings

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Probe = Callable[[], Awaitable[tuple[int, dict[str, Any]]]]
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})
_OVERLOADED = (503, OVERLOADED, 2)
_WATCH_AFTER = 0.1
"""Seconds after which somebody looks whether the caller is still there: most requests have been answered by then."""


class Door(Protocol):
    """What stands behind the edge: the pages, and `/fhir`."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""

    def route(self, scope: Scope) -> Route:
        """The route that will answer, known before anybody is."""

    @property
    def surely(self) -> tuple[Lane, bytes]:
        """A lane, and a pattern of the addresses of this door that are of it as far as their bytes tell; the route of any other has to be matched."""

    def refusal(self, status: int, reason: str, retry_after: int) -> tuple[dict[str, str], bytes]:
        """Headers and body of an answer in this door's own language: made without a database, and quickly."""


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """What the edge itself answers instead of a door."""

    status: int
    reason: str
    retry_after: int = 0


class Edge:
    """Host, probes, cross-origin calls, rates, turns, deadline: in this order, then the door."""

    def __init__(self, settings: Settings, *, api: Door, pages: Door, probes: Mapping[str, Probe], stance: Stance | None = None) -> None:
        server, edge = settings.server, settings.edge
        self._settings, self._api, self._pages, self._probes = edge, api, pages, probes
        self._stance = stance or Stance()
        self._journal = Journal()
        self._hosts = LOOPBACK | {server.host, *server.allowed_hosts}
        self._proxies = Proxies(server.trusted_proxies)
        self._cors = Cors(settings.fhir.cors_origins)
        self.rates = Rates(edge)
        self.admission = Admission(edge)
        self._memory = Memory(edge.body_memory)
        self._limit = server.body_limit
        self._always = {**SECURITY_HEADERS, **transport_security(server.base_url), "cache-control": "no-store"}
        origin = frozenset({b"origin"}) if settings.fhir.cors_origins else frozenset[bytes]()
        ours = [re.escape(path.encode()) for path in probes]
        self.hurry = Hurry(self.admission, self._journal, [self._way(api, closer=origin), self._way(pages, but=[*ours, PREFIX.encode()])])
        self._seconds = {
            Lane.EMERGENCY: edge.deadline,
            Lane.INTERACTIVE: edge.deadline,
            Lane.BATCH: edge.deadline,  # what may take longer, or less, says so in its route
        }

    def _way(self, door: Door, *, but: Iterable[bytes] = (), closer: frozenset[bytes] = frozenset()) -> Way:
        """How a door refuses in a hurry: `but` are the beginnings of addresses that are not its own."""
        (lane, targets), (headers, body) = door.surely, door.refusal(*_OVERLOADED)
        others = b"".join(rb"(?!%b(?:[/? ]|\Z))" % path for path in but)
        return Way(lane, others + targets, written(_OVERLOADED[0], {**self._always, **headers}, body), closer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        asked = scope[asking.KEY] = asking.read(scope, self._proxies)
        scope["scheme"] = asked.scheme
        path = scope["path"]
        if not self._is_ours(asked.host):
            await self._plain(send, 421, {"status": "unknown-host"})
        elif path in self._probes:
            await self._plain(send, *await self._probes[path]())
        elif (allowed := self._cors.preflight(scope, asked.origin)) is not None:
            await answer(send, 204, allowed, b"")
        else:
            since = monotonic()
            out = Answer(send, self._cors if self._cors.concerns(path) else None, asked.origin)
            await self._pass(asked, scope, receive, out)
            if asked.route.lane is not Lane.FREE:
                self._journal.answered(asked, scope.get("query_string", b""), out.status, since)

    async def _pass(self, asked: Asked, scope: Scope, receive: Receive, out: Answer) -> None:
        door = self._api if _is_api(scope["path"]) else self._pages
        asked.route, asked.rates = door.route(scope), self.rates
        try:
            self._let_in(asked)
            if asked.route.lane is Lane.FREE:
                await door(scope, receive, out)
            else:
                await self._by_turn(asked, door, scope, receive, out)
        except Refused as refused:
            self._journal.refused(refused.reason)
            headers, body = door.refusal(refused.status, refused.reason, refused.retry_after)
            told = {**self._always, **headers, "x-request-id": asked.id, "content-length": str(len(body))}
            await answer(out, refused.status, told, body if scope["method"] != "HEAD" else b"")
        except Gone:
            return

    def _let_in(self, asked: Asked) -> None:
        """What is decided without waiting. Raises `Refused`."""
        if waits := self.rates.arrived(asked.address, asked.route.limit):
            raise Refused(429, "too-many-requests", waits)
        if asked.route.writes and self._stance.storage_full():
            raise Refused(507, "storage-full", 60)

    async def _by_turn(self, asked: Asked, door: Door, scope: Scope, receive: Receive, out: Answer) -> None:
        """Read the body, wait for a turn, work: each with its own limit."""
        lane = asked.route.lane
        if self.admission.hopeless(lane):
            raise Refused(*_OVERLOADED)
        body = Body(receive, self._memory, expected=asked.has_body)
        try:
            await self._read(asked, body)
            try:
                turn = Turn(self.admission, await self.admission.enter(lane))
            except Full as error:
                raise Refused(*_OVERLOADED) from error
            out.begun = turn.leave if asked.route.stream else None
            try:
                await self._work(asked, door, scope, body, out)
            finally:
                turn.leave()
        finally:
            body.release()

    async def _read(self, asked: Asked, body: Body) -> None:
        limit = asked.route.body or self._limit
        if not asked.has_body or asked.length > limit:
            return  # the door refuses what is too long by its announced length
        if self._memory.full:
            raise Refused(*_OVERLOADED)
        try:
            await body.read(limit, self._settings.body_timeout * max(1.0, limit / self._limit))
        except TimeoutError as error:
            raise Refused(408, "body-too-slow") from error

    async def _work(self, asked: Asked, door: Door, scope: Scope, body: Body, out: Answer) -> None:
        seconds = asked.route.seconds or self._seconds[asked.route.lane]
        deadline.give(seconds)
        watching: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()

        async def watch() -> None:
            await body.watch()
            if not out.status:
                limit.reschedule(loop.time())

        later = loop.call_later(_WATCH_AFTER, lambda: watching.append(loop.create_task(watch())))
        try:
            async with asyncio.timeout(seconds) as limit:
                out.limit = limit
                await door(scope, body.receive, out)
        except TimeoutError as error:
            if out.status:
                raise
            if body.gone.is_set():
                raise Gone from error
            raise Refused(503, "deadline", 1) from error
        finally:
            out.limit = None
            later.cancel()
            for task in watching:
                task.cancel()

    def _is_ours(self, host: str) -> bool:
        name = host if host.startswith("[") and host.endswith("]") else host.rsplit(":", 1)[0] if ":" in host else host
        return name in self._hosts

    async def _plain(self, send: Send, status: int, body: dict[str, Any]) -> None:
        await answer(send, status, {**self._always, "content-type": "application/json"}, encode(body))


def _is_api(path: str) -> bool:
    return path == "/fhir" or path.startswith("/fhir/")
