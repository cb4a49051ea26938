"""Something awaits you: who is told, once, and never a name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import messaging
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.store import Database, outbox

FILL = make.territory
pytestmark = pytest.mark.asyncio
FOCUS = ("Task", "task-1")
HANDLERS = messaging.HANDLERS


async def notify(db: Database, event: str = "referral-sent", **options: Any) -> None:
    async with db.transaction(make.GP) as tx:
        await messaging.notify(tx, event, **{"focus": FOCUS, "organizations": [make.HOSPITAL], **options})


async def inbox(db: Database, actor: Actor) -> list[str]:
    async with db.transaction(actor) as tx:
        return [row["event"] for row in await messaging.inbox(tx)]


async def read(db: Database, actor: Actor, focus: tuple[str, str] = FOCUS) -> None:
    async with db.transaction(actor) as tx:
        await messaging.mark_read(tx, focus)


async def notifications(db: Database) -> list[Any]:
    async with db.transaction(SYSTEM) as tx:
        return await tx.fetch("SELECT * FROM notification ORDER BY id")


async def test_one_row_and_one_message_for_each_organisation_and_role(db: Database) -> None:
    await notify(db, organizations=[make.HOSPITAL, make.CENTRE], roles=["medecin", "secretaire"])
    rows = await notifications(db)
    assert sorted((row["organization_id"], row["role"]) for row in rows) == [
        (make.CENTRE, "medecin"),
        (make.CENTRE, "secretaire"),
        (make.HOSPITAL, "medecin"),
        (make.HOSPITAL, "secretaire"),
    ]
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox WHERE key = 'Task/task-1'") == 4


async def test_an_inbox_holds_what_is_for_all_for_ones_roles_and_for_oneself(db: Database) -> None:
    await notify(db, "for-all")
    await notify(db, "for-doctors", roles=["medecin"], focus=("Task", "task-2"))
    await notify(db, "for-one", role_id=make.TRIAGER.role_id, focus=("Task", "task-3"))
    assert sorted(await inbox(db, make.TRIAGER)) == ["for-all", "for-doctors", "for-one"]
    assert sorted(await inbox(db, make.TRIAGER_2)) == ["for-all", "for-doctors"]
    assert await inbox(db, make.PLANNER) == ["for-all"]
    assert await inbox(db, make.GP) == []
    assert await inbox(db, Actor("person", "without-place", (), frozenset({"medecin"}))) == []


async def test_what_is_urgent_comes_first_then_the_newest(db: Database, clock: FixedClock) -> None:
    for event, urgent in (("old-urgent", True), ("older", False), ("newer", False)):
        await notify(db, event, urgent=urgent, focus=("Task", event))
        clock.advance(timedelta(minutes=1))
    assert await inbox(db, make.TRIAGER) == ["old-urgent", "newer", "older"]


async def test_each_thing_awaits_once_with_the_latest_of_it_and_the_rest_is_counted(db: Database, clock: FixedClock) -> None:
    for number in range(60):
        await notify(db, f"event-{number}", focus=("Task", f"task-{number % 55}"))
        clock.advance(timedelta(minutes=1))
    async with db.transaction(make.TRIAGER) as tx:
        first = await messaging.inbox(tx)
        place = messaging.Awaiting(first[-1]["urgent"], first[-1]["created_at"], first[-1]["id"])
        rest = await messaging.inbox(tx, place=place)
        back = messaging.Awaiting(rest[0]["urgent"], rest[0]["created_at"], rest[0]["id"], back=True)
        assert await messaging.inbox(tx, place=back) == first
        assert {row["total"] for row in (*first, *rest)} == {55}
        assert [row["event"] for row in (*first, *rest)] == [f"event-{number}" for number in range(59, 4, -1)]
        await messaging.mark_all_read(tx)
        assert await messaging.inbox(tx) == []


async def test_looking_at_the_object_reads_what_was_for_the_reader_and_leaves_a_colleagues_own(db: Database, clock: FixedClock) -> None:
    await notify(db, "for-all")
    await notify(db, "for-the-other", role_id=make.TRIAGER_2.role_id)
    await read(db, make.TRIAGER, ("Task", "another"))
    assert await inbox(db, make.TRIAGER) == ["for-all"]
    await read(db, make.TRIAGER)
    assert await inbox(db, make.TRIAGER) == []
    assert await inbox(db, make.TRIAGER_2) == ["for-the-other"]
    shared = next(row for row in await notifications(db) if row["event"] == "for-all")
    assert (shared["read_at"], shared["read_by"]) == (clock.now(), make.TRIAGER.role_id)


async def test_another_organisation_reads_nothing_of_ours(db: Database) -> None:
    await notify(db)
    await read(db, make.GP)
    assert await inbox(db, make.TRIAGER) == ["referral-sent"]


async def test_a_message_is_delivered_once_however_often_it_comes(db: Database, clock: FixedClock) -> None:
    await notify(db)
    first = clock.now()
    assert await outbox.drain(db, HANDLERS) == 1
    assert await outbox.drain(db, HANDLERS) == 0
    clock.advance(timedelta(minutes=1))
    [row] = await notifications(db)
    async with db.transaction(SYSTEM) as tx:
        await messaging.deliver(tx, {"notification": row["id"]})
    assert [row["delivered_at"] for row in await notifications(db)] == [first]


async def test_nothing_is_told_when_the_act_is_undone(db: Database) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012  # the error must leave the transaction
        async with db.transaction(make.GP) as tx:
            await messaging.notify(tx, "referral-sent", focus=FOCUS, organizations=[make.HOSPITAL])
            raise RuntimeError
    assert await notifications(db) == []
    assert await outbox.drain(db, HANDLERS) == 0


async def test_no_name_and_no_reason_is_written(db: Database, clock: FixedClock) -> None:
    task = await make.closed(db, clock)
    patient = await make.photograph(db, "Patient", (await make.look(db, task))["patient_id"])
    names = {word for name in patient["name"] for word in (name.get("family"), *name.get("given", ())) if word}
    async with db.transaction(SYSTEM) as tx:
        rows = [row["text"] for table in ("notification", "outbox") for row in await tx.fetch(f"SELECT t::text AS text FROM {table} t")]
    assert rows
    assert names
    words = {*names, make.TEXT, "Coloscopie", "abdominales"}
    assert not [(word, row) for word in words for row in rows if word.casefold() in row.casefold()]
