"""Connections on which nothing was let in yet: under overload most of those that are opened end here, and making ready for work costs more than refusing it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from maillage.doors.edge.protocol import Guarded, Refuse


class Doorstep(asyncio.Protocol):
    """One connection until the first request that is not refused at a glance: from then on it is `inner`, and this is forgotten.

    Made by the server, as any protocol of it: `told` is what it tells each of them.
    """

    inner: ClassVar[type[Guarded]] = Guarded
    refuse: ClassVar[Refuse | None] = None
    __slots__ = ("_clock", "_connections", "_due", "_keep", "_loop", "_told", "_transport", "_until")

    def __init__(self, *, config: Any, server_state: Any, _loop: asyncio.AbstractEventLoop | None = None, **told: Any) -> None:
        self._loop = _loop or asyncio.get_running_loop()
        self._told = {"config": config, "server_state": server_state, "_loop": self._loop, **told}
        self._connections = server_state.connections
        self._keep = float(config.timeout_keep_alive)

    def connection_made(self, transport: Any) -> None:
        """The headers of its first request are awaited."""
        self._transport = transport
        self._connections.add(self)
        self._rest_until(self._loop.time() + self.inner.header_timeout)

    def data_received(self, data: bytes) -> None:
        """Refuse, or let in."""
        now = self._loop.time()
        answer = self.refuse.glance(data, now) if self.refuse is not None else None
        if answer is None:
            self._let_in().data_received(data)
        else:
            self._transport.write(answer)
            self._until = now + self._keep
            if self._until < self._due:
                self._clock.cancel()
                self._rest_until(self._until)

    def pause_writing(self) -> None:
        """The caller does not read its refusals: there is a clock for that within."""
        self._let_in().pause_writing()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._leave()

    def shutdown(self) -> None:
        """The server stops: nothing is under way here."""
        self._transport.close()

    def _let_in(self) -> Guarded:
        self._leave()
        inner = self.inner(**self._told)
        self._transport.set_protocol(inner)
        inner.connection_made(self._transport, self._until)
        return inner

    def _ended(self) -> None:
        """The time is over, unless the connection was used since: the timer is not set anew with each refusal."""
        if self._until > self._loop.time():
            self._rest_until(self._until)
        else:
            self._transport.abort()

    def _rest_until(self, then: float) -> None:
        self._until = self._due = then
        self._clock = self._loop.call_at(then, self._ended)

    def _leave(self) -> None:
        self._clock.cancel()
        self._connections.discard(self)


def guarded(
    *, header_timeout: float, write_timeout: float, refuse: Refuse | None = None, linger: float = Guarded.linger, peer: str = ""
) -> type[Doorstep]:
    """The protocol of a server whose connections have so many seconds; `refuse`, `linger`, `peer`: see `Guarded`."""
    told = {"header_timeout": header_timeout, "write_timeout": write_timeout, "refuse": refuse, "linger": linger, "peer": peer}
    return type("GuardedDoorstep", (Doorstep,), {"__slots__": (), "inner": type("GuardedConnection", (Guarded,), told), "refuse": refuse})
