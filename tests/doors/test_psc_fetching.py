"""What the connector asks, it asks of the address that it was given, and of no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from maillage.doors.connectors.openid.fetching import Fetcher
from maillage.kernel.errors import Unauthenticated

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def answering(head: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A peer that answers everything with the same head: its address, and the request lines that it heard."""
    heard: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode().partition("\r\n")[0])
        writer.write(f"{head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirection_is_an_error_and_is_not_followed(status: int) -> None:
    async with (
        answering("HTTP/1.1 200 OK") as (elsewhere, untold),
        answering(f"HTTP/1.1 {status} Go\r\nlocation: {elsewhere}/token") as (there, heard),
    ):
        with pytest.raises(Unauthenticated, match="openid-refused"):
            await Fetcher(2.0).json("POST", f"{there}/token", data={"code": "secret"})
    assert (heard, untold) == (["POST /token HTTP/1.1"], [])
