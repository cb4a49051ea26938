"""The chain over the audit trail: every row once, in one line, whatever the order of commits; checkpoints signed on time."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from tests.support import postgres
from tests.support.chaining import DOCTOR, Proof

from maillage import record
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.record import proof
from maillage.record.proof.canon import COLUMNS
from maillage.store import Database

pytestmark = pytest.mark.asyncio


@pytest.fixture
def one(db: Database, tmp_path: Path) -> Proof:
    return Proof(db, tmp_path)


@pytest_asyncio.fixture
async def beside(dsn: str) -> AsyncIterator[Any]:
    """A connection of somebody else."""
    conn = await asyncpg.connect(postgres.owner(dsn))
    yield conn
    await conn.close()


INSERT = """INSERT INTO audit_event (id, at, action, subtype, actor_kind, actor_id, res_type) VALUES ($1, now(), 'R', 'read', 'person', 'p', 'Task')"""


async def test_every_row_is_chained_once_and_the_whole_verifies(one: Proof) -> None:
    await one.look(7)
    assert await one.chainer.drain() == 7
    assert await one.chainer.drain() == 0
    assert sorted(await one.chained()) == sorted(row["id"] for row in await one.rows("SELECT id FROM audit_event ORDER BY id"))
    report = await one.verify()
    assert (report.whole, report.rows, report.first, report.last) == (True, 7, 1, 7)


async def test_anybody_can_compute_the_chain_again(one: Proof) -> None:
    await one.look(3, patient="Élodie \u2028 \"'\\/<&> \U0001f9ea" + "".join(map(chr, [*range(1, 32), 127, 128, 159])))
    await one.chainer.drain()
    await one.look(2)
    await one.chainer.drain()
    h = hashlib.sha256(b"maillage audit chain").digest()
    text = """to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    rows = await one.rows(
        f"""SELECT e.*, substring(c.links FROM (32 * x.nth - 31)::integer FOR 32) AS link, {text.replace("(at", "(e.at")} AS instant
        FROM audit_chain c, unnest(c.events) WITH ORDINALITY AS x (event, nth) JOIN audit_event e ON e.id = x.event ORDER BY c.seq, x.nth"""
    )
    assert len(rows) == 5
    for row in rows:
        said = {name: row[name] for name in COLUMNS} | {"at": row["instant"], "xact": str(row["xact"])}
        h = hashlib.sha256(h + b"\x01" + json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).digest()
        assert bytes(row["link"]) == h


async def test_the_chain_holds_every_column_of_the_row(one: Proof) -> None:
    found = await one.rows(
        "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = 'audit_event'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1"
    )
    assert tuple(row["name"] for row in found) == COLUMNS


async def test_a_row_that_commits_late_is_chained_late_and_not_left_out(one: Proof, beside: Any) -> None:
    late = beside.transaction()
    await late.start()
    await beside.execute(INSERT, "late")
    await one.look(3)
    assert await one.chainer.drain() == 3
    assert await one.chainer.drain() == 0
    await one.look(2)
    assert await one.chainer.drain() == 2
    await late.commit()
    assert await one.chainer.drain() == 1
    assert (await one.chained())[-1] == "late"
    assert (await one.verify()).whole


async def test_a_row_that_is_rolled_back_leaves_no_hole(one: Proof, beside: Any) -> None:
    undone = beside.transaction()
    await undone.start()
    await beside.execute(INSERT, "undone")
    await one.look(1)
    assert await one.chainer.drain() == 1
    await undone.rollback()
    await one.look(1)
    assert await one.chainer.drain() == 1
    assert (await one.verify()).whole


async def test_more_than_a_batch_waits_and_none_is_lost(one: Proof, beside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof.chainer, "BATCH", 3)
    monkeypatch.setattr(proof.chainer, "_ROWS", proof.chainer._ROWS.replace("LIMIT 1000", "LIMIT 3"))
    async with beside.transaction():  # one transaction holds more rows than a batch
        for number in range(5):
            await beside.execute(INSERT, f"same-{number}")
    await one.look(6)
    assert await one.chainer.round() == 3
    assert await one.chainer.drain() == 8
    assert (len(await one.chained()), (await one.verify()).whole) == (11, True)


async def test_a_new_chainer_goes_on_where_the_last_one_stood_once_it_is_silent(one: Proof, beside: Any) -> None:
    await one.look(2)
    await one.chainer.drain()
    other = one.another(lease=timedelta(seconds=0))
    await one.look(1)
    assert await one.another().drain() == 0  # the first one gave a sign of life a moment ago
    assert await other.drain() == 1
    await one.look(1)
    assert await one.chainer.drain() == 0  # its turn is over
    assert await other.drain() == 1
    found = await one.rows("SELECT seq, cardinality(events) AS rows, fence FROM audit_chain ORDER BY seq")
    assert [tuple(row) for row in found] == [(1, 2, 1), (3, 1, 2), (4, 1, 2)]
    assert (await one.verify()).whole


