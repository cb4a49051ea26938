"""Whoever connects is taken soon, however many do."""

from __future__ import annotations

import asyncio
import errno
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import uvloop
from tests.rules.test_edge_hurry import fine

from maillage.cli.output import Failure
from maillage.cli.server import Server
from maillage.cli.sockets import bound
from maillage.doors.edge import SOCKET, Stance, guarded


@asynccontextmanager
async def serving(*, idle: float = 9, beside: Path | None = None) -> AsyncIterator[Server]:
    """Our server in front of an application that answers 200; a connection may say nothing for so long. `beside`: a Unix socket that it listens on too."""
    config = uvicorn.Config(fine, port=0, http=guarded(header_timeout=idle, write_timeout=9), ws="none", lifespan="off", log_config=None)
    config.load()
    by_socket = (beside, guarded(header_timeout=idle, write_timeout=9, peer=SOCKET)) if beside else None
    server = Server(config, Stance(), 0, by_socket)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server
    finally:
        await server.shutdown()


def callers(server: Server, count: int, stack: ExitStack, path: Path | None = None) -> None:
    """So many connect, by the Unix socket if one is named; the loop has not turned since."""
    listening: Any = server.servers[0].sockets[0]
    address = str(path) if path else listening.getsockname()
    for _ in range(count):
        caller = stack.enter_context(socket.socket(socket.AF_UNIX if path else socket.AF_INET))
        caller.settimeout(5)
        caller.connect(address)


async def turns_until_taken(count: int, path: Path | None = None) -> int:
    """How many turns of the loop it takes until so many connections that wait are taken."""
    async with serving(beside=path) as server:
        with ExitStack() as stack:
            callers(server, count, stack, path)
            turns = 0
            while len(server.server_state.connections) < count and turns < count:
                await asyncio.sleep(0)
                turns += 1
    return turns


def test_many_who_connect_are_taken_in_few_turns_of_the_loop() -> None:
    """So that few turns pass until the last of them is taken: it may be an emergency."""
    assert uvloop.run(turns_until_taken(200)) < 20


@pytest.fixture
def path() -> Iterator[Path]:
    """Where a Unix socket may lie: its path has to be short."""
    with tempfile.TemporaryDirectory(prefix="m") as folder:
        yield Path(folder) / "s"


def test_many_who_connect_by_the_socket_are_taken_as_quickly(path: Path) -> None:
    assert uvloop.run(turns_until_taken(200, path)) < 20


async def mode_of(path: Path) -> int:
    async with serving(beside=path):
        return stat.S_IMODE((await asyncio.to_thread(path.stat)).st_mode)


def test_only_the_owner_and_the_group_open_the_socket_and_it_goes_with_the_server(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))  # by a server that was killed
    assert uvloop.run(mode_of(path)) == 0o660
    assert not path.exists()


def test_a_socket_behind_which_somebody_is_is_left_to_them(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(Failure, match="in use"):
            uvloop.run(mode_of(path))
        assert path.is_socket()


def test_a_socket_whose_queue_is_full_is_somebody_s_too(path: Path) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(socket.socket(socket.AF_UNIX))
        other.bind(str(path))
        other.listen(0)
        stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(path))
        with pytest.raises(Failure, match="in use"):
            bound(path)


def test_a_path_where_no_socket_can_be_is_told(path: Path) -> None:
    path.write_text("kept", encoding="utf-8")
    with pytest.raises(Failure, match=f"cannot listen on the socket {path}"):
        uvloop.run(mode_of(path))
    assert path.read_text(encoding="utf-8") == "kept"


async def stopped_while_they_connect() -> float:
    """The seconds of a stop two turns of the loop after forty have connected who say nothing."""
    with ExitStack() as stack:
        async with serving(idle=60) as server:
            callers(server, 40, stack)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            begun = asyncio.get_running_loop().time()
        return asyncio.get_running_loop().time() - begun


def test_a_stop_does_not_wait_for_those_who_were_just_taken() -> None:
    assert uvloop.run(stopped_while_they_connect()) < 30


async def answered_once_there_is_room(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What somebody hears who connected while no descriptor was left for them."""
    tried = 0

    def none_left(listening: socket.socket) -> Any:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise OSError(errno.EMFILE, "none left")
        return accept(listening)

    accept = socket.socket.accept
    monkeypatch.setattr("socket.socket.accept", none_left)
    async with serving() as server:
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        heard = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.close()
        return heard


def test_who_connects_while_no_descriptor_is_left_is_taken_once_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert uvloop.run(answered_once_there_is_room(monkeypatch)).startswith(b"HTTP/1.1 200")


async def answered_in_pieces() -> bytes:
    """A request in three pieces, and another one close behind it: the first piece is heard on the doorstep, the others may come while it is let in."""
    async with serving() as server:
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
        for piece in (b"GET / HT", b"TP/1.1\r\nhost: loc", b"alhost\r\n\r\nGET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"):
            writer.write(piece)
            await asyncio.sleep(0)
        heard = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return heard


def test_what_follows_the_first_bytes_stays_in_its_order() -> None:
    assert uvloop.run(answered_in_pieces()).count(b"HTTP/1.1 200") == 2
