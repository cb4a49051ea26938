"""Who listens to what in this process: one connection to the database hears every change, each open page is told of those that concern it.

A page is told *that* something changed; it then asks for itself again, through the policy and with its audit row. Nothing about a patient is ever pushed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg

from maillage.kernel.actor import Actor
from maillage.kernel.errors import TooMany
from maillage.store import Database

log = logging.getLogger(__name__)
CHANNEL = "change"
BEAT = 15.0
"""Seconds between two signs of life of a stream that has nothing to say: proxies cut silent connections."""
_AGAIN = 1.0
_WATCH = 0.25


@dataclass(eq=False, slots=True)
class Listener:
    """One open page: whose changes, of which types, of which object (all of them when none is named)."""

    person: str
    organizations: frozenset[str]
    kinds: frozenset[str]
    only: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def concerns(self, kind: str, organizations: frozenset[str], id: str) -> bool:
        """Whether a change is one of theirs."""
        return kind in self.kinds and bool(organizations & self.organizations) and (not self.only or self.only == id)


class Hub:
    """The open pages of this process."""

    def __init__(self, database: Database, *, most: int, per_person: int, minutes: float, draining: Callable[[], bool]) -> None:
        self._database, self._draining = database, draining
        self._most, self._per_person, self._seconds = most, per_person, minutes * 60
        self._listeners: set[Listener] = set()
        self._people: Counter[str] = Counter()
        self._work: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self.listening = asyncio.Event()
        """Set while this hub's connection hears what is committed."""

    @property
    def size(self) -> int:
        """How many pages listen."""
        return len(self._listeners)

    def join(self, actor: Actor, kinds: frozenset[str], only: str = "") -> Listener:
        """Open a page's ear. Raises `TooMany` when there are too many of the person, or of all."""
        if self.size >= self._most or self._people[actor.id] >= self._per_person:
            raise TooMany(60)
        made = Listener(actor.id, frozenset(actor.organizations), kinds, only)
        self._listeners.add(made)
        self._people[actor.id] += 1
        if self._work is None or self._work.done():
            self._ended.clear()
            self._work = asyncio.create_task(self._listen())
        return made

    def leave(self, listener: Listener) -> None:
        """Close it. With the last one the connection is let go of."""
        if listener not in self._listeners:
            return
        self._listeners.discard(listener)
        self._people[listener.person] -= 1
        if not self._people[listener.person]:
            del self._people[listener.person]
        if not self._listeners and self._work is not None:
            self._work.cancel()
            self._work = None

    async def stream(self, listener: Listener) -> AsyncIterator[bytes]:
        """The events of a page (WHATWG HTML, 9.2): a word for each change, a comment when nothing happens, the end when the server drains."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._seconds
        try:
            yield b"retry: 3000\n\n"
            while loop.time() < until and not self._ended.is_set():
                if await self._next(listener, min(BEAT, until - loop.time())):
                    listener.changed.clear()
                    yield b"data: 1\n\n"
                else:
                    yield b":\n\n"
        finally:
            self.leave(listener)

    async def _next(self, listener: Listener, seconds: float) -> bool:
        """Whether something changed in so many seconds; the end of the hub is no change."""
        changed, ended = asyncio.create_task(listener.changed.wait()), asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait((changed, ended), timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
            return changed.done() and not self._ended.is_set()
        finally:
            changed.cancel()
            ended.cancel()

    def hear(self, payload: str) -> None:
        """Pass one change on."""
        kind, _, rest = payload.partition(" ")
        told, _, id = rest.partition(" ")
        organizations = frozenset(told.split(","))
        for listener in self._listeners:
            if listener.concerns(kind, organizations, id):
                listener.changed.set()

    async def _listen(self) -> None:
        """Listen until nobody does or the server drains; a connection that breaks is made again, and everybody asks again: a change may have been missed."""
        first = True
        while not self._draining():
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                async with self._database.listening(CHANNEL, self.hear) as broken:
                    if not first:
                        self._tell_all()
                    first = False
                    await self._until(broken)
            if not self._draining():
                log.warning("live-connection-lost", extra={"code": "live-connection-lost"})
                await asyncio.sleep(_AGAIN)
        self._ended.set()

    async def _until(self, broken: asyncio.Event) -> None:
        """Hear until the connection breaks or the server drains."""
        self.listening.set()
        try:
            while not broken.is_set() and not self._draining():
                with suppress(TimeoutError):
                    await asyncio.wait_for(broken.wait(), _WATCH)
        finally:
            self.listening.clear()

    def _tell_all(self) -> None:
        for listener in self._listeners:
            listener.changed.set()
