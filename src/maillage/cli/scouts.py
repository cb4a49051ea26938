"""Whoever connects is taken soon, however many do: a burst would else be taken one by one, each a turn of a busy loop after the other."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any, Final

AT_ONCE: Final = 32
"""Connections taken in one go: enough for a burst, few enough to answer somebody in between."""

SCOUTS: Final = 3
"""Descriptors beside the one that the server has of its own."""


class Scouts:
    """More descriptors of a listening socket: when all of them have taken somebody in a turn of the loop, many connect, and these are taken at once.

    libuv takes one new connection for each descriptor and turn of its loop (libuv pull request 3696), and a turn under load lasts long: an emergency may be the
    last of hundreds who connect. A descriptor for each of them would do as well, but all descriptors are woken and asked whenever one connects.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, watched: socket.socket, made: Callable[[], Any], ssl: Any = None) -> None:
        self._loop, self._descriptor, self._made, self._ssl = loop, watched.fileno(), made, ssl
        self._serve = loop.create_unix_server if watched.family == socket.AF_UNIX else loop.create_server
        self._listening: list[socket.socket] = []
        self._turn, self._count = -1.0, 0
        self._taking: set[asyncio.Task[Any]] = set()

    async def listen(self, backlog: int) -> list[asyncio.Server]:
        """Take connections from now on, as the servers that are returned do. There are fewer of them where no descriptor is left. Raises `OSError`."""
        servers = []
        for _ in range(SCOUTS):
            try:
                scout = socket.socket(fileno=os.dup(self._descriptor))
            except OSError:
                break
            scout.setblocking(False)
            self._listening.append(scout)
            try:
                servers.append(await self._serve(self._take, sock=scout, ssl=self._ssl, backlog=backlog))
            except OSError:
                scout.close()
                raise
        return servers

    def _take(self) -> Any:
        if (now := self._loop.time()) != self._turn:
            self._turn, self._count = now, 0
        self._count += 1
        if self._count == len(self._listening):
            self._loop.call_soon(self._take_others)
        return self._made()

    def _take_others(self) -> None:
        for _ in range(AT_ONCE):
            try:
                other, _address = self._listening[0].accept()
            except OSError:  # nobody else waits, or there is no descriptor left for them, or the server has ended
                return
            other.setblocking(False)
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._made, other, ssl=self._ssl))
            self._taking.add(task)
            task.add_done_callback(self._taken)
        self._loop.call_soon(self._take_others)  # more may be waiting

    def _taken(self, task: asyncio.Task[Any]) -> None:
        self._taking.discard(task)
        if not task.cancelled():
            task.exception()  # the caller went away meanwhile
