"""The outbox: written with the work, carried out at least once, in order per object, set aside after five tries."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from tests.support.postgres import as_owner, store_alone

from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict
from maillage.store import Database, Transaction, outbox

pytestmark = pytest.mark.asyncio
FILL = store_alone


class Recorder:
    """A handler that keeps what it was given and fails as long as told to."""

    def __init__(self, failures: int = 0, why: str | None = None) -> None:
        self.seen: list[Any] = []
        self.failures = failures
        self.why = why

    async def __call__(self, tx: Transaction, payload: dict[str, Any]) -> str | None:
        self.seen.append((tx.message_id, payload["n"]))
        if self.failures:
            self.failures -= 1
            raise Conflict("not-now")
        return self.why

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.seen]


async def write(db: Database, *numbers: int, key: str = "", **options: Any) -> list[str]:
    async with db.transaction(SYSTEM, request_id="r1") as tx:
        return [await outbox.enqueue(tx, "mail", {"n": number}, key=key, **options) for number in numbers]


async def test_a_message_leaves_with_its_transaction_or_not_at_all(db: Database) -> None:
    recorder = Recorder()
    with pytest.raises(RuntimeError):  # noqa: PT012  # the error must leave the transaction
        async with db.transaction(SYSTEM) as tx:
            await outbox.enqueue(tx, "mail", {"n": 0})
            raise RuntimeError
    [id] = await write(db, 1)
    assert await outbox.drain(db, {"mail": recorder}) == 1
    assert recorder.seen == [(id, 1)]
    assert await outbox.drain(db, {"mail": recorder}) == 0


async def test_a_message_waits_for_its_hour_and_for_its_handler(db: Database, clock: FixedClock) -> None:
    recorder = Recorder()
    await write(db, 1, due_at=clock.now() + timedelta(hours=1))
    assert await outbox.drain(db, {"mail": recorder}) == 0
    clock.advance(timedelta(hours=2))
    assert await outbox.drain(db, {"other": recorder}) == 0
    async with db.transaction(SYSTEM) as tx:
        assert await outbox.oldest_due(tx) == clock.now() - timedelta(hours=1)
    assert await outbox.drain(db, {"mail": recorder}) == 1


async def test_order_is_kept_for_one_object_even_when_the_first_fails(db: Database, clock: FixedClock) -> None:
    recorder = Recorder(failures=1)
    await write(db, 1, 2, 3, key="Task/1")
    assert await outbox.drain(db, {"mail": recorder}) == 0
    await write(db, 9, key="Task/2")
    assert await outbox.drain(db, {"mail": recorder}) == 1
    clock.advance(timedelta(minutes=1))
    assert await outbox.drain(db, {"mail": recorder}) == 3
    assert recorder.numbers == [1, 9, 1, 2, 3]


async def test_the_id_is_stable_over_tries(db: Database, clock: FixedClock) -> None:
    recorder = Recorder(failures=2)
    [id] = await write(db, 1)
    for _ in range(3):
        await outbox.drain(db, {"mail": recorder})
        clock.advance(timedelta(minutes=1))
    assert {seen for seen, _ in recorder.seen} == {id}


async def test_a_failed_handler_leaves_no_effect(db: Database) -> None:
    async def half(tx: Transaction, payload: dict[str, Any]) -> None:
        await outbox.enqueue(tx, "mail", {"n": payload["n"] + 1})
        raise Conflict("not-now")

    await write(db, 1)
    await outbox.drain(db, {"mail": half}, limit=1)
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 1


async def test_five_tries_then_a_dead_letter_that_can_be_revived(db: Database, clock: FixedClock) -> None:
    recorder = Recorder(failures=5)
    [id] = await write(db, 1, key="Task/1")
    await write(db, 2, key="Task/1")
    for _ in range(8):
        await outbox.drain(db, {"mail": recorder})
        clock.advance(timedelta(hours=1))
    assert recorder.numbers == [1, 1, 1, 1, 1, 2]
    async with db.transaction(SYSTEM) as tx:
        [letter] = await outbox.dead_letters(tx)
        assert (letter["id"], letter["tries"], letter["last_error"]) == (id, 5, "not-now")
        assert await outbox.revive(tx, id)
        assert not await outbox.revive(tx, "absent")
    assert await outbox.drain(db, {"mail": recorder}) == 1


async def test_a_message_that_kills_its_worker_is_set_aside_too(db: Database, clock: FixedClock) -> None:
    await write(db, 1)
    for _ in range(6):
        assert len(await outbox._claim(db, {"mail": Recorder()}, 10)) == (_ < 5)
        clock.advance(timedelta(minutes=2))
    async with db.transaction(SYSTEM) as tx:
        assert [letter["last_error"] for letter in await outbox.dead_letters(tx)] == ["worker-died"]


async def test_f23_whoever_dies_of_a_message_takes_no_other_with_it(db: Database, clock: FixedClock) -> None:
    class Died(BaseException):
        pass

    recorder = Recorder()

    async def poisoned(tx: Transaction, payload: dict[str, Any]) -> str | None:
        if payload["n"] == 0:
            raise Died
        return await recorder(tx, payload)

    await write(db, *range(6))
    for _ in range(8):
        with suppress(Died):
            await outbox.drain(db, {"mail": poisoned})
        clock.advance(timedelta(minutes=2))
    assert sorted(recorder.numbers) == [1, 2, 3, 4, 5]
    async with db.transaction(SYSTEM) as tx:
        assert [letter["last_error"] for letter in await outbox.dead_letters(tx)] == ["worker-died"]


async def test_a_claim_takes_no_more_than_it_may_however_it_is_planned(db: Database, dsn: str) -> None:
    """PostgreSQL counted the table when it held one row: it then chose anew for each row, and took every message as many times as the first."""
    await write(db, 0)
    await as_owner(dsn, "ANALYZE outbox")
    await write(db, *range(1, 6))
    assert [len(await outbox._claim(db, {"mail": Recorder()}, 1, again=False)) for _ in range(7)] == [1, 1, 1, 1, 1, 1, 0]


async def test_a_worker_that_lost_its_lease_does_nothing(db: Database, clock: FixedClock) -> None:
    recorder = Recorder()
    await write(db, 1)
    [late] = await outbox._claim(db, {"mail": recorder}, 10)
    clock.advance(timedelta(minutes=2))
    assert await outbox.drain(db, {"mail": recorder}) == 1
    assert not await outbox._carry_out(db, late, recorder)
    assert recorder.numbers == [1]


async def test_workers_share_the_work_without_doubling_it(db: Database) -> None:
    recorder = Recorder()
    await write(db, *range(60))
    done = await asyncio.gather(*(outbox.drain(db, {"mail": recorder}) for _ in range(4)))
    assert sum(done) == 60
    assert sorted(recorder.numbers) == list(range(60))


async def test_purge_forgets_only_what_is_done(db: Database, clock: FixedClock) -> None:
    await write(db, 1)
    await outbox.drain(db, {"mail": Recorder()})
    await write(db, 2)
    clock.advance(timedelta(days=1))
    async with db.transaction(SYSTEM) as tx:
        assert await outbox.purge(tx, clock.now()) == 1
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 1


async def test_what_nothing_can_carry_is_held_out_of_the_way_and_released_later(db: Database, clock: FixedClock) -> None:
    nobody, recorder = Recorder(why="no-channel"), Recorder()
    await write(db, 1, 2)
    await write(db, 3, key="Task/1")
    async with db.transaction(SYSTEM) as tx:
        await outbox.enqueue(tx, "other", {"n": 4}, key="Task/1")
    assert await outbox.drain(db, {"mail": nobody, "other": recorder}) == 1
    assert (nobody.numbers, recorder.numbers) == ([1, 2, 3], [4]), "what is held keeps nobody waiting"
    async with db.transaction(SYSTEM) as tx:
        assert [tuple(row) for row in await outbox.held(tx)] == [("mail", "no-channel", 3, clock.now())]
        assert await outbox.dead_letters(tx) == []
        assert await outbox.oldest_due(tx) is None
    assert await outbox.drain(db, {"mail": recorder}) == 0
    async with db.transaction(SYSTEM) as tx:
        assert await outbox.release(tx, "mail") == 3
        assert await outbox.release(tx, "other") == 0
    assert await outbox.drain(db, {"mail": recorder}) == 3
    assert recorder.numbers == [4, 1, 2, 3]
    async with db.transaction(SYSTEM) as tx:
        assert await outbox.held(tx) == []