async def test_a_chainer_that_lost_its_turn_meanwhile_writes_nothing(one: Proof, beside: Any) -> None:
    await one.look(1)
    await one.chainer.drain()
    await one.look(1)
    real = one.chainer._is_my_turn

    async def and_then_loses_it(tx: Any) -> bool:
        mine = await real(tx)
        await tx.execute("UPDATE audit_chainer SET fence = fence + 1")
        return mine

    one.chainer._is_my_turn = and_then_loses_it  # type: ignore[method-assign]
    with pytest.raises(proof.chainer.Unavailable, match="audit-turn-lost"):
        await one.chainer.round()
    assert len(await one.chained()) == 1


async def test_two_chainers_at_once_make_one_chain(one: Proof) -> None:
    others = [one.another(lease=timedelta(seconds=0)) for _ in range(4)]
    for _ in range(5):
        await asyncio.gather(one.look(3), *(other.drain() for other in others))
    await others[0].drain()
    await others[0].drain()
    assert (len(await one.chained()), (await one.verify()).faults) == (15, [])


async def test_after_a_restore_into_another_cluster_what_was_not_chained_is_looked_for_from_the_start(one: Proof, beside: Any) -> None:
    await one.look(2)
    await one.chainer.drain()
    await beside.execute("UPDATE audit_chainer SET system = 'another', horizon = '99999999999', beat_at = '-infinity'")
    await one.look(2)
    assert await one.another().drain() == 2
    assert (await one.verify()).whole


# --- checkpoints -----------------------------------------------------------------
async def test_a_checkpoint_is_written_each_minute_and_each_thousand_rows(one: Proof, clock: FixedClock, tmp_path: Path) -> None:
    await one.look(2)
    await one.chainer.drain()
    assert one.points() == []
    clock.advance(timedelta(seconds=60))
    await one.chainer.round()
    assert [(p.seq, p.fault, p.at) for p in one.points()] == [(2, "", clock.now())]
    await one.chainer.round()
    clock.advance(timedelta(hours=1))
    await one.chainer.round()
    assert len(one.points()) == 1, "nothing new, nothing to sign"
    many = Proof(one.db, tmp_path / "many", every_rows=3)
    many.chainer = many.another(lease=timedelta(seconds=0))
    await many.look(3)
    await many.chainer.drain()
    assert [p.seq for p in many.points()] == [5]


async def test_the_book_and_the_key_are_their_owner_s_alone(one: Proof, clock: FixedClock) -> None:
    await one.look(1)
    await one.chainer.drain()
    clock.advance(timedelta(minutes=2))
    await one.chainer.drain()
    for path, mode in ((one.file, 0o600), (one.folder / "signing.key", 0o600), (one.folder / "signing.pub", 0o644)):
        assert stat.S_IMODE(path.stat().st_mode) == mode, path
    assert (
        proof.Signer(one.folder / "signing.key").name
        == one.signer.name
        == proof.checkpoints.name_of(proof.read_key(one.folder / "signing.pub"))
    )


async def test_a_line_torn_by_a_crash_hinders_nobody(one: Proof, clock: FixedClock) -> None:
    for _ in range(2):
        await one.look(1)
        await one.chainer.drain()
        clock.advance(timedelta(minutes=2))
        await one.chainer.drain()
        with one.file.open("ab") as book:
            book.write(b'{"at":"2026-')
    assert [(p.seq, p.fault) for p in one.points()] == [(1, ""), (2, "")]
    assert (await one.verify()).whole


