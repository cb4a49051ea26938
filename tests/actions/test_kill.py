"""Kill -9 of the server and of PostgreSQL under a load: nothing acknowledged is lost, nothing is half there, a retry has one effect."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from tests.support.serving import Server, served

from maillage.cli.scenario.referral import referral_bundle
from maillage.cli.scenario.session import SERVICE
from maillage.codes.json import decode, encode
from maillage.kernel.ids import new_id

pytestmark = pytest.mark.slow
TOWN = "cms-clamart-soins"
FHIR = {"content-type": "application/fhir+json", "accept": "application/fhir+json"}
PARTS = ("Patient", "ServiceRequest", "QuestionnaireResponse", "Task")
WRITERS = 4
RECOVERS_IN = 30  # the pass line is 15 s on an idle machine; the suite runs on busy ones


@dataclass
class Write:
    """One referral, sent as one transaction under one key: what the client knows of it."""

    bundle: bytes
    patient: str
    key: str = field(default_factory=new_id)
    answer: bytes | None = None


class Load:
    """Clients that write referrals until they are told to stop, and remember what was acknowledged."""

    def __init__(self, server: Server, *, insist: bool) -> None:
        self.server, self.insist = server, insist
        token = server.token("load", TOWN)
        self.headers = {**FHIR, "authorization": f"Bearer {token}"}
        self.writes: list[Write] = []
        self.broken: list[str] = []
        self._stop = threading.Event()
        with self.client() as client:
            self._plan, self._form = form_of(client)
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(WRITERS)]

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.server.base, headers=self.headers, timeout=20)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def acknowledged(self) -> list[Write]:
        return [write for write in self.writes if write.answer is not None]

    def reach(self, count: int, seconds: float = 40) -> None:
        """Wait until this many writes are acknowledged."""
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < count:
            assert not self.broken, self.broken
            assert time.monotonic() < deadline, f"{len(self.acknowledged)} acknowledged of {count}"
            time.sleep(0.01)

    def send(self, client: httpx.Client, write: Write) -> httpx.Response | None:
        """The answer, or None when nobody can tell what became of the write."""
        try:
            answer = client.post("/fhir", content=write.bundle, headers={"idempotency-key": write.key})
        except httpx.TransportError:
            return None
        if answer.status_code == 503 or (answer.status_code == 409 and "idempotency-key-in-use" in answer.text):
            return None
        if answer.status_code != 200:
            self.broken.append(f"{answer.status_code}: {answer.text[:500]}")
        return answer

    def _work(self, number: int) -> None:
        with self.client() as client:
            while not self._stop.is_set():
                write = self._next(f"{number}-{len(self.writes)}")
                answer = self.send(client, write)
                while answer is None and self.insist and not self._stop.is_set():
                    time.sleep(0.1)
                    answer = self.send(client, write)
                if answer is not None:
                    write.answer = answer.content
                elif not self.insist:
                    return

    def _next(self, name: str) -> Write:
        bundle = referral_bundle(self._plan, self._form)
        patient = bundle["entry"][0]["resource"]
        patient["name"][0]["family"] = f"Essai{''.join(chr(97 + int(c)) if c.isdigit() else 'x' for c in name)}"
        write = Write(encode(bundle), patient["identifier"][0]["value"])
        self.writes.append(write)
        return write


def form_of(client: httpx.Client) -> tuple[str, dict[str, Any]]:
    """The questionnaire of the service, as a partner finds it."""
    service = client.get(f"/fhir/HealthcareService/{SERVICE}").json()
    plan = next(e["valueCanonical"] for e in service["extension"] if "Questionnaire" in e.get("valueCanonical", ""))
    url, _, version = plan.partition("|")
    return plan, decode(client.get("/fhir/Questionnaire", params={"url": url, "version": version}).content)["entry"][0]["resource"]


def counts(client: httpx.Client, write: Write) -> tuple[int, ...]:
    """How many resources of each kind there are of a write."""
    found = client.get("/fhir/Patient", params={"identifier": f"https://essai.example/patients|{write.patient}"}).json()
    if found["total"] != 1:
        return (found["total"],)
    patient = f"Patient/{found['entry'][0]['resource']['id']}"
    rest = [client.get(f"/fhir/{kind}", params={"patient": patient}).json()["total"] for kind in PARTS[1:]]
    return (1, *rest)


WHOLE, ABSENT = (1, 1, 1, 1), (0,)


def check(load: Load) -> None:
    """Acknowledged: there, once, and replayed with the same bytes. Unknown: wholly there or wholly absent; once after a retry."""
    assert not load.broken, load.broken
    with load.client() as client:
        for write in load.writes:
            before = counts(client, write)
            assert before in ((WHOLE,) if write.answer is not None else (WHOLE, ABSENT))
            again = client.post("/fhir", content=write.bundle, headers={"idempotency-key": write.key})
            assert again.status_code == 200, again.text
            assert (again.headers.get("idempotency-replayed") == "true") == (before == WHOLE)
            if write.answer is not None:
                assert again.content == write.answer
            assert counts(client, write) == WHOLE
            assert client.post("/fhir", content=write.bundle, headers={"idempotency-key": write.key}).content == again.content


def test_a_killed_server_loses_nothing_that_it_acknowledged(data_dir: Path) -> None:
    with served(data_dir) as server:
        for round_ in range(2):
            with Load(server, insist=False) as load:
                load.reach(6 + 5 * round_)
                server.kill()
            server.start()
            assert load.acknowledged
            check(load)


@pytest.mark.parametrize("victim", ["backend", "postmaster"])
def test_a_killed_postgres_comes_back_alone_and_loses_nothing(data_dir: Path, victim: str) -> None:
    with served(data_dir) as server:
        find: Callable[[], int] = getattr(server, victim)
        with Load(server, insist=True) as load:
            load.reach(6)
            os.kill(find(), signal.SIGKILL)
            assert server.wait(RECOVERS_IN) < RECOVERS_IN
            load.reach(len(load.acknowledged) + 6)
        check(load)
