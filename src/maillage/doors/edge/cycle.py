"""One request and its answer on a connection: the head of an answer leaves together with its body, and is looked through once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle


class Cycle(RequestResponseCycle):
    """What most answers are, a head with a length and the whole body, goes its own short way; everything else goes uvicorn's."""

    _head = b""

    async def send(self, message: Any) -> None:
        """Write the answer, message by message."""
        if self.disconnected or self.flow.write_paused:
            await self._slowly(message)
        elif not self.response_started and message["type"] == "http.response.start":
            self._begin(message["status"], [*self.default_headers, *message.get("headers", ())])
        elif self._head and self._is_whole(message):
            head, self._head = self._head, b""
            self.transport.write(head + message.get("body", b"") if self.scope["method"] != "HEAD" else head)
            self._end()
        else:
            await self._slowly(message)

    async def _slowly(self, message: Any) -> None:
        if self._head and not self.disconnected:
            self.transport.write(self._head)
        self._head = b""
        await super().send(message)

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        length, chunked, closes = 0, None, False
        for name, value in headers:
            if name == b"content-length" and chunked is None:
                length, chunked = int(value), False
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                length, chunked = 0, True
            elif name == b"connection" and b"close" in value.lower():
                closes = True
        if not self.keep_alive and not closes:
            headers.append((b"connection", b"close"))
        if chunked is None and self.scope["method"] != "HEAD" and status not in (204, 304):
            chunked = True
            headers.append((b"transfer-encoding", b"chunked"))
        self._head = _written(STATUS_LINE[status], headers)  # before anything is held to be said: what it refuses is answered by a 500
        self.expected_content_length, self.chunked_encoding, self.keep_alive = length, chunked, self.keep_alive and not closes
        self.response_started, self.waiting_for_100_continue = True, False
        if chunked:  # a stream: its head says that it has begun
            self.transport.write(self._head)
            self._head = b""

    def _is_whole(self, message: Any) -> bool:
        """Whether this is all of the body, as long as was told."""
        if message["type"] != "http.response.body" or message.get("more_body"):
            return False
        return self.scope["method"] == "HEAD" or len(message.get("body", b"")) == self.expected_content_length

    def _end(self) -> None:
        self.expected_content_length = 0
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


def _written(status: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head as it goes over the wire. Raises `RuntimeError` when a value would begin another line (CWE-113)."""
    lines = [b"%b: %b" % pair for pair in headers]
    told = b"\r\n".join(lines)
    if told.count(b"\n") >= len(lines) or told.count(b"\r") >= len(lines) or b"\0" in told:
        raise RuntimeError("Invalid HTTP header value.")
    return status + told + b"\r\n\r\n"
