"""Answers as they go over the wire: the head with the body, what HTTP/1.1 adds to it, and no line that a value would begin."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from tests.support.edge import listening, talk

ASK = b"GET /x HTTP/1.1\r\nhost: localhost\r\n"
LENGTH = (b"content-length", b"2")


async def answered(port_asks: bytes, status: int, headers: list[tuple[bytes, bytes]], *bodies: dict[str, Any]) -> bytes:
    """What a caller reads when the application sends this head and these messages."""

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for body in bodies:
            await send({"type": "http.response.body", **body})

    async with listening(application) as port:
        return await talk(port, port_asks + b"connection: close\r\n\r\n")


def taken_apart(told: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """The status line, the headers by name, the rest."""
    head, _, rest = told.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, dict(line.split(b": ", 1) for line in lines), rest


@pytest.mark.asyncio
async def test_a_whole_answer_has_its_head_and_its_body() -> None:
    first, headers, rest = taken_apart(await answered(ASK, 200, [LENGTH, (b"etag", b'W/"1"')], {"body": b"ok"}))
    assert (first, rest, headers[b"etag"], headers[b"connection"]) == (b"HTTP/1.1 200 OK", b"ok", b'W/"1"', b"close")


@pytest.mark.asyncio
async def test_a_body_that_comes_in_parts_is_told_in_parts() -> None:
    parts = ({"body": b"o", "more_body": True}, {"body": b"k", "more_body": True}, {"body": b""})
    assert taken_apart(await answered(ASK, 200, [LENGTH], *parts))[2] == b"ok"
    _, headers, rest = taken_apart(await answered(ASK, 200, [], *parts))
    assert (headers[b"transfer-encoding"], rest) == (b"chunked", b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n")


@pytest.mark.asyncio
async def test_a_head_alone_and_an_answer_without_content_have_no_body() -> None:
    first, headers, rest = taken_apart(await answered(ASK.replace(b"GET", b"HEAD"), 200, [LENGTH], {"body": b"ok"}))
    assert (first, headers[b"content-length"], rest) == (b"HTTP/1.1 200 OK", b"2", b"")
    first, headers, rest = taken_apart(await answered(ASK, 204, [], {"body": b""}))
    assert (first, rest, b"transfer-encoding" in headers) == (b"HTTP/1.1 204 No Content", b"", False)


@pytest.mark.asyncio
@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\0b"])
async def test_a_value_begins_no_other_line(value: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        told = await answered(ASK, 200, [LENGTH, (b"location", value)], {"body": b"ok"})
    assert told.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in told


@pytest.mark.asyncio
async def test_a_body_of_another_length_than_told_ends_the_connection() -> None:
    assert b"too long" not in await answered(ASK, 200, [LENGTH], {"body": b"too long"})
