"""The second wall on real PostgreSQL: what the database itself lets through, whatever SELECT is sent (ADR 0009)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.factories import referrals as make
from tests.support import postgres

from maillage import access, record, referrals
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Invalid, NotAllowed
from maillage.store import Database, Transaction, context, database

FILL = make.territory
pytestmark = pytest.mark.asyncio
ELSEWHERE = Actor("person", "somebody", ("an-office-far-away",), frozenset({"medecin"}))
NOBODY = Actor("person", "without-place", (), frozenset({"medecin"}))
WALLED = """
SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relforcerowsecurity
    AND has_table_privilege('app_rw', oid, 'SELECT') ORDER BY 1
"""

WRITABLE = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


async def counts(conn: Any) -> dict[str, int]:
    """How many rows of each walled table there are for who asks; empty tables left out."""
    found = {row[0]: await conn.fetchval(f"SELECT count(*) FROM {row[0]}") for row in await conn.fetch(WALLED)}
    return {name: number for name, number in found.items() if number}


async def test_nobody_sees_no_row_of_any_table_before_and_after_a_transaction(db: Database, dsn: str, clock: FixedClock) -> None:
    await make.letter_sent(db, clock)
    owner, served = await asyncpg.connect(postgres.owner(dsn)), await asyncpg.connect(dsn)
    try:
        there = await counts(owner)
        assert {
            "patient",
            "resource_head",
            "resource_version",
            "ix_string",
            "ix_task",
            "referral_status",
            "referral_letter",
            "care_link",
        } <= set(there)
        assert await counts(served) == {}
        async with served.transaction():
            await served.execute(context.Context(clock.now()).switching(SYSTEM))
            assert await counts(served) == there
        assert await served.fetchval("SELECT current_setting('app.kind', true)") == ""
        assert await counts(served) == {}
    finally:
        await owner.close()
        await served.close()


async def test_an_actor_without_organisation_and_a_stranger_see_the_directory_alone(db: Database, clock: FixedClock) -> None:
    await make.letter_sent(db, clock)
    for actor in (NOBODY, ELSEWHERE):
        async with db.transaction(actor) as tx:
            seen = await counts(tx.conn)
            kinds = {
                row[0]
                for name in ("resource_head", "resource_version", "ix_string")
                for row in await tx.fetch(f"SELECT DISTINCT res_type FROM {name}")
            }
        assert kinds <= access.DIRECTORY_TYPES
        assert {name for name in seen if not name.startswith("ix_")} <= {"resource_head", "resource_version"}
        assert {f"ix_{kind.lower()}" for kind in access.DIRECTORY_TYPES} | {"ix_string"} >= {
            name for name in seen if name.startswith("ix_")
        }


async def test_a_link_opens_what_it_opens_until_it_ends(db: Database, clock: FixedClock) -> None:
    task = await make.sent(db)
    patient = (await make.look(db, task))["patient_id"]

    async def seen() -> tuple[int, int]:
        async with db.transaction(make.CARDIOLOGIST) as tx:
            one = await tx.fetchval("SELECT count(*) FROM patient WHERE id = $1", patient)
            return one, await tx.fetchval("SELECT count(*) FROM referral_task WHERE id = $1", task)

    assert await seen() == (0, 0)
    ends = clock.now() + timedelta(hours=1)
    async with db.transaction(SYSTEM) as tx:
        await access.link(tx, patient, make.OTHER_HOSPITAL, "adressage", "Task/1", ends=ends)
    assert await seen() == (1, 0)
    async with db.transaction(SYSTEM) as tx:
        await access.link(tx, patient, make.OTHER_HOSPITAL, "medecin-traitant", "Task/2", ends=ends)
    assert await seen() == (1, 1)
    clock.set(ends)
    assert await seen() == (0, 0)


# --- what may be written -----------------------------------------------------------
async def test_nobody_writes_outside_his_organisation(db: Database) -> None:
    task = await make.sent(db)
    patient = (await make.look(db, task))["patient_id"]
    with pytest.raises(NotAllowed) as refusal:
        async with db.transaction(make.STRANGER) as tx:
            await record.photograph(tx, {"resourceType": "Basic", "id": "b", "code": {"text": "x"}}, patient=patient, owner=make.CENTRE)
    assert refusal.value.reason == "second-wall"


async def test_a_row_never_moves_to_another_patient(db: Database) -> None:
    one, other = (await make.patients(db, 2))[:2]
    basic = {"resourceType": "Basic", "id": "b", "code": {"text": "x"}}
    async with db.transaction(make.GP) as tx:
        await record.photograph(tx, basic, patient=one, owner=make.CENTRE)
    for actor in (make.GP, SYSTEM):
        with pytest.raises(Invalid) as refusal:
            async with db.transaction(actor) as tx:
                await record.photograph(tx, basic, patient=other, owner=make.CENTRE)
        assert refusal.value.reason == "patient-changed"


async def test_a_child_of_an_unseen_row_is_refused_as_one_of_no_row(db: Database) -> None:
    """Foreign keys look past row security: a link or a note on what one does not see must not tell that it is there."""
    task = await make.sent(db)
    patient = (await make.look(db, task))["patient_id"]

    async def told(work: Any) -> str:
        try:
            async with db.transaction(make.STRANGER) as tx:
                await work(tx)
        except Exception as error:  # noqa: BLE001  # whatever it says must be the same
            return f"{type(error).__name__} {error}"
        return "done"

    async def reading(tx: Transaction, id: str) -> None:
        await tx.execute("INSERT INTO referral_reading VALUES ($1, 'r', '', 'o', now())", id)

    assert await told(lambda tx: reading(tx, task)) == await told(lambda tx: reading(tx, "absent"))
    here = await told(lambda tx: access.link(tx, patient, make.STRANGER.organization, "presence", "Task/1"))
    assert here == await told(lambda tx: access.link(tx, "absent", make.STRANGER.organization, "presence", "Task/1"))
    assert here != "done"


async def test_a_patient_reads_the_own_record_and_writes_none_of_it(db: Database) -> None:
    """Each walled table with rows that the patient sees: none is added, changed or taken away in the patient's name."""
    task = await make.sent(db)
    patient = Actor("patient", str((await make.look(db, task))["patient_id"]), ())
    async with db.transaction(patient) as tx:
        trail = {"audit_event", "patient_look"}  # whoever acts adds to it
        seen = [name for name in await counts(tx.conn) if name not in trail and await _has_patient(tx.conn, name)]
        assert {"patient", "resource_head", "resource_version", "ix_string", "ix_task", "ix_servicerequest", "referral_task"} <= set(seen)
        changed = []
        for name in seen:
            column = "id" if name == "patient" else "patient_id"
            own = f"{name} WHERE {column} = '{patient.id}'"
            columns = await tx.conn.fetchval(WRITABLE, name)
            insert = f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {own} LIMIT 1"
            some = columns.partition(",")[0]
            for verb in (insert, f"UPDATE {name} SET {some} = {some}", f"DELETE FROM {own}"):
                changed += [] if await _refused(tx, verb) else [verb]
        assert changed == []


