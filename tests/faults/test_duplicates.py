"""F11: HTTP that is doubled, overtaken, delayed: one effect and one answer for one Idempotency-Key."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import httpx
import pytest
from tests.faults.test_wire import found, patient
from tests.support.postgres import ground

from maillage.access import issue_token
from maillage.app import create_app
from maillage.kernel.actor import SYSTEM
from maillage.settings import EdgeSettings, Settings
from maillage.store import Database

FILL = ground
pytestmark = pytest.mark.asyncio
COPIES, WRITES = 6, 5
PATIENT = EdgeSettings(wait_batch=60, deadline=60, deadline_read=60, deadline_batch=60)  # overload is another test's affair


def client(db: Database, token: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(Settings(edge=PATIENT), db)), base_url="http://127.0.0.1", headers=headers
    )


async def token(db: Database, name: str, organization: str) -> str:
    async with db.transaction(SYSTEM) as tx:
        return await issue_token(tx, name, ["system/*.cruds"], [organization], timedelta(hours=1))


async def test_f11_copies_in_any_order_have_one_effect_and_one_answer(db: Database) -> None:
    async with client(db, await token(db, "ours", "org-a")) as http:
        sends = [number for number in range(WRITES) for _ in range(COPIES)]
        random.shuffle(sends)

        async def send(number: int) -> httpx.Response:
            await asyncio.sleep(random.uniform(0, 0.2))
            return await http.post("/fhir/Patient", json=patient(number), headers={"idempotency-key": f"k-{number}"})

        answers = await asyncio.gather(*map(send, sends))
        assert {answer.status_code for answer in answers} <= {201, 409}
        busy = [answer for answer in answers if answer.status_code == 409]
        assert all(answer.headers["retry-after"] == "1" for answer in busy)
        for number in range(WRITES):
            late = await http.post("/fhir/Patient", json=patient(number), headers={"idempotency-key": f"k-{number}"})
            same = [answer.content for sent, answer in zip(sends, answers, strict=True) if sent == number and answer.status_code == 201]
            assert set(same) == {late.content}
            assert late.headers["idempotency-replayed"] == "true"
            assert await found(http, number) == 1


async def test_a_key_names_one_request_of_one_client(db: Database) -> None:
    async with client(db, await token(db, "ours", "org-a")) as ours, client(db, await token(db, "theirs", "org-b")) as theirs:
        first = await ours.post("/fhir/Patient", json=patient(1), headers={"idempotency-key": "k"})
        assert first.status_code == 201
        other = await ours.post("/fhir/Patient", json=patient(2), headers={"idempotency-key": "k"})
        assert (other.status_code, other.json()["issue"][0]["details"]["coding"][0]["code"]) == (422, "idempotency-key-reused")
        stranger = await theirs.post("/fhir/Patient", json=patient(1), headers={"idempotency-key": "k"})
        assert stranger.status_code == 201
        assert "idempotency-replayed" not in stranger.headers
        assert stranger.json()["id"] != first.json()["id"]
