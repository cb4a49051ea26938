"""Refusals that cost next to nothing: under overload most requests end here, before anything is made for them (ADR 0014, F12)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from maillage.doors.edge.admission import Admission
from maillage.doors.edge.journal import Journal
from maillage.doors.edge.routes import Lane

Heads = list[tuple[bytes, bytes]]
Lanes = Callable[[bytes], Lane | None]
LONGEST: Final = 4096
"""Bytes within which the request line has to end."""

LESS_PLAIN: Final = (b"content-length", b"transfer-encoding", b"close", b"expect", b"upgrade")
"""What stands in a head after which a body, an end or another language may follow: such a head is taken apart."""

METHODS: Final = frozenset({b"GET", b"POST", b"PUT", b"PATCH", b"DELETE"})


class Hurry:
    """Asked by each connection when a head has come, with its method, its target and its headers.

    Heads that are read in one turn of the loop are all read before the first of them is worked on: those let in since are counted here.
    `lanes`: the lane of a target as far as its bytes tell, None when somebody has to look closer; `closer`: headers whose requests are looked at closer.
    """

    __slots__ = ("_admission", "_bytes", "_closer", "_coming", "_journal", "_lanes", "_less_plain", "_reason")

    def __init__(
        self,
        admission: Admission,
        journal: Journal,
        lanes: Lanes,
        answer: tuple[int, str, Mapping[str, str], bytes],
        closer: frozenset[bytes],
    ) -> None:
        status, self._reason, headers, body = answer
        self._admission, self._journal, self._lanes, self._closer = admission, journal, lanes, closer
        self._less_plain = LESS_PLAIN + tuple(b"\n%b:" % name for name in closer)
        self._coming = 0
        self._bytes = written(status, headers, body)

    def __call__(self, method: bytes, target: bytes, headers: Heads) -> bytes | None:
        """The whole answer when the request is refused at once; None when it goes its way."""
        if method not in METHODS:
            return None
        lane = self._lanes(target)
        if lane is None:
            return None
        if not self._admission.hopeless(lane, self._coming):
            self._let_in()
            return None
        if self._closer and any(name in self._closer for name, _ in headers):
            return None
        self._journal.refused(self._reason)
        return self._bytes

    def glance(self, data: bytes) -> bytes | None:
        """The same for bytes that nobody has parsed: one whole GET without a body, nothing before it and nothing behind; None for all that is less plain.

        A machine under overload is asked the same few kinds of questions: to take the head apart costs twice what the refusal does.
        """
        if not data.startswith(b"GET ") or not self._admission.hopeless(Lane.BATCH, self._coming):
            return None
        line = data.find(b" HTTP/1.1\r\n", 4, LONGEST)
        if line < 0 or data.find(b"\r\n\r\n", line) != len(data) - 4 or self._lanes(data[4:line]) is not Lane.BATCH:
            return None
        told = data[line:].lower()
        if any(word in told for word in self._less_plain):
            return None
        self._journal.refused(self._reason)
        return self._bytes

    def _let_in(self) -> None:
        if not self._coming:
            asyncio.get_running_loop().call_soon(self._come)
        self._coming += 1

    def _come(self) -> None:
        self._coming = 0


def written(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """An answer as it goes over the wire. It bears no date: a refusal need not (RFC 9110, 6.6.1)."""
    told = {**headers, "content-length": str(len(body))}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