async def test_a_chain_that_no_longer_says_what_was_signed_is_not_signed_again(
    one: Proof, beside: Any, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    await one.look(2)
    await one.chainer.drain()
    clock.advance(timedelta(minutes=2))
    await one.chainer.drain()
    await beside.execute("SET session_replication_role = replica")
    await beside.execute("UPDATE audit_chain SET links = set_byte(links, 40, 255 - get_byte(links, 40)) WHERE seq = 1")
    await one.look(1)
    clock.advance(timedelta(minutes=2))
    with caplog.at_level(logging.ERROR):
        await one.chainer.drain()
        await one.chainer.drain()
    assert [message for message in caplog.messages if "audit-chain-broken" in message] == [
        "audit-chain-broken at checkpoint 2: nothing more is signed"
    ]
    assert [p.seq for p in one.points()] == [2]
    async with one.db.trail.transaction(SYSTEM) as tx:
        assert "audit-chain-broken" in (await proof.status(tx, one.points()[-1], tx.now)).problems


async def test_status_tells_what_waits_and_since_when(one: Proof, clock: FixedClock) -> None:
    async def now() -> proof.Status:
        async with one.db.trail.transaction(SYSTEM) as tx:
            return await proof.status(tx, (one.points() or [None])[-1], tx.now)

    assert (await now()).problems == ()
    await one.look(3)
    found = await now()
    assert (found.rows, found.waiting, found.lag, found.problems) == (0, 3, 0.0, ())
    clock.advance(timedelta(seconds=60))
    assert ((await now()).lag, (await now()).problems) == (60.0, ())
    clock.advance(timedelta(seconds=1))
    found = await now()
    assert (found.waiting, found.lag, found.problems) == (3, 61.0, ("audit-lag",))
    await one.chainer.drain()
    clock.advance(timedelta(seconds=61))
    await one.chainer.drain()
    found = await now()
    assert (found.rows, found.waiting, found.lag, found.checkpoint, found.uncovered, found.problems) == (3, 0, 0.0, 3, 0.0, ())
    assert found.told()["checkpoint_at"].startswith("2026-11-16")


async def test_a_chained_row_is_signed_within_two_minutes_or_it_is_told(one: Proof, beside: Any) -> None:
    await one.look(2)
    await proof.Chainer(one.db).drain()  # chained, and nobody signs
    await beside.execute("SET session_replication_role = replica")

    async def after(seconds: int) -> tuple[str, ...]:
        await beside.execute("UPDATE audit_chain SET at = clock_timestamp() - make_interval(secs => $1)", seconds)
        async with one.db.trail.transaction(SYSTEM) as tx:
            return (await proof.status(tx, None, tx.now)).problems

    assert await after(110) == ()
    assert await after(121) == ("audit-checkpoint-late",)


# --- parts -----------------------------------------------------------------------
async def test_parts_are_made_ahead_and_a_row_without_part_is_kept_and_told(one: Proof, beside: Any, clock: FixedClock) -> None:
    async def make(months: int) -> list[str]:
        async with one.db.transaction(SYSTEM) as tx:
            return await proof.make_parts(tx, tx.now, months)

    async def stray() -> int:
        async with one.db.trail.transaction(SYSTEM) as tx:
            return await proof.stray_rows(tx)

    clock.set(clock.now().replace(year=2038, month=1, day=20))
    await one.look(1)
    assert await stray() == 1
    assert await make(2) == ["audit_event_2038_01"]
    names = {
        row["name"]
        for row in await one.rows(
            "SELECT relname::text AS name FROM pg_class WHERE relname LIKE 'audit_event_2038%' AND relkind = 'r' ORDER BY 1"
        )
    }
    assert {"audit_event_2038_02", "audit_event_2038_03"} <= names
    assert await make(2) == ["audit_event_2038_01"]
    clock.advance(timedelta(days=20))
    await one.look(1)
    assert await stray() == 1
    [there] = await one.rows("SELECT count(*) AS n FROM audit_event WHERE tableoid = 'audit_event_2038_02'::regclass")
    assert there["n"] == 1
    await one.chainer.drain()
    assert ((await one.verify()).rows, (await one.verify()).whole) == (2, True)
    async with one.db.trail.transaction(SYSTEM) as tx:
        assert (await proof.status(tx, None, tx.now)).problems == ("audit-part-missing",)
    for part in sorted(names):
        await beside.execute(f"DROP TABLE {part}")


@pytest.mark.parametrize("statement", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"])
async def test_class_28_no_part_and_no_link_is_ever_changed(one: Proof, beside: Any, statement: str) -> None:
    await one.look(1)
    async with one.db.transaction(SYSTEM) as tx:
        await tx.execute(INSERT.replace("now()", "'2001-01-01'"), "stray")
    await one.chainer.drain()
    [part] = await one.rows("SELECT tableoid::regclass::text AS name FROM audit_event WHERE id <> 'stray' ORDER BY 1")
    for table in ("audit_event", part["name"], "audit_event_rest", "audit_chain"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await beside.execute(statement.format(table))
    assert (await one.verify()).whole


async def test_an_act_is_chained_with_what_it_wrote(one: Proof) -> None:
    async with one.db.transaction(DOCTOR) as tx:
        await record.audit_many(tx, "R", [("Task", "a", "p1"), ("Task", "b", "p2"), ("Patient", "p1", "p1")], verb="worklist")
    assert await one.chainer.drain() == 2
    assert (await one.verify()).rows == 2
