"""Faults of a whole server, short: F4 (database frozen), F8 (disk nearly full), F14 (bodies too large), F15 (slow callers), and a graceful stop.

Correctness only; `make faults` has the long versions, where times are judged.
"""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import postgres
from tests.support.serving import Server, served

pytestmark = pytest.mark.slow
TOWN = "cms-clamart-soins"
FHIR = {"content-type": "application/fhir+json", "accept": "application/fhir+json"}
PER_CLIENT = 600
FEW = 8
"""Fewer at once than a server has turns for machines: what is asked is how often they come, not how many there are."""
SHORT = {
    "MAILLAGE_EDGE__DEADLINE": "2",
    "MAILLAGE_EDGE__DEADLINE_READ": "1.5",
    "MAILLAGE_EDGE__HEADER_TIMEOUT": "2",
    "MAILLAGE_SERVER__DRAIN_NOTICE": "1.5",
    "MAILLAGE_EDGE__PER_CLIENT": str(PER_CLIENT),
}
TRUST = ssl.create_default_context()
"""Made once: a client that makes its own takes longer than what it asks."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = postgres.open_folder()
    try:
        with served(folder, **SHORT) as made:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def caller(server: Server, name: str = "faults") -> httpx.Client:
    headers = {**FHIR, "authorization": f"Bearer {server.token(name, TOWN)}"}
    return httpx.Client(base_url=server.base, headers=headers, timeout=30)


def patient(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "https://essai.example/patients", "value": f"served-{number}"}],
        "name": [{"family": "Essai", "given": ["Un"]}],
        "gender": "female",
        "birthDate": "1959-03-02",
    }


def well(client: httpx.Client) -> None:
    """A legitimate read is answered."""
    answer = client.get("/fhir/HealthcareService", params={"_count": "1"})
    assert answer.status_code == 200, answer.text


def test_f4_a_frozen_database_is_a_quick_refusal_and_then_forgotten(server: Server) -> None:
    with caller(server) as client, ThreadPoolExecutor(40) as pool:

        def ask(count: int) -> httpx.Response:  # a client of its own: threads that share one close one another's sockets
            with httpx.Client(base_url=server.base, headers=client.headers, timeout=30, verify=TRUST) as own:
                return own.get("/fhir/HealthcareService", params={"_count": str(count)})

        well(client)
        with server.frozen():
            asked = [pool.submit(ask, count) for count in range(1, 61)]
            wrote = client.post("/fhir/Patient", json=patient(4), headers={"idempotency-key": "frozen"})
            answers = [*(one.result() for one in asked), wrote]
            told = {(answer.status_code, "retry-after" in answer.headers) for answer in answers}
            assert told == {(503, True)}, server.log.read_text()[-6000:]
            assert client.get("/healthz").status_code == 200
            assert client.get("/readyz").status_code == 503
        server.wait(30)
        well(client)
        kept = client.post("/fhir/Patient", json=patient(4), headers={"idempotency-key": "frozen"})
        while kept.status_code == 503:
            kept = client.post("/fhir/Patient", json=patient(4), headers={"idempotency-key": "frozen"})
        assert kept.status_code == 201
        found = client.get("/fhir/Patient", params={"identifier": "https://essai.example/patients|served-4"})
        assert found.json()["total"] == 1
        for _ in range(60):
            well(client)  # how long work lasted meanwhile is forgotten with it: many who come at once are let in again


def deep(depth: int) -> bytes:
    return b'{"resourceType":"Basic","extension":' + b"[" * depth + b"]" * depth + b"}"


def pieces(size: int) -> Iterator[bytes]:
    piece = b" " * 65536
    for _ in range(size // len(piece)):
        yield piece


def test_f14_what_is_too_large_or_too_deep_is_refused_in_bounded_memory(server: Server) -> None:
    many = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": [{}] * 100_000}).encode()
    bomb = gzip.compress(b" " * 50_000_000)
    with caller(server) as client:
        well(client)
        before = server.memory()
        bodies: list[tuple[int, Any, dict[str, str]]] = [
            (413, b" " * 50_000_000, {}),
            (413, pieces(50_000_000), {}),
            (413, many, {}),
            (400, deep(10_000), {}),
            (415, bomb, {"content-encoding": "gzip"}),
        ]
        for status, body, headers in bodies:
            for path in ("/fhir", "/fhir/Basic"):
                content = pieces(50_000_000) if not isinstance(body, bytes) else body
                answer = client.post(path, content=content, headers=headers)
                expected = (400, 413) if path == "/fhir/Basic" and status == 413 else (status, 400)
                assert answer.status_code in expected, (status, path, answer.status_code, answer.text[:200])
                assert answer.json()["resourceType"] == "OperationOutcome"
            well(client)
        assert server.memory() - before < 150_000_000


def opened(server: Server, sent: bytes) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    made.sendall(sent)
    return made


def test_f15_slow_callers_hold_nobody_else(server: Server) -> None:
    with caller(server) as client, ExitStack() as stack:
        token = client.headers["authorization"]
        head = f"POST /fhir/Basic HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: {token}\r\nContent-Length: 1000\r\n\r\n{{".encode()
        sheet = client.get("/connexion").text.split('rel="stylesheet" href="', 1)[1].split('"', 1)[0]
        large = f"GET {sheet} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
        idle = [stack.enter_context(opened(server, b"")) for _ in range(150)]
        headers = [stack.enter_context(opened(server, b"GET / HTTP/1.1\r\nHost: 127")) for _ in range(150)]
        stack.enter_context(opened(server, head))
        bodies = [stack.enter_context(opened(server, head)) for _ in range(60)]
        readers = [stack.enter_context(opened(server, large * 40)) for _ in range(20)]
        for _ in range(20):
            well(client)
        assert [one.recv(1) for one in (*idle, *headers)] == [b""] * 300, "who sends no headers is hung up on"
        refused = [one.recv(4096) for one in bodies]
        assert {answer[:13] for answer in refused} == {b"HTTP/1.1 408 "}
        for one in readers:
            assert one.recv(12) == b"HTTP/1.1 200"
        well(client)


def test_a_partner_that_floods_is_told_to_wait_and_slows_nobody_else(server: Server) -> None:
    with caller(server, "flood") as partner, caller(server) as client, ThreadPoolExecutor(FEW) as pool:

        def ask(count: int) -> list[httpx.Response]:  # a client of its own: threads that share one close one another's sockets
            with httpx.Client(base_url=server.base, headers=partner.headers, timeout=30, verify=TRUST) as own:
                return [own.get("/fhir/HealthcareService", params={"_count": "1"}) for _ in range(count)]

        began = time.monotonic()
        asked = [pool.submit(ask, 2 * PER_CLIENT // FEW) for _ in range(FEW)]
        for _ in range(20):
            well(client)
        answers = [answer for one in asked for answer in one.result()]
        spent = time.monotonic() - began
        assert {answer.status_code for answer in answers} == {200, 429}
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) >= PER_CLIENT * (1 - spent / 60) - 1, "its minute's worth, and what came back meanwhile"
        assert all(int(answer.headers["retry-after"]) > 0 and answer.json()["resourceType"] == "OperationOutcome" for answer in refused)
        well(client)


CANARY = "Kanarienvogel"
INS = "276119900012345"


def logs_of(server: Server) -> str:
    """Everything that the server and its PostgreSQL wrote down for operators."""
    note = server.data / "postgres.location"
    home = Path(note.read_text(encoding="utf-8").strip()) if note.exists() else server.data / "postgres"
    files = [server.log, *home.rglob("*.log")]
    assert len(files) > 1
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


def requests_told(server: Server, last: str) -> list[dict[str, Any]]:
    """The lines of requests, once that of the last one is written: they wait a moment for one another."""
    until = time.monotonic() + 30
    lines: list[dict[str, Any]] = []
    while time.monotonic() < until and last not in [line["route"] for line in lines]:
        time.sleep(0.05)
        written, _, _ = server.log.read_text(encoding="utf-8").rpartition("\n")
        lines = [line for line in map(json.loads, written.splitlines()) if line["event"] == "request"]
    return lines


def test_no_log_tells_who_or_what(server: Server) -> None:
    """Canaries in every input, through successes, refusals and errors: none in any log."""
    named = patient(9) | {"name": [{"family": CANARY, "given": [CANARY]}], "address": [{"city": CANARY}]}
    named["identifier"].append({"system": "urn:oid:1.2.250.1.213.1.4.8", "value": INS})
    with caller(server) as client:
        made = [client.post("/fhir/Patient", json=named, headers={"idempotency-key": CANARY, "user-agent": CANARY}) for _ in range(2)]
        made.append(client.post("/fhir/Patient", json=named | {"gender": CANARY}))
        asked = [client.get("/fhir/Patient", params={"family": CANARY, "identifier": INS})]
        asked += [client.get(path) for path in (f"/fhir/Patient/{CANARY}", f"/fhir/{CANARY}/{INS}", f"/fhir/Task?{CANARY}={INS}")]
        asked += [client.post("/fhir/Task/x/$decline", json={"reason": CANARY}), client.post("/fhir", content=CANARY.encode())]
        asked += [
            client.get("/fhir/Task", headers={"authorization": f"Bearer {CANARY}"}),
            client.get("/fhir/Task", headers={"accept": CANARY}),
        ]
        asked += [
            client.get(f"/patients/{CANARY}?q={INS}"),
            client.get(f"/{CANARY}", headers={"cookie": f"maillage={CANARY}", "referer": CANARY}),
        ]
        form = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
        asked.append(client.post("/connexion", content=f"login={CANARY}&password={CANARY}", headers=form))
        asked.append(client.get("/healthz", headers={"host": CANARY}))
        asked.append(client.get("/fhir/Organization", params={"name": CANARY}))
        secret = str(client.headers["authorization"]).partition(" ")[2]
    assert {answer.status_code for answer in made + asked} >= {201, 200, 400, 401, 404, 421}
    lines = requests_told(server, "GET /fhir/Organization")
    assert len(lines) > 10
    assert {"request_id", "route", "lane", "status", "ms"} <= lines[0].keys()
    said = logs_of(server)
    for told in (CANARY, CANARY.lower(), INS, secret):
        assert told not in said


def test_a_stop_is_announced_and_finishes_what_was_begun(data_dir: Path) -> None:
    with served(data_dir, **SHORT) as server, caller(server) as client:
        well(client)
        body = json.dumps(patient(7)).encode()
        lines = [
            "POST /fhir/Patient HTTP/1.1",
            f"Host: 127.0.0.1:{server.port}",
            f"Authorization: {client.headers['authorization']}",
            "Content-Type: application/fhir+json",
            f"Content-Length: {len(body)}",
            "",
            "",
        ]
        with opened(server, "\r\n".join(lines).encode() + body[:20]) as slow:
            server.signal(signal.SIGTERM)
            said = client.get("/readyz")
            while said.status_code == 200:  # the signal is on its way
                said = client.get("/readyz")
            assert (said.status_code, said.json()) == (503, {"status": "draining"})
            well(client)
            while True:  # until no connection is taken any more
                try:
                    socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
                except OSError:
                    break
                time.sleep(0.05)
            slow.sendall(body[20:])
            assert slow.recv(12) == b"HTTP/1.1 201", "what was begun is finished"
        assert server.process is not None
        assert server.process.wait(30) == 0


def test_f8_past_the_mark_nothing_is_written_and_reads_go_on(data_dir: Path) -> None:
    """The volume of the data folder is the real one; the mark is set where it has passed it already."""
    with served(data_dir, MAILLAGE_DATA__FULL_AT="0.0", MAILLAGE_DATA__ENOUGH_FREE=str(2**62)) as server, caller(server) as client:
        well(client)
        for method, path in (("POST", "/fhir/Patient"), ("POST", "/fhir"), ("PUT", "/fhir/Patient/x"), ("DELETE", "/fhir/Patient/x")):
            answer = client.request(method, path, json=patient(8) if method != "DELETE" else None)
            assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (507, "storage-full"), (method, path)
        assert (
            client.post(
                "/fhir/Patient/_search", content="family=Essai", headers={"content-type": "application/x-www-form-urlencoded"}
            ).status_code
            == 200
        )
        told = client.get("/readyz").json()
        assert (told["status"], told["reason"]) == ("reads-only", "storage-full")
        page = client.post("/demandes/nouvelle", data={"x": "1"}, headers={"content-type": "application/x-www-form-urlencoded"})
        assert page.status_code == 507
        assert "presque plein" in page.text
