"""Checkpoints told to a syslog server over TLS (RFC 5424 in the frames of RFC 5425): a copy on a machine that nobody here can write."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import datetime

PRIORITY = 13 * 8 + 5
"""Facility 13, log audit; severity 5, notice."""
PATIENCE = 5.0


class Syslog:
    """A witness at `host:port`; `authority` is the PEM file of whoever signed its certificate, when the system does not know it."""

    def __init__(self, address: str, authority: str = "") -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._context = ssl.create_default_context(cafile=authority or None)

    async def tell(self, line: bytes, at: datetime) -> None:
        """Send one checkpoint over a connection of its own."""
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(self._host.strip("[]"), self._port, ssl=self._context)
            try:
                writer.write(frame(line, at, socket.gethostname()))
                await writer.drain()
            finally:
                writer.close()
                await writer.wait_closed()


def frame(line: bytes, at: datetime, host: str) -> bytes:
    """The message with its length before it."""
    head = f"<{PRIORITY}>1 {at.isoformat(timespec='milliseconds')} {host} maillage - audit-checkpoint - "
    message = head.encode() + line
    return f"{len(message)} ".encode() + message