async def _has_patient(conn: Any, name: str) -> bool:
    columns = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'patient_id')"
    return name == "patient" or bool(await conn.fetchval(columns, name))


async def _refused(tx: Transaction, verb: str) -> bool:
    """Whether a change is refused by the wall or reaches no row."""
    try:
        async with tx.savepoint():
            return str(await tx.conn.execute(verb)).endswith(" 0")
    except asyncpg.InsufficientPrivilegeError:
        return True
    except asyncpg.UniqueViolationError:
        return False


# --- who acts, in the same statement -------------------------------------------------
async def test_a_look_and_a_write_that_stand_alone_say_who_acts_in_one_round_trip(db: Database) -> None:
    task = await make.sent(db)
    said: list[str] = []

    class Heard(database.Connection):
        async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
            said.append(query)
            return await super().fetch(query, *args, **options)

        async def execute(self, query: str, *args: Any, **options: Any) -> Any:
            said.append(query)
            return await super().execute(query, *args, **options)

    heard = await Database.open(db._dsn, db.clock, connection_class=Heard)
    try:
        said.clear()
        seen = {}
        for actor in (make.GP, make.STRANGER, SYSTEM):
            async with heard.transaction(actor, lazy=True) as tx:
                seen[actor.id] = [row[0] for row in await tx.peek("SELECT id FROM referral_task WHERE id = $1 ORDER BY id", task)]
        assert seen == {make.GP.id: [task], make.STRANGER.id: [], SYSTEM.id: [task]}
        assert len(said) == 3
        said.clear()
        async with heard.transaction(make.GP, lazy=True) as tx:
            await record.first_photograph(tx, {"resourceType": "Basic", "id": "alone", "code": {"text": "x"}}, owner=make.CENTRE)
        assert len(said) == 1
        with pytest.raises(NotAllowed):
            async with heard.transaction(make.STRANGER, lazy=True) as tx:
                await record.first_photograph(tx, {"resourceType": "Basic", "id": "other", "code": {"text": "x"}}, owner=make.CENTRE)
    finally:
        await heard.close()
    async with db.transaction(SYSTEM) as tx:
        assert await record.existing(tx, "Basic", ["alone", "other"], access.visible_to(SYSTEM, "Basic")) == {"alone"}


