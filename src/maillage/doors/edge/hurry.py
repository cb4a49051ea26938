"""Refusals that cost next to nothing: under overload most requests end here, before anything is made for them (ADR 0014, F12)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from maillage.doors.edge.admission import Admission
from maillage.doors.edge.journal import Journal
from maillage.doors.edge.routes import Lane

Heads = list[tuple[bytes, bytes]]
OVERLOADED: Final = "overloaded"
LONGEST: Final = 4096
"""Bytes within which the first line has to end, and the headers after it."""

LESS_PLAIN: Final = (b"transfer-encoding", b"close", b"\nexpect", b"\nupgrade:")
"""What stands in a head after which an end or another language may follow: such a head is taken apart."""

WELL_FORMED: Final = re.compile(rb"\r\n(?:[!#$%&'*+.^_`|~0-9a-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n")
"""Headers in small letters as everybody reads them: none is folded, none has a space before its colon, no line ends otherwise (RFC 9112, 2.2, 5.1 and 5.2)."""

LENGTH: Final = re.compile(rb"\r\ncontent-length: ?([0-9]{1,9})\r\n")
REMEMBERED: Final = 512
"""Heads without their first line of which it is known how they go on: a machine sends the same one again and again."""

METHODS: Final = frozenset({b"GET", b"POST", b"PUT", b"PATCH", b"DELETE"})


class Way:
    """How one door refuses in a hurry: addresses that look like `targets` are surely of its `lane`, and hear `answer`.

    `closer`: names of headers whose requests are looked at closer all the same.
    """

    __slots__ = ("answer", "closer", "coming", "hopeless_at", "lane", "line", "target")

    def __init__(self, lane: Lane, targets: bytes, answer: bytes, closer: frozenset[bytes] = frozenset()) -> None:
        self.lane, self.answer, self.closer = lane, answer, closer
        self.target = re.compile(targets)
        self.line = re.compile(rb"(?:GET|POST) %b HTTP/1\.1\r\n" % targets)
        self.coming = 0
        self.hopeless_at = -1.0


class Hurry:
    """Asked by each connection when a head has come, with its method, its target and its headers.

    Heads that are read in one turn of the loop are all read before the first of them is worked on: those let in since are counted here.
    """

    __slots__ = ("_admission", "_journal", "_known", "_less_plain", "_uncounted", "_ways")

    def __init__(self, admission: Admission, journal: Journal, ways: Sequence[Way]) -> None:
        self._admission, self._journal, self._ways = admission, journal, ways
        self._less_plain = LESS_PLAIN + tuple(b"\n%b:" % name for way in ways for name in way.closer)
        self._known: dict[bytes, int] = {}
        self._uncounted = 0

    def __call__(self, method: bytes, target: bytes, headers: Heads) -> bytes | None:
        """The whole answer when the request is refused at once; None when it goes its way."""
        way = next((way for way in self._ways if way.target.fullmatch(target)), None) if len(target) <= LONGEST else None
        if way is None or method not in METHODS:
            return None
        if not self._admission.hopeless(way.lane, self._coming(way)):
            self._let_in(way)
            return None
        if way.closer and any(name in way.closer for name, _ in headers):
            return None
        self._journal.refused(OVERLOADED)
        return way.answer

    def glance(self, data: bytes, now: float) -> bytes | None:
        """The same for bytes that nobody has parsed: one whole GET or POST, nothing before it and nothing behind; None for all that is less plain.

        A machine under overload is asked the same few kinds of questions: to take the head apart costs more than the refusal does. What is hopeless is
        so for the whole turn of the loop: nobody's work ends in it.
        """
        for way in self._ways:
            if (now == way.hopeless_at or self._is_hopeless(way, now)) and (line := way.line.match(data, 0, LONGEST)):
                if not self._is_whole(data[line.end() - 2 :]):
                    return None
                self._uncounted += 1
                return way.answer
        return None

    def _is_hopeless(self, way: Way, now: float) -> bool:
        if self._uncounted:  # once in a turn of the loop, not for each of them
            self._journal.refused(OVERLOADED, self._uncounted)
            self._uncounted = 0
        found = self._admission.hopeless(way.lane, self._coming(way))
        if found:
            way.hopeless_at = now
        return found

    def _coming(self, way: Way) -> int:
        """Those on their way who would pass before the next one of this way."""
        return sum(other.coming for other in self._ways if other.lane <= way.lane)

    def _is_whole(self, rest: bytes) -> bool:
        """Whether this is all that follows the first line of a plain request: its headers, and as many bytes behind them as they say."""
        if len(rest) <= LONGEST and rest.endswith(b"\r\n\r\n") and self._known.get(rest) == 0:
            return True
        end = rest.find(b"\r\n\r\n", 0, LONGEST) + 4
        body = self._body(rest[:end]) if end > 3 else -1
        return body >= 0 and len(rest) == end + body

    def _body(self, head: bytes) -> int:
        """How many bytes follow such a head; -1 where that is not plain."""
        found = self._known.get(head)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[head] = self._read(head.lower())
        return found

    def _read(self, told: bytes) -> int:
        if not WELL_FORMED.fullmatch(told) or any(word in told for word in self._less_plain):
            return -1
        lengths = LENGTH.findall(told)
        if told.count(b"content-length") != len(lengths) or len(lengths) > 1:
            return -1
        return int(lengths[0]) if lengths else 0

    def _let_in(self, way: Way) -> None:
        if not any(other.coming for other in self._ways):
            asyncio.get_running_loop().call_soon(self._come)
        way.coming += 1

    def _come(self) -> None:
        for way in self._ways:
            way.coming = 0


def written(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """An answer as it goes over the wire. It bears no date: a refusal need not (RFC 9110, 6.6.1)."""
    told = {**headers, "content-length": str(len(body))}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
