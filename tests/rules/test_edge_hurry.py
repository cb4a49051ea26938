"""Refusals in a hurry: which requests are refused before anything is made for them, and that a connection goes on after them."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.edge import listening, talk

from maillage.doors.edge.admission import Admission, Pace
from maillage.doors.edge.hurry import Hurry, Way, written
from maillage.doors.edge.journal import Journal
from maillage.doors.edge.routes import Lane
from maillage.doors.fhir.admission import machines
from maillage.settings import EdgeSettings

REFUSAL = written(503, {"retry-after": "2"}, b"{}")
HEAD = b"GET /fhir/Patient/1 HTTP/1.1\r\nhost: localhost\r\n"


def hurry(*, crowded: bool = True, closer: frozenset[bytes] = frozenset()) -> Hurry:
    admission = Admission(EdgeSettings(running=2, kept_for_emergencies=0, kept_for_people=0, wait_batch=0.001), lambda: 100.0)
    admission.running = 2 if crowded else 0
    return Hurry(admission, Journal(), [Way(Lane.BATCH, machines(b"/fhir"), REFUSAL, closer)])


@pytest.mark.parametrize("target", [b"/fhir", b"/fhir/", b"/fhir/Patient/1", b"/fhir/Task?status=requested&owner=%24"])
def test_a_machine_is_told_by_its_address(target: bytes) -> None:
    assert hurry()(b"POST", target, []) is not None


@pytest.mark.asyncio
async def test_nobody_is_refused_while_turns_are_free() -> None:
    assert hurry(crowded=False)(b"POST", b"/fhir/Patient/1", []) is None
    assert hurry(crowded=False).glance(HEAD + b"\r\n", 1.0) is None


@pytest.mark.parametrize(
    "target",
    [
        b"/fhir/Patient/1/$break-glass",
        b"/fhir/Patient/1/%24break-glass",
        b"/fhirs",
        b"/urgences",
        b"/healthz",
        b"/",
        b"*",
        b"http://localhost/fhir",
    ],
)
def test_an_emergency_a_page_and_a_probe_are_looked_at_closer(target: bytes) -> None:
    assert hurry()(b"POST", target, []) is None
    assert hurry().glance(b"GET %b HTTP/1.1\r\nhost: localhost\r\n\r\n" % target, 1.0) is None


@pytest.mark.parametrize("method", [b"OPTIONS", b"HEAD", b"TRACE"])
def test_only_the_usual_methods_are_refused_in_a_hurry(method: bytes) -> None:
    assert hurry()(method, b"/fhir/Patient/1", []) is None


def test_a_call_from_another_origin_is_answered_with_what_lets_it_read_the_refusal() -> None:
    origin = [(b"origin", b"https://app.example")]
    assert hurry(closer=frozenset({b"origin"}))(b"GET", b"/fhir/Patient/1", origin) is None
    assert hurry(closer=frozenset({b"origin"})).glance(HEAD + b"Origin: https://app.example\r\n\r\n", 1.0) is None
    assert hurry()(b"GET", b"/fhir/Patient/1", origin) is not None


SENT = HEAD.replace(b"GET", b"POST")


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"accept: */*\r\n\r\n",
        HEAD + b"Content-Length: 4\r\n\r\n1234",
        SENT + b"\r\n",
        SENT + b"content-length: 0\r\n\r\n",
        SENT + b"Content-Length:4\r\naccept: */*\r\n\r\n\r\n\r\n",
    ],
)
def test_one_plain_request_is_refused_at_a_glance(data: bytes) -> None:
    asked = hurry()
    for _ in range(2):  # the second time its head is known
        assert asked.glance(data, 1.0) == b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\ncontent-length: 2\r\n\r\n{}"


def test_a_head_that_is_known_is_followed_by_as_much_as_it_says() -> None:
    asked = hurry()
    assert asked.glance(SENT + b"content-length: 4\r\n\r\n1234", 1.0) is not None
    for body in (b"", b"123", b"12345", b"1234" + HEAD + b"\r\n"):
        assert asked.glance(SENT + b"content-length: 4\r\n\r\n" + body, 1.0) is None


@pytest.mark.parametrize(
    "data",
    [
        HEAD,
        HEAD + b"\r\n" + HEAD + b"\r\n",
        HEAD + b"Content-Length: 4\r\n\r\n",
        HEAD + b"content-length : 4\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Connection: close\r\n\r\n",
        HEAD + b"Expect: 100-continue\r\n\r\n",
        HEAD + b"Upgrade: h2c\r\n\r\n",
        HEAD.replace(b"1.1", b"1.0") + b"\r\n",
        HEAD.replace(b"GET", b"POSTS") + b"\r\n",
        SENT + b"content-length: 4\r\ncontent-length: 4\r\n\r\n1234",
        SENT + b"content-length: 4\r\nhost: x\r\ncontent-length: 5\r\n\r\n1234",
        SENT + b"content-length: +4\r\n\r\n1234",
        SENT + b"content-length: 4, 4\r\n\r\n1234",
        SENT + b"x-content-length: 4\r\n\r\n1234",
        HEAD.replace(b"\r\n", b"\n") + b"\n",
        SENT + b"content-length: 1\r\n 0\r\n\r\nA",
        SENT + b" folded: 1\r\n\r\n",
        HEAD + b"x: a\n\nGET /urgences HTTP/1.1\r\nhost: a\r\n\r\n",
        HEAD + b"x: a\n\r\nGET /urgences HTTP/1.1\r\nhost: a\r\n\r\n",
        HEAD + b"x: a\rb\r\n\r\n",
        HEAD + b"transfer\0-encoding: chunked\r\n\r\n",
        HEAD + b"transfer -encoding: chunked\r\n\r\n",
        HEAD + b"upgrade : h2c\r\n\r\n",
        HEAD + b"x: a\0b\r\n\r\n",
        HEAD + b"no colon\r\n\r\n",
        HEAD + b"GET /urgences HTTP/1.1\r\n\r\n",
        HEAD.replace(b"/1", b"/\0") + b"\r\n",
        HEAD.replace(b"/1", b"/\t") + b"\r\n",
        HEAD.replace(b"/1", b"/\xff") + b"\r\n",
        HEAD.replace(b"/1", b"/1#a") + b"\r\n",
        HEAD.replace(b"/1", b"/" + b"x" * 5000) + b"\r\n",
        HEAD + b"x: " + b"x" * 5000 + b"\r\n\r\n",
    ],
)
def test_what_is_less_plain_is_taken_apart(data: bytes) -> None:
    assert hurry().glance(data, 1.0) is None


class Told:
    """What the parser of our server says of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.whole, self.parser, self.kept, self.error = 0, httptools.HttpRequestParser(self), False, False
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.error = True

    def on_message_complete(self) -> None:
        self.whole += 1
        self.kept = self.parser.should_keep_alive() and not self.parser.should_upgrade()


