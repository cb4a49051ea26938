"""A partner's key server: a real HTTP server on the loopback that publishes keys, and misbehaves as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Self

import msgspec
from tests.support.machines import KEYS


class KeyServer:
    """`keys`: what it publishes; `cached`: its Cache-Control; `answer`: a status, or `hang`, `flood`, `drop`, `elsewhere`, `nonsense`, instead of them."""

    def __init__(self, *keys: str, ssl: Any = None) -> None:
        self.keys: list[dict[str, Any]] = published(keys)
        self.cached, self.headers, self.answer = "", "", ""
        self.asked = 0
        self.came = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self._ssl = ssl
        self._busy: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._ssl)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._ssl else 'http'}://{'localhost' if self._ssl else '127.0.0.1'}:{port}/jwks.json"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                asked = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                assert asked.startswith("get /jwks.json ")
                assert "accept: application/json" in asked
                self.asked += 1
                self.came.set()
                await self.go.wait()
                await self._answer(writer)
        finally:
            self._busy.discard(task)
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        status, body, more = "200 OK", msgspec.json.encode({"keys": self.keys}), self.headers
        if self.answer == "hang":
            await asyncio.Event().wait()
        if self.answer == "drop":
            return
        if self.answer == "elsewhere":
            status, more = "302 Found", f"location: {self.url}?again\r\n"
        elif self.answer == "nonsense":
            body = b"[" * 30_000
        elif self.answer == "flood":
            body = msgspec.json.encode({"keys": self.keys, "more": "x" * 70_000})
        elif self.answer:
            status = f"{self.answer} Told"
        cached = f"cache-control: {self.cached}\r\n" if self.cached else ""
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{cached}{more}content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()


def published(names: Iterable[str]) -> list[dict[str, Any]]:
    return [{**KEYS[name].as_dict(private=False), "use": "sig"} for name in names]
