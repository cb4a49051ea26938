"""Callers that are slow on purpose: headers that do not come, answers that are not read, bodies that nobody asked for (slowloris; ASVS 5.0, V13.2)."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Guarded(HttpToolsProtocol):
    """One connection: a clock runs whenever it is the caller's turn."""

    header_timeout: ClassVar[float] = 10.0
    write_timeout: ClassVar[float] = 30.0
    linger: ClassVar[float] = 10.0
    """Seconds in which a refused body may still arrive, and is dropped, so that its sender reads the refusal instead of a reset."""

    _clock: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The headers are awaited."""
        super().connection_made(transport)
        self._wind(self.header_timeout)

    def data_received(self, data: bytes) -> None:
        """Bytes that begin no request do not buy time."""
        super().data_received(data)
        if self._idle() and self._clock is None and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self._wind(self.header_timeout)

    def on_message_begin(self) -> None:
        """A request begins: its headers are awaited."""
        super().on_message_begin()
        self._wind(self.header_timeout)

    def on_headers_complete(self) -> None:
        """From here on the edge has its own limit for the body."""
        self._stop()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """What still comes of a refused body is dropped, for a while."""
        super().on_response_complete()
        if self.cycle.more_body and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._wind(self.linger)

    def on_message_complete(self) -> None:
        """The body has come, in time or after its refusal."""
        self._stop()
        late = self._idle()
        super().on_message_complete()
        if late:
            self._wind(float(self.timeout_keep_alive))

    def pause_writing(self) -> None:
        """The caller does not read."""
        super().pause_writing()
        self._writing = self.loop.call_later(self.write_timeout, self.transport.abort)

    def resume_writing(self) -> None:
        """The caller reads again."""
        super().resume_writing()
        self._stop_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._stop()
        self._stop_writing()
        super().connection_lost(exc)

    def _idle(self) -> bool:
        """Whether no request is being worked on."""
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return cycle is None or cycle.response_complete

    def _wind(self, seconds: float) -> None:
        self._stop()
        self._clock = self.loop.call_later(seconds, self.transport.abort)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None


def guarded(*, header_timeout: float, write_timeout: float) -> type[Guarded]:
    """The protocol of a server whose connections have so many seconds."""
    return type("GuardedConnection", (Guarded,), {"header_timeout": header_timeout, "write_timeout": write_timeout})
