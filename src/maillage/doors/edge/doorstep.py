"""Those who connect, until something of theirs is let in: under overload most end here, and making ready for work costs more than refusing it (ADR 0014)."""

from __future__ import annotations

import asyncio
import errno
import selectors
import socket
from collections.abc import Callable, MutableSet
from typing import Any, Final

from maillage.doors.edge.protocol import Guarded

AT_ONCE: Final = 32
"""Connections taken in one go: enough for a burst, few enough to answer somebody in between."""

PIECE: Final = 65_536
"""Bytes read at once."""

LOOK_EVERY: Final = 0.25
"""Seconds between two looks at whose time is over."""

NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
PAUSE: Final = 0.5
"""Seconds without taking anybody where there is no descriptor for them: they wait in the queue of the socket."""


class Caller:
    """A connection on the doorstep: a bare socket, and the instant at which its time is over."""

    __slots__ = ("_doorstep", "awaited", "socket", "until")

    def __init__(self, doorstep: Doorstep, taken: socket.socket, until: float) -> None:
        self._doorstep, self.socket, self.until = doorstep, taken, until
        self.awaited = False

    def shutdown(self) -> None:
        """The server stops: nothing is under way here."""
        self._doorstep.end(self)


class Doorstep:
    """Takes whoever connects to one socket. A connection has no transport, no parser, no flow control before something of it is let in.

    Many are taken in one turn of the loop: libuv takes one (its pull request 3696), a turn under load lasts long, and an emergency may be the last of hundreds.
    `made` makes the protocol of a connection that is let in; `connections` are those of the server.
    """

    def __init__(
        self, listening: socket.socket, made: Callable[[], Guarded], kind: type[Guarded], keep: float, connections: MutableSet[Any]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening, self._made, self._refuse = listening, made, kind.refuse
        self._first, self._keep, self._connections = kind.header_timeout, keep, connections
        self._silent = selectors.DefaultSelector()
        self._callers: set[Caller] = set()
        self._entering: set[asyncio.Task[Any]] = set()
        self._closed = False
        listening.setblocking(False)
        self._loop.add_reader(self._silent.fileno(), self._speak)
        self._clock = self._loop.call_later(LOOK_EVERY, self._look)
        self._open()

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """What it listens on."""
        return () if self._closed else (self._listening,)

    def close(self) -> None:
        """Take nobody any more, and end those who wait."""
        if self._closed:
            return
        self._closed = True
        self._clock.cancel()
        self._loop.remove_reader(self._listening.fileno())
        self._listening.close()
        for caller in list(self._callers):
            self.end(caller)
        self._loop.remove_reader(self._silent.fileno())
        self._silent.close()

    async def wait_closed(self) -> None:
        """Until those who were being let in are connections of the server."""
        await asyncio.gather(*self._entering, return_exceptions=True)

    def end(self, caller: Caller) -> None:
        """Away with it."""
        self._forget(caller)
        caller.socket.close()

    # --- who connects --------------------------------------------------------------------------------------------------------------
    def _open(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._listening.fileno(), self._take)

    def _take(self) -> None:
        now = self._loop.time()
        for _ in range(AT_ONCE):
            try:
                taken, _address = self._listening.accept()
            except OSError as error:  # nobody else waits, or they went away meanwhile, or there is no room for them
                if error.errno in NO_ROOM:
                    self._loop.remove_reader(self._listening.fileno())
                    self._loop.call_later(PAUSE, self._open)
                return
            caller = Caller(self, taken, now + self._first)
            self._callers.add(caller)
            self._connections.add(caller)
            self._hear(caller, now)  # most have spoken already
            if caller in self._callers:
                self._silent.register(taken, selectors.EVENT_READ, caller)
                caller.awaited = True

    # --- what they say -------------------------------------------------------------------------------------------------------------
    def _speak(self) -> None:
        now = self._loop.time()
        for key, _ in self._silent.select(0):
            self._hear(key.data, now)

    def _hear(self, caller: Caller, now: float) -> None:
        """Refuse, let in, or go on waiting."""
        try:
            data = caller.socket.recv(PIECE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.end(caller)
        elif (answer := self._refuse.glance(data, now) if self._refuse is not None else None) is None:
            self._let_in(caller, data)
        else:
            self._tell(caller, answer)
            caller.until = now + self._keep

    def _tell(self, caller: Caller, answer: bytes) -> None:
        """Refuse; who does not read its refusals is cut."""
        try:
            told = caller.socket.send(answer, socket.MSG_DONTWAIT)
        except OSError:
            told = 0
        if told < len(answer):
            self.end(caller)

    def _let_in(self, caller: Caller, data: bytes) -> None:
        self._forget(caller)
        task = self._loop.create_task(self._enter(caller, data))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    async def _enter(self, caller: Caller, data: bytes) -> None:
        def made() -> Guarded:
            inner = self._made()
            inner.heard(data, caller.until)
            return inner

        caller.socket.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(made, caller.socket)
        except OSError:  # it went away meanwhile
            caller.socket.close()

    # --- whose time is over --------------------------------------------------------------------------------------------------------
    def _look(self) -> None:
        now = self._loop.time()
        for caller in [caller for caller in self._callers if caller.until <= now]:
            self.end(caller)
        self._clock = self._loop.call_later(LOOK_EVERY, self._look)

    def _forget(self, caller: Caller) -> None:
        self._callers.discard(caller)
        self._connections.discard(caller)
        if caller.awaited:
            caller.awaited = False
            self._silent.unregister(caller.socket)
