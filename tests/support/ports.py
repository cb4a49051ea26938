"""A port for a server that starts later: one that nobody else is given meanwhile."""

from __future__ import annotations

import secrets
import socket

_BELOW = 32_768
"""From here on the system gives ports to whoever asks for any (ip_local_port_range): a port that was free is taken before a slow server binds it."""
_MANY = 12_000


def free_port() -> int:
    """A free one on the loopback, below those."""
    while True:
        port = _BELOW - 1 - secrets.randbelow(_MANY)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
