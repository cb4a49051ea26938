"""A partner's receiver: a real HTTP server on the loopback that answers as it is told to, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

LATE = 0.2


@dataclass(frozen=True)
class Got:
    """One request."""

    id: str
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> dict[str, Any]:
        """The first entry of the Bundle, by the names of its parameters; an order of the French guide has none."""
        [first, *_] = json.loads(self.body).get("entry") or [{"resource": {"parameter": [{"name": "type", "valueCode": "order"}]}}]
        return {part["name"]: part for part in first["resource"]["parameter"]}

    @property
    def kind(self) -> str:
        return str(self.status["type"]["valueCode"])

    @property
    def number(self) -> int:
        parts = {part["name"]: part for part in self.status["notification-event"]["part"]}
        return int(parts["event-number"]["valueString"])

    @property
    def focus(self) -> str:
        parts = {part["name"]: part for part in self.status["notification-event"]["part"]}
        return str(parts["focus"]["valueReference"]["reference"])

    def is_signed_with(self, secret: bytes) -> bool:
        content = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
        return f"v1,{expected}" in self.headers["webhook-signature"].split()


class Receiver:
    """`answers`: what the next requests get, in order: a status, `late`, `hang`, `drop`, `flood`, `lie` or `elsewhere`; afterwards 200."""

    def __init__(self, *, ssl: Any = None) -> None:
        self.answers: list[int | str] = []
        self.got: list[Got] = []
        self.came = asyncio.Event()
        self._ssl = ssl
        self._busy: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._ssl)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}/hook"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        await asyncio.sleep(0.05)  # the loop lets go of closed sockets in its next turns; it may be closed after this

    @property
    def events(self) -> list[Got]:
        return [one for one in self.got if one.kind == "event-notification"]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(await self._read(reader), writer)
        finally:
            self._busy.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Got:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        made = Got(headers.get("webhook-id", ""), {"request": lines[0], **headers}, body)
        self.got.append(made)
        self.came.set()
        return made

    async def _answer(self, _got: Got, writer: asyncio.StreamWriter) -> None:
        how = self.answers.pop(0) if self.answers else 200
        if how == "hang":
            await asyncio.sleep(3600)
        if how == "drop":
            return
        if how == "late":
            await asyncio.sleep(LATE)
        if how == "flood":
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                writer.write(b"x-flood: " + b"a" * 60_000 + b"\r\n")
                await writer.drain()
        if how == "lie":
            writer.write(b"SSH-2.0-OpenSSH_9.7\r\n\r\n")
        elif how == "elsewhere":
            writer.write(b"HTTP/1.1 307 Away\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")
        else:
            writer.write(f"HTTP/1.1 {how if type(how) is int else 200} So\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