PIECES = [
    *(
        b"GET POST PUT /fhir/Patient/1 /fhir?a=b HTTP/1.1 HTTP/1.0 host content-length Content-Length transfer-encoding chunked connection close upgrade 0 1 4 x".split()
    ),
    *(
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b": ",
        b",",
        b"\0",
        b"#",
        b"\xe9",
        b"host: a\r\n",
        b"content-length: 4\r\n",
        b"1234",
    ),
]


@given(st.sampled_from([HEAD, HEAD + b"\r\n", HEAD.replace(b"GET", b"POST"), b""]), st.lists(st.sampled_from(PIECES), max_size=12))
def test_whatever_is_refused_at_a_glance_is_one_whole_request_to_the_parser_too(head: bytes, pieces: list[bytes]) -> None:
    data = head + b"".join(pieces)
    if hurry().glance(data, 1.0) is not None:
        told = Told(data)
        assert (told.whole, told.kept, told.error) == (1, True, False), data


@pytest.mark.asyncio
async def test_heads_that_come_together_are_counted_before_any_of_them_is_worked_on() -> None:
    admission = Admission(EdgeSettings(running=2, kept_for_emergencies=0, kept_for_people=0, wait_batch=0.035))
    admission.running = 2  # each lasts 20 ms of late, two at once
    asked = Hurry(admission, Journal(), [Way(Lane.BATCH, machines(b"/fhir"), REFUSAL)])
    told = [asked(b"GET", b"/fhir/Patient/1", []) for _ in range(5)]
    assert [answer is None for answer in told] == [True, True, True, False, False]
    await asyncio.sleep(0)
    assert asked(b"GET", b"/fhir/Patient/1", []) is None, "those let in have come: from here on the queue counts them"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("first", "then", "patience", "told"),
    [
        (b"/fhir/Patient/1", b"/demandes", {"wait_interactive": 0.015, "wait_batch": 0.5}, True),
        (b"/demandes", b"/fhir/Patient/1", {"wait_interactive": 0.5, "wait_batch": 0.015}, False),
    ],
)
async def test_machines_on_their_way_are_behind_people_and_not_the_reverse(
    first: bytes, then: bytes, patience: dict[str, float], told: bool
) -> None:
    admission = Admission(EdgeSettings(running=2, kept_for_emergencies=0, kept_for_people=0, **patience))
    admission.running = 2  # each lasts 20 ms of late, two at once: the first in a queue waits for 10
    asked = Hurry(admission, Journal(), [Way(Lane.BATCH, machines(b"/fhir"), REFUSAL), Way(Lane.INTERACTIVE, b"/demandes", REFUSAL)])
    for _ in range(3):
        assert asked(b"GET", first, []) is None
    assert (asked(b"GET", then, []) is None) is told


