"""Connections on which nothing was let in yet: they cost little, and they end in time."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from tests.rules.test_edge_hurry import GLASS, HEAD, fine, hurry
from tests.support.edge import listening, talk

from maillage.doors.edge.admission import Admission
from maillage.doors.edge.hurry import Hurry, Way
from maillage.doors.edge.journal import Journal
from maillage.doors.edge.routes import Lane
from maillage.doors.fhir.admission import machines
from maillage.settings import EdgeSettings

GET = HEAD + b"\r\n"


def refusing(answer: bytes) -> Hurry:
    """Refuses all machines, with this answer."""
    admission = Admission(EdgeSettings(running=1, kept_for_emergencies=0, kept_for_people=0, wait_batch=0.001))
    admission.running = 1
    return Hurry(admission, Journal(), [Way(Lane.BATCH, machines(b"/fhir"), answer)])


@pytest.mark.asyncio
@pytest.mark.parametrize("parts", [(), (GET,), (GET, GET), (b"\r\n",), (HEAD,)])
async def test_a_connection_that_rests_is_ended(parts: tuple[bytes, ...]) -> None:
    """After a second in these tests, whether it has said nothing, was refused, or has begun to say something."""
    async with listening(fine, hurry()) as port, asyncio.timeout(4):
        assert (await talk(port, *parts)).count(b"HTTP/1.1 503") == parts.count(GET)


@pytest.mark.asyncio
async def test_bytes_that_begin_no_request_buy_no_time() -> None:
    loop = asyncio.get_running_loop()
    async with listening(fine, hurry(), headers=3.0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        begun = loop.time()
        await asyncio.sleep(1.5)
        writer.write(b"\r\n")
        assert await reader.read() == b""
        assert loop.time() - begun < 4.4, "the seconds that it had from the beginning, not as many more"
        writer.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", [GET, HEAD + b"upgrade: h2c\r\n\r\n"])
async def test_who_was_refused_rests_no_longer_than_others(asked: bytes) -> None:
    """At a glance or taken apart: a second, though headers may take thirty."""
    async with listening(fine, hurry(), headers=30.0) as port, asyncio.timeout(10):
        assert (await talk(port, asked)).startswith(b"HTTP/1.1 503")


@pytest.mark.asyncio
async def test_who_was_refused_may_come_again_on_the_same_connection() -> None:
    """Three seconds after the last refusal, not after the first."""
    async with listening(fine, hurry(), headers=3.0, keep=3) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for asked in (GET, GET, GET, GLASS):
            writer.write(asked)
            answer = await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(2)
            assert answer.startswith(b"HTTP/1.1 200" if asked is GLASS else b"HTTP/1.1 503")
            await asyncio.sleep(1.2)
        writer.close()


@pytest.mark.asyncio
async def test_a_server_that_stops_ends_them() -> None:
    async with asyncio.timeout(20), listening(fine, hurry(), headers=60.0, keep=60) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await reader.readuntil(b"{}")
    assert await asyncio.wait_for(reader.read(), 4) == b""
    writer.close()


@pytest.mark.asyncio
async def test_many_requests_in_one_piece_do_not_fill_the_memory() -> None:
    """Refused or not: who sends thousands and reads nothing is cut."""
    async with listening(fine, refusing(b"HTTP/1.1 503 No\r\ncontent-length: 5000\r\n\r\n" + b"x" * 5000)) as port:
        assert len(await talk(port, GET * 5000)) < 5_000_000
    async with listening(fine) as port:
        assert (await talk(port, GLASS * 3000)).count(b"HTTP/1.1 200") < 1000


@pytest.mark.asyncio
async def test_who_is_refused_behind_a_long_answer_reads_that_answer_to_its_end() -> None:
    async def long(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8000000")]})
        await send({"type": "http.response.body", "body": b"x" * 8_000_000})

    async with listening(long, refusing(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")) as port:
        assert (await talk(port, GLASS, GET)).count(b"x") == 8_000_000


async def ask_for_ever(caller: socket.socket) -> None:
    while True:
        await asyncio.get_running_loop().sock_sendall(caller, GET)
        await asyncio.sleep(0.1)


@pytest.mark.asyncio
async def test_who_does_not_read_its_refusals_is_cut() -> None:
    async with listening(fine, refusing(b"x" * 2_000_000)) as port, asyncio.timeout(20):
        with socket.socket() as caller:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            caller.setblocking(False)
            await asyncio.get_running_loop().sock_connect(caller, ("127.0.0.1", port))
            with pytest.raises((BrokenPipeError, ConnectionResetError)):
                await ask_for_ever(caller)
