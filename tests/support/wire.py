"""A wire between the application and PostgreSQL that the test may cut: a loopback TCP proxy of our own (faults F4 to F7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Wire:
    """Carries bytes both ways. `silent_up`, `silent_down`: bytes vanish, nobody is told. `reset_every`: cut after so many messages of the client.

    `delay`: seconds that each piece waits; `rate`: bytes a second that one connection carries each way, 0 for as many as come.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self.silent_up = self.silent_down = False
        self.delay = 0.0
        self.rate = 0
        self.reset_every = 0
        self.messages = 0
        self.resets = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the application."""
        self._tasks.add(asyncio.current_task())  # type: ignore[arg-type]  # a task runs this
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self._target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, server_writer}
        try:
            await asyncio.gather(self._up(reader, server_writer, writer), self._down(server_reader, writer))
        finally:
            for one in (writer, server_writer):
                self._writers.discard(one)
                one.close()
            self._tasks.discard(asyncio.current_task())  # type: ignore[arg-type]  # as above

    async def _up(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, client: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                self.messages += 1
                if self.reset_every and self.messages % self.reset_every == 0:
                    self.resets += 1
                    for one in (client, server):
                        one.transport.abort()
                    return
                await self._carry(data, server, silent=self.silent_up)
        server.close()

    async def _down(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._carry(data, client, silent=self.silent_down)
        client.close()

    async def _carry(self, data: bytes, writer: asyncio.StreamWriter, *, silent: bool) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.rate:
            await asyncio.sleep(len(data) / self.rate)
        if not silent:
            writer.write(data)
            await writer.drain()

    @property
    def open(self) -> int:
        """Connections that are carried now."""
        return len(self._writers) // 2

    def cut(self) -> None:
        """Abort every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def end(self) -> None:
        """Nothing of it is left."""
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def wired(dsn: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the cluster of `dsn`, and the address of the same database at its other end."""
    parts = urlsplit(dsn)
    asked: dict[str, Any] = parse_qs(parts.query)
    wire = Wire(f"{asked['host'][0]}/.s.PGSQL.{asked['port'][0]}")
    server = await asyncio.start_server(wire.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    who = parts.netloc.rpartition("@")[0]
    try:
        yield wire, f"postgresql://{who}@127.0.0.1:{port}{parts.path}?sslmode=disable"
    finally:
        server.close()
        await wire.end()