async def test_rows_keep_their_order_behind_the_context(dsn: str, db: Database) -> None:
    plain = await asyncpg.connect(dsn)
    try:
        sql = context.reading("SELECT n FROM generate_series(1, 2000) n ORDER BY n % 7, n DESC LIMIT 500", 0)
        rows = [row[0] for row in await plain.fetch(sql, *context.Context(db.clock.now()).values(make.GP))]
    finally:
        await plain.close()
    assert rows == sorted(range(1, 2001), key=lambda n: (n % 7, -n))[:500]


async def test_another_actor_of_the_same_transaction_sees_with_his_own_eyes(db: Database) -> None:
    task = await make.sent(db)
    sql = "SELECT count(*) FROM referral_task WHERE id = $1"
    async with db.transaction(make.STRANGER) as tx:
        other = tx.acting_as(make.GP)
        assert [await one.fetchval(sql, task) for one in (tx, other, tx, tx.acting_as(SYSTEM), tx)] == [0, 1, 0, 1, 0]
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the error must leave the part
            async with tx.savepoint():
                assert await other.fetchval(sql, task) == 1
                1 / 0  # noqa: B018
        assert (await tx.fetchval(sql, task), await other.fetchval(sql, task), len(await tx.peek("SELECT 1 FROM referral_task"))) == (
            0,
            1,
            0,
        )


@pytest.mark.drifts
async def test_a_write_that_waits_is_written_as_who_wrote_it(db: Database) -> None:
    [task] = await make.draft(db)
    async with db.transaction(make.GP, lazy=True) as tx:
        await tx.write(("referral_task", task), ("UPDATE referral_task SET comment = 'mine' WHERE id = $1",), (task,))
        stranger = tx.acting_as(make.STRANGER)
        await stranger.write(("referral_task", "x"), ("UPDATE referral_task SET comment = 'theirs' WHERE id = $1",), (task,))
    assert (await make.look(db, task))["comment"] == "mine"


# --- the pool (F6) -------------------------------------------------------------------
@pytest.mark.parametrize("how", ["error", "cancelled", "broken", "statement"])
async def test_a_connection_that_comes_back_says_nobody(dsn: str, clock: FixedClock, how: str) -> None:
    """The connection of an act that failed in the middle goes to the next one, without the first one's context."""
    single = await Database.open(dsn, clock, limits=database.Limits(pool_size=1, acquire=10))

    async def fail() -> None:
        async with single.transaction(SYSTEM, lazy=how == "statement") as tx:
            if how == "error":
                raise ZeroDivisionError
            if how == "broken":
                tx.conn.terminate()
            elif how == "statement":
                await tx.peek("SELECT 1 / (SELECT count(*) - count(*) FROM patient)")
            await tx.execute("SELECT pg_sleep(20)")

    work = asyncio.create_task(fail())
    await asyncio.sleep(0.2)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    try:
        async with single._connection() as conn:
            assert not await conn.fetchval("SELECT current_setting('app.kind', true)")
            assert await counts(conn) == {}
        async with single.transaction(ELSEWHERE, lazy=True) as tx:
            assert await tx.peek("SELECT 1 FROM patient") == []
    finally:
        await single.close()


async def test_the_requester_and_the_service_see_the_same_request(db: Database) -> None:
    task = await make.opened(db)
    for actor in (make.GP, make.TRIAGER):
        async with db.transaction(actor) as tx:
            assert (await referrals.visible_task(tx, task))["id"] == task