def test_the_pace_of_a_queue_is_counted_over_many_turns_and_forgotten_with_it() -> None:
    pace = Pace()
    pace.begin(10.0)
    assert (pace.each, pace.stands(10.0)) == (0.0, False)
    for n in range(1, 101):
        pace.count(10.0 + n / 100)
    assert pace.each == pytest.approx(0.01)
    assert pace.stands(11.0), "somebody has been waiting all the time"
    pace.begin(11.1)
    assert (pace.each, pace.stands(11.2)) == (0.0, True), "empty for an instant only"
    pace.begin(13.0)
    assert not pace.stands(13.1), "another burst"


async def fine(_scope: Any, _receive: Any, send: Any) -> None:
    """Answers 200 to whatever is not refused."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


BODIED = b"POST /fhir/Patient/1/$break-glass HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(HEAD + b"\r\n")
GLASS = b"POST /fhir/Patient/1/$break-glass HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("parts", "statuses"),
    [
        ([HEAD + b"\r\n", HEAD + b"\r\n", GLASS], ["503", "503", "200"]),
        ([HEAD + b"\r\n" + HEAD + b"\r\n" + GLASS], ["503", "503", "200"]),
        ([HEAD + b"content-length: 5\r\n\r\nab", b"cde", GLASS], ["503", "200"]),
        ([HEAD + b"content-length: 5\r\n\r\nab", b"cde" + GLASS], ["503", "200"]),
        ([HEAD[:9], HEAD[9:] + b"\r\n", GLASS], ["503", "200"]),
        ([GLASS, HEAD + b"\r\n", GLASS + HEAD + b"\r\n"], ["200", "503", "200", "200"]),  # behind another: by the edge's other way
        ([HEAD + b"connection: close\r\n\r\n", GLASS], ["503"]),
        ([HEAD + b"content-length: 5\r\n\r\n"], ["503"]),
        ([HEAD + b"\r\n", HEAD[:9]], ["503"]),
        ([HEAD + b"\r\n" + GLASS[:50], HEAD + b"\r\n"], ["503", "200"]),  # what comes belongs to the head that has begun
        ([HEAD + b"\r\n" + GLASS[:50], GLASS[50:], HEAD + b"\r\n"], ["503", "200", "503"]),
        ([GLASS + GLASS[:50], GLASS[50:] + GLASS], ["200", "200", "200"]),
        ([GLASS + GLASS[:50], HEAD + b"\r\n"], ["200", "200"]),
        ([HEAD + b"\r\n" + BODIED, HEAD + b"\r\n", GLASS], ["503", "200", "200"]),  # a body that looks like a request
        ([GLASS + BODIED, HEAD + b"\r\n", GLASS], ["200", "200", "200"]),
    ],
)
async def test_a_connection_goes_on_after_a_refusal(parts: list[bytes], statuses: list[str]) -> None:
    async with listening(fine, hurry()) as port:
        told = await talk(port, *parts)
    found = [part[:3].decode() for part in told.split(b"HTTP/1.1 ")[1:]]
    assert found == statuses
