"""F5 and F6: the wire to PostgreSQL falls silent, or breaks every few messages; the application answers in time and nothing is half done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.support.postgres import ground
from tests.support.wire import Wire, wired

from maillage.access import issue_token
from maillage.app import create_app
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.ids import new_id
from maillage.settings import EdgeSettings, Settings
from maillage.store import Database, Limits

FILL = ground
pytestmark = pytest.mark.asyncio
DEADLINE, PATIENCE = 0.6, 60.0
LIMITS = Limits(pool_size=4, acquire=0.25, statement=DEADLINE, lock=0.5, cut=0.3)
EDGE = EdgeSettings(deadline=DEADLINE, deadline_read=DEADLINE, deadline_batch=DEADLINE)


@asynccontextmanager
async def behind_a_wire(
    dsn: str, clock: FixedClock, edge: EdgeSettings = EDGE, limits: Limits = LIMITS
) -> AsyncIterator[tuple[Wire, Database, httpx.AsyncClient]]:
    async with wired(dsn) as (wire, address):
        db = await Database.open(address, clock, limits=limits)
        try:
            async with db.transaction(SYSTEM) as tx:
                token = await issue_token(tx, "ours", ["system/*.cruds"], ["org-a"], timedelta(hours=1))
            headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
            transport = httpx.ASGITransport(create_app(Settings(edge=edge), db))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as http:
                yield wire, db, http
        finally:
            await db.close()


def patient(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "https://essai.example/patients", "value": f"p-{number}"}],
        "name": [{"family": "Essai", "given": ["Un"]}],
        "gender": "female",
        "birthDate": "1959-03-02",
    }


async def until_acknowledged(http: httpx.AsyncClient, number: int, key: str) -> httpx.Response:
    """Send it again, with its key, until it is acknowledged."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = await http.post("/fhir/Patient", json=patient(number), headers={"idempotency-key": key})
        if answer.status_code == 201:
            return answer
        assert answer.status_code in (409, 503), answer.text
        assert int(answer.headers["retry-after"]) >= 1
        await asyncio.sleep(0.02)
    raise AssertionError("never acknowledged")


async def found(http: httpx.AsyncClient, number: int) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = await http.get("/fhir/Patient", params={"identifier": f"https://essai.example/patients|p-{number}"})
        if answer.status_code == 200:
            total: int = answer.json()["total"]
            return total
        assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.02)
    raise AssertionError("never answered")


@pytest.mark.parametrize(("up", "down"), [(True, True), (True, False), (False, True)], ids=["both-ways", "towards-it", "from-it"])
async def test_f5_silence_ends_at_the_deadline_and_dead_connections_are_cut(dsn: str, clock: FixedClock, up: bool, down: bool) -> None:
    async with behind_a_wire(dsn, clock) as (wire, db, http):
        await until_acknowledged(http, 0, new_id())
        wire.silent_up, wire.silent_down = up, down
        key = new_id()
        lost = await asyncio.gather(
            http.post("/fhir/Patient", json=patient(1), headers={"idempotency-key": key}),
            *(http.get("/fhir/Patient", params={"family": "Essai"}) for _ in range(6)),
        )
        assert [(answer.status_code, answer.headers.get("retry-after", "") != "") for answer in lost] == [(503, True)] * 7
        assert (await http.get("/readyz")).status_code == 503
        wire.silent_up = wire.silent_down = False
        first = await until_acknowledged(http, 1, key)
        again = await until_acknowledged(http, 1, key)
        assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
        assert await found(http, 1) == 1
        assert wire.open <= LIMITS.pool_size
        assert db._pool.get_size() <= LIMITS.pool_size


async def test_f6_a_connection_that_breaks_leaves_no_half_write_and_no_context(dsn: str, clock: FixedClock) -> None:
    async with behind_a_wire(dsn, clock) as (wire, db, http):
        wire.reset_every = 61
        keys = {number: new_id() for number in range(12)}
        await asyncio.gather(*(until_acknowledged(http, number, key) for number, key in keys.items()))
        assert wire.resets > 3
        wire.reset_every = 0
        for number, key in keys.items():
            assert (await until_acknowledged(http, number, key)).headers["idempotency-replayed"] == "true"
            assert await found(http, number) == 1
        other = Actor("client", "theirs", ("org-b",))
        for _ in range(LIMITS.pool_size * 2):
            async with db.transaction(other) as tx:
                assert await tx.fetchval("SELECT current_setting('app.orgs')") == "org-b"
                assert not await tx.fetchval("SELECT pg_backend_pid() IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')")
            async with db._connection() as conn:
                assert not await conn.fetchval("SELECT current_setting('app.orgs', true)")
                assert not conn.is_in_transaction()


async def test_a_caller_that_goes_away_leaves_nothing_behind(dsn: str, clock: FixedClock) -> None:
    async with behind_a_wire(dsn, clock) as (wire, db, http):
        await until_acknowledged(http, 0, new_id())
        wire.delay = 0.02
        for pause in (0.01, 0.05, 0.12, 0.2):
            task = asyncio.create_task(http.post("/fhir/Patient", json=patient(2), headers={"idempotency-key": "the-same"}))
            await asyncio.sleep(pause)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        wire.delay = 0.0
        await until_acknowledged(http, 2, "the-same")
        assert await found(http, 2) == 1
        for _ in range(100):
            if not db._leaving:
                break
            await asyncio.sleep(0.02)
        assert db._pool.get_idle_size() + len(db._idle) == db._pool.get_size()
