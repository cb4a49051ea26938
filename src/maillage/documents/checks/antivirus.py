"""The virus scanner, where there is one: clamd's INSTREAM command (clamd(8)), over its socket or TCP. A scanner that does not answer lets nothing in."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import Final

from maillage.kernel.errors import Unavailable

_PIECE: Final = 1 << 16
_SECONDS: Final = 15.0
_LONGEST_ANSWER: Final = 4096


class AntivirusError(Exception):
    """The scanner said something that is no verdict."""


@dataclass(frozen=True, slots=True)
class Antivirus:
    """A clamd at `address`: the path of its socket, or `host:port`; no address, no scan."""

    address: str = ""

    async def is_clean(self, data: bytes) -> bool:
        """Whether nothing was found in these bytes. Raises `Unavailable("antivirus-away")`."""
        if not self.address:
            return True
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await self._ask(b"zINSTREAM\0", data)
            return _verdict(answer)
        except (OSError, TimeoutError, AntivirusError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise Unavailable("antivirus-away", retry_after=30) from error

    async def version(self) -> str:
        """What the scanner says of itself. Raises `OSError`, `TimeoutError`, `AntivirusError`."""
        async with asyncio.timeout(_SECONDS):
            return (await self._ask(b"zVERSION\0", None)).decode("utf-8", "replace")

    async def _ask(self, command: bytes, data: bytes | None) -> bytes:
        reader, writer = await self._connect()
        try:
            writer.write(command)
            if data is not None:
                for start in range(0, len(data), _PIECE):
                    piece = data[start : start + _PIECE]
                    writer.write(struct.pack(">I", len(piece)) + piece)
                    await writer.drain()
                writer.write(struct.pack(">I", 0))
            await writer.drain()
            return (await reader.readuntil(b"\0"))[:-1]
        except asyncio.IncompleteReadError as error:
            raise AntivirusError("no answer") from error
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.address.startswith("/"):
            return await asyncio.open_unix_connection(self.address, limit=_LONGEST_ANSWER)
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdigit():
            raise AntivirusError("no address")
        return await asyncio.open_connection(host.strip("[]"), int(port), limit=_LONGEST_ANSWER)


def _verdict(answer: bytes) -> bool:
    text = answer.decode("utf-8", "replace").strip()
    if text == "stream: OK":
        return True
    if text.startswith("stream: ") and text.endswith(" FOUND"):
        return False
    raise AntivirusError(text[:80])
