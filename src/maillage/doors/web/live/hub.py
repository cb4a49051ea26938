"""Who listens to what in this process: one connection to the database hears every change, each open page is told of those that concern it.

A page is told *that* something changed; it then asks for itself again, through the policy and with its audit row. Nothing about a patient is ever pushed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from maillage.kernel.actor import Actor
from maillage.kernel.clock import SystemClock
from maillage.kernel.errors import TooMany, Unavailable
from maillage.store import Database

log = logging.getLogger(__name__)
CHANNEL = "change"
BEAT = 15.0
"""Seconds between two signs of life of a stream that has nothing to say: proxies cut silent connections."""
LINGER = 30.0
"""Seconds for which the connection is kept when the last page has closed: whoever goes from page to page needs it again at once."""
_AGAIN = 1.0
_WATCH = 0.25
_KEPT = 2_000


def instant() -> float:
    """Now, in seconds since 1970, by the machine: it puts in order what is told and what is shown, whatever day the demonstration plays."""
    return SystemClock().now().timestamp()


@dataclass(frozen=True, slots=True)
class Change:
    """One change that was heard: when, of what, for which organisations."""

    at: float
    kind: str
    organizations: frozenset[str]
    id: str


@dataclass(eq=False, slots=True)
class Listener:
    """One open page: whose changes, of which types, of which object (all of them when none is named)."""

    person: str
    organizations: frozenset[str]
    kinds: frozenset[str]
    only: str = ""
    shown: float = float("inf")
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def concerns(self, change: Change) -> bool:
        """Whether a change is one of theirs."""
        mine = change.kind in self.kinds and bool(change.organizations & self.organizations)
        return mine and (not self.only or self.only == change.id)


class Hub:
    """The open pages of this process."""

    def __init__(
        self, database: Database, *, most: int, per_person: int, minutes: float, draining: Callable[[], bool], linger: float = LINGER
    ) -> None:
        self._database, self._draining, self._linger = database, draining, linger
        self._most, self._per_person, self._seconds = most, per_person, minutes * 60
        self._heard: deque[Change] = deque(maxlen=_KEPT)
        self._whole_since = float("inf")
        self._going: asyncio.TimerHandle | None = None
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

    def join(self, actor: Actor, kinds: frozenset[str], only: str = "", shown: float = float("inf")) -> Listener:
        """Open the ear of a page that was read at `shown`: it is told at once when something changed since, or when nobody listened at that instant.

        Raises `TooMany` when there are too many of the person, or of all.
        """
        if self.size >= self._most or self._people[actor.id] >= self._per_person:
            raise TooMany(60)
        made = Listener(actor.id, frozenset(actor.organizations), kinds, only, shown)
        self._listeners.add(made)
        self._people[actor.id] += 1
        if self._going is not None:
            self._going.cancel()
            self._going = None
        if self._work is None or self._work.done():
            self._ended.clear()
            self._work = asyncio.create_task(self._listen())
        if self.listening.is_set() and self._missed(made):
            made.changed.set()
        return made

    def _missed(self, listener: Listener) -> bool:
        """Whether a page may be older than what was told since it was read; while nothing is heard, the connection tells everybody when it is made."""
        forgotten = len(self._heard) == _KEPT and self._heard[0].at > listener.shown
        if forgotten or listener.shown < self._whole_since:
            return True
        return any(change.at >= listener.shown and listener.concerns(change) for change in self._heard)

    def leave(self, listener: Listener) -> None:
        """Close it. A while after the last one the connection is let go of."""
        if listener not in self._listeners:
            return
        self._listeners.discard(listener)
        self._people[listener.person] -= 1
        if not self._people[listener.person]:
            del self._people[listener.person]
        if not self._listeners and self._work is not None:
            self._going = asyncio.get_running_loop().call_later(self._linger, self._let_go)

    def _let_go(self) -> None:
        """Nobody came back: give the connection up."""
        self._going = None
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
        change = Change(instant(), kind, frozenset(told.split(",")), id)
        self._heard.append(change)
        for listener in self._listeners:
            if listener.concerns(change):
                listener.changed.set()

    async def _listen(self) -> None:
        """Listen until nobody does or the server drains; a connection that breaks is made again, and everybody asks again: a change may have been missed."""
        first = True
        while not self._draining():
            with suppress(Unavailable):
                async with self._database.listening(CHANNEL, self.hear) as broken:
                    self._begin(everybody=not first)
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

    def _begin(self, *, everybody: bool) -> None:
        """From now on everything is heard; pages that were read before may have missed something."""
        self._whole_since = instant()
        self._heard.clear()
        for listener in self._listeners:
            if everybody or listener.shown < self._whole_since:
                listener.changed.set()
