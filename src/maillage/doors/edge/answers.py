"""The way out: what was answered is known to the log, read by the caller's script when it may, and past its deadline no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from maillage.doors.edge.cors import Cors

Send = Callable[[Any], Awaitable[None]]


class Answer:
    """The `send` that a door gets."""

    __slots__ = ("_cors", "_origin", "_send", "begun", "limit", "status")

    def __init__(self, send: Send, cors: Cors | None, origin: str) -> None:
        self._send, self._cors, self._origin = send, cors, origin
        self.limit: asyncio.Timeout | None = None
        self.begun: Callable[[], None] | None = None
        self.status = 0

    async def __call__(self, message: dict[str, Any]) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._cors is not None:
                self._cors.add(message, self._origin)
            if self.begun is not None:
                self.begun()
            if self.limit is not None:
                self.limit.reschedule(None)  # the work is done and committed: how fast the caller reads is the connection's affair
        await self._send(message)


async def answer(send: Send, status: int, headers: Mapping[str, str] | list[tuple[bytes, bytes]], body: bytes) -> None:
    """A whole answer."""
    raw = headers if isinstance(headers, list) else [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
