"""The connections of our server in front of an application of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn

from maillage.cli.server import Server
from maillage.doors.edge import Stance, guarded
from maillage.doors.edge.hurry import Hurry


@asynccontextmanager
async def listening(application: Any, refuse: Hurry | None = None, *, headers: float = 1.0, keep: int = 1) -> AsyncIterator[int]:
    """Its port. `headers`, `keep`: seconds in which headers have to come, and in which a connection may rest."""
    kind = guarded(header_timeout=headers, write_timeout=1, refuse=refuse, linger=0.3)
    config = uvicorn.Config(application, port=0, http=kind, ws="none", lifespan="off", log_config=None, timeout_keep_alive=keep)
    config.load()
    server = Server(config, Stance(), 0)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


async def talk(port: int, *parts: bytes) -> bytes:
    """What is answered to these parts, until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.05)
    told = b""
    with suppress(ConnectionResetError):
        while part := await asyncio.wait_for(reader.read(10_000), 5):
            told += part
    writer.close()
    return told
