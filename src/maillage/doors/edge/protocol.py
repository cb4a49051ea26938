"""Callers that are slow on purpose: headers that do not come, answers that are not read, bodies that nobody asked for (slowloris; ASVS 5.0, V13.2)."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from maillage.doors.edge.cycle import Cycle

PIPELINED: Final = 64
"""Requests that may wait behind another on one connection: nobody sends so many who means well, and one read may hold thousands of them."""


class Refuse(Protocol):
    """What is answered at once: the whole answer, or None when the request goes its way."""

    def __call__(self, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]) -> bytes | None:
        """To a head."""

    def glance(self, data: bytes, now: float) -> bytes | None:
        """To bytes that nobody has parsed, when they are one whole request; `now` is the time of the loop."""


class Guarded(HttpToolsProtocol):
    """One connection: a clock runs whenever it is the caller's turn."""

    header_timeout: ClassVar[float] = 10.0
    write_timeout: ClassVar[float] = 30.0
    linger: ClassVar[float] = 10.0
    """Seconds in which a refused body may still arrive, and is dropped, so that its sender reads the refusal instead of a reset."""

    refuse: ClassVar[Refuse | None] = None
    peer: ClassVar[str] = ""
    """Who is at the other end of every connection, where it has no address."""

    _first = b""
    """What was heard before the connection was made."""
    _begun = False
    """Whether a head has begun and has not ended."""
    _open = False
    """Whether a message has begun and has not ended: what comes belongs to it, whatever it looks like."""
    _dropping = False
    """Whether the rest of a message that was refused at once is still to come."""
    _last = False
    """Whether the connection ends with the message that was refused."""
    _resting = False
    """Whether the next request is awaited, and nothing else."""
    _until = 0.0
    _clock: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None

    def heard(self, data: bytes, until: float) -> None:
        """What it said on the doorstep, and when its time for the headers is over: told before the connection is made."""
        self._first, self._until = data, until

    def connection_made(self, transport: Any) -> None:
        """The headers are awaited."""
        super().connection_made(transport)
        if self.peer:
            self.client = (self.peer, 0)
        self._wind(max(0.0, self._until - self.loop.time()) if self._first else self.header_timeout)
        if self._first:
            self.loop.call_soon(self._hear)  # nothing can be paused before it is read from

    def data_received(self, data: bytes) -> None:
        """Bytes that begin no request do not buy time; what is refused anyway is refused before it is taken apart."""
        if self._resting and self.refuse is not None and (answer := self.refuse.glance(data, now := self.loop.time())) is not None:
            self._tell(answer)
            self._until = now + self.timeout_keep_alive
            return
        if self._first:
            data, self._first = self._first + data, b""
        super().data_received(data)
        if self._begun:
            self._begun = False
            self._wind(self.header_timeout)
        elif self._dropping:
            if self._clock is None:
                self._wind(self.linger)
        elif self._clock is None and not self._resting and self._idle() and not self.transport.is_closing():
            self._wind(self.header_timeout)

    def on_message_begin(self) -> None:
        """A request begins: its headers are awaited. What the application is told of it is made when they are there and nothing refuses it."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._begun = self._open = True
        self._resting = False

    def on_headers_complete(self) -> None:
        """From here on the edge has its own limit for the body, unless it refuses at once."""
        self._begun = False
        self._stop()
        if self.refuse is not None and self._idle() and not self.expect_100_continue:
            answer = self.refuse(self.parser.get_method(), self.url, self.headers)
            if answer is not None:
                self._dropping, self._last = True, not self.parser.should_keep_alive()
                self._tell(answer if not self._last else answer.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
                return
        if len(self.pipeline) < PIPELINED:
            self._begin_work()
        else:
            self.transport.abort()

    def on_body(self, body: bytes) -> None:
        """What follows a head that was refused is dropped."""
        if not self._dropping:
            super().on_body(body)

    def on_response_complete(self) -> None:
        """The next request of the connection has its turn, or is awaited. What still comes of a refused body is dropped, for a while."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self.cycle.more_body:
            self._rest()
        if self.cycle.more_body:
            self._wind(self.linger)

    def on_message_complete(self) -> None:
        """The body has come, in time or after its refusal."""
        self._open = False
        self._stop()
        if self._dropping:
            self._drop()
            return
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
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        super().connection_lost(exc)

    def _hear(self) -> None:
        """Begin with what was said on the doorstep, unless more has come since, or the caller has gone."""
        if self._first and not self.transport.is_closing():
            self.data_received(b"")

    def _tell(self, answer: bytes) -> None:
        """Refuse; who asks again and again and reads none of its refusals is cut, before they fill the memory. What it may still read, it may."""
        if self.flow.write_paused:
            self.transport.close()
        else:
            self.transport.write(answer)

    def _drop(self) -> None:
        """A message that was refused at once has come to its end."""
        self._dropping = False
        if self._last:
            self.transport.close()
        else:
            self._rest()

    def _begin_work(self) -> None:
        """Hand the request to the application, at once or behind those that came before it on the connection."""
        version, waits = self.parser.get_http_version(), not self._idle()
        self.scope = self._scope(version)
        self.cycle = Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        application = service_unavailable if self._too_many() else self.app
        if waits:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, application))
        else:
            self._start_asgi_task(self.cycle, application)

    def _scope(self, version: str) -> Any:
        target = httptools.parse_url(self.url)
        path = target.path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": self.parser.get_method().decode("ascii"),
            "root_path": self.root_path,
            "path": unquote(path) if "%" in path else path,
            "raw_path": target.path,
            "query_string": target.query or b"",
            "headers": self.headers,
            "state": self.app_state.copy(),
        }

    def _too_many(self) -> bool:
        most = self.limit_concurrency
        return most is not None and (len(self.connections) >= most or len(self.tasks) >= most)

    # --- how long a connection may rest: its timer is looked at when it ends, not set anew with each request -----------------------
    def _rest(self) -> None:
        if self._open:
            return
        self._resting = True
        self._until = self.loop.time() + self.timeout_keep_alive
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        self._resting = False

    def timeout_keep_alive_handler(self) -> None:
        """The timer ended: the connection may have been used since."""
        self.timeout_keep_alive_task = None
        left = self._until - self.loop.time()
        if self._resting and left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        elif self._resting:
            super().timeout_keep_alive_handler()

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


def guarded(
    *, header_timeout: float, write_timeout: float, refuse: Refuse | None = None, linger: float = Guarded.linger, peer: str = ""
) -> type[Guarded]:
    """The protocol of a server whose connections have so many seconds; `refuse`, `linger`, `peer`: see `Guarded`."""
    told = {"header_timeout": header_timeout, "write_timeout": write_timeout, "refuse": refuse, "linger": linger, "peer": peer}
    return type("GuardedConnection", (Guarded,), told)
