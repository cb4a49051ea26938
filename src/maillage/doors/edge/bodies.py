"""A body is read whole before anybody works on it: a slow sender costs memory that is counted, never a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]


class Gone(Exception):
    """The caller went away."""


class Memory:
    """The bytes of bodies that are being read or worked on, of all requests together."""

    __slots__ = ("held", "most")

    def __init__(self, most: int) -> None:
        self.held, self.most = 0, most

    @property
    def full(self) -> bool:
        """Whether no more may come in."""
        return self.held >= self.most


class Body:
    """What was read, to be handed to the door; `release` when it is done with."""

    __slots__ = ("_bytes", "_given", "_memory", "_receive", "gone", "whole")

    def __init__(self, receive: Receive, memory: Memory, *, expected: bool) -> None:
        self._receive, self._memory = receive, memory
        self._bytes = bytearray()
        self._given = False
        self.whole = not expected
        self.gone = asyncio.Event()

    async def read(self, limit: int, seconds: float) -> None:
        """Read to the end, or just beyond what is accepted. Raises `TimeoutError`, `Gone`."""
        async with asyncio.timeout(seconds):
            while len(self._bytes) <= limit and not self.whole:
                message: Message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part = message.get("body", b"")
                self._bytes += part
                self._memory.held += len(part)
                self.whole = not message.get("more_body")

    def release(self) -> None:
        """Count its bytes no more."""
        self._memory.held -= len(self._bytes)
        self._bytes = bytearray()

    async def receive(self) -> Message:
        """What the door reads: the body as one message, then the word that the caller went away, should it come."""
        if not self._given:
            self._given = True
            return {"type": "http.request", "body": bytes(self._bytes), "more_body": not self.whole}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def watch(self) -> None:
        """Come back when the caller has gone away."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone.set()
