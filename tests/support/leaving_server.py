"""A peer that speaks enough of PostgreSQL's protocol (3.0, chapter 55 of its manual) to let a client in and to leave at once, as a server that is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


def _said(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


_LET_IN = _said(b"R", bytes(4)) + _said(b"S", b"server_version\x0016.4\0") + _said(b"Z", b"I")
_LEAVES = _said(b"E", b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0")


class LeavingServer:
    """Where it stands, and whether somebody came in."""

    def __init__(self) -> None:
        self.dsn = ""
        self.came = asyncio.Event()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let one client in; the word of the end reaches it with the welcome, the end itself later."""
        length = int.from_bytes(await reader.readexactly(4), "big")
        await reader.readexactly(length - 4)
        writer.write(_LET_IN + _LEAVES)
        self.came.set()
        await reader.read()
        writer.close()


@asynccontextmanager
async def leaving_server() -> AsyncIterator[LeavingServer]:
    """One on the loopback, for the length of the block."""
    made = LeavingServer()
    server = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    made.dsn = f"postgresql://nobody@127.0.0.1:{server.sockets[0].getsockname()[1]}/none?sslmode=disable"
    async with server:
        yield made
