"""One effect for one key, however often and from wherever it is sent."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.support.postgres import store_alone

from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid
from maillage.store import Database, Transaction, idempotency, outbox

pytestmark = pytest.mark.asyncio
FILL = store_alone
WHO = ("client", "user", "chic")


async def send(
    db: Database, key: str = "k1", request: str = "hash-1", *, until: asyncio.Event | None = None, who: tuple[str, str, str] = WHO
) -> bytes:
    """A request with an effect, as a door would treat it."""

    async def work(tx: Transaction) -> bytes:
        stored = await idempotency.begin(tx, *who, key, request)
        if stored:
            assert (stored.status, stored.headers) == (201, {"ETag": 'W/"1"'})
            return stored.body
        body = (await outbox.enqueue(tx, "effect", {})).encode()
        if until is not None:
            await asyncio.wait_for(until.wait(), 10)
        await idempotency.finish(tx, *who, key, request, 201, {"ETag": 'W/"1"'}, body)
        return body

    return await db.run(SYSTEM, work)


async def effects(db: Database) -> int:
    async with db.transaction(SYSTEM) as tx:
        count: int = await tx.fetchval("SELECT count(*) FROM outbox")
    return count


async def test_a_retry_gets_the_first_answer_and_has_no_effect(db: Database) -> None:
    assert await send(db) == await send(db)
    assert await effects(db) == 1


async def test_another_key_user_or_organisation_is_another_request(db: Database) -> None:
    await send(db)
    await send(db, key="k2")
    await send(db, who=("client", "user", "chiv"))
    await send(db, who=("client", "other", "chic"))
    assert await effects(db) == 4


async def test_the_same_key_with_another_body_is_refused(db: Database) -> None:
    await send(db)
    with pytest.raises(Invalid) as caught:
        await send(db, request="hash-2")
    assert caught.value.reason == "idempotency-key-reused"
    assert await effects(db) == 1


async def test_two_connections_race_with_one_key(db: Database) -> None:
    await db.warm()
    refusals, others = 0, asyncio.Event()

    async def one() -> bytes:
        nonlocal refusals
        try:
            return await send(db, until=others)
        except Conflict:
            refusals += 1
            if refusals == 9:
                others.set()
            raise

    answers = await asyncio.gather(*(one() for _ in range(10)), return_exceptions=True)
    won = [answer for answer in answers if isinstance(answer, bytes)]
    refused = [answer for answer in answers if isinstance(answer, Conflict)]
    assert (len(won), len(refused)) == (1, 9)
    assert {error.reason for error in refused} == {"idempotency-key-in-use"}
    assert all(error.extra["retry_after"] for error in refused)
    assert await send(db) == won[0]
    assert await effects(db) == 1


async def test_a_request_that_failed_may_be_sent_again(db: Database) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012  # the error must leave the transaction
        async with db.transaction(SYSTEM) as tx:
            assert await idempotency.begin(tx, *WHO, "k1", "hash-1") is None
            await outbox.enqueue(tx, "effect", {})
            raise RuntimeError
    await send(db)
    assert await effects(db) == 1


async def test_keys_are_kept_thirty_days(db: Database, clock: FixedClock) -> None:
    first = await send(db)
    clock.advance(timedelta(days=29))
    assert await send(db) == first
    clock.advance(timedelta(days=2))
    assert await send(db, request="hash-2") != first
    clock.advance(timedelta(days=31))
    async with db.transaction(SYSTEM) as tx:
        assert await idempotency.purge(tx) == 1
