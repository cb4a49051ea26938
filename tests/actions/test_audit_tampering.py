"""Fault 25: the owner of the database, whom no trigger stops, tampers with the trail. Verification fails and names the row, within one checkpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.chaining import Proof, owner, rewrite

from maillage.codes.json import decode, encode
from maillage.kernel.actor import SYSTEM
from maillage.record import proof
from maillage.record.proof.canon import COLUMNS
from maillage.store import Database

pytestmark = pytest.mark.asyncio
Named = tuple[str, int, str]
"""What verification must say first: code, place in the chain, audit row."""
CHECK = "audit_chain_links"
ONE_OR_MANY = "audit_event_one_or_many"


@pytest_asyncio.fixture
async def one(db: Database, tmp_path: Path) -> Proof:
    """Twelve rows, signed after the fourth, the eighth and the twelfth; the table as it was after the fourth is kept."""
    async with db.transaction(SYSTEM) as tx:
        await proof.make_parts(tx, tx.now)
    made = Proof(db, tmp_path, every_rows=4)
    for _ in range(3):
        await made.look(4)
        await made.chainer.drain()
    assert [point.seq for point in made.points()] == [4, 8, 12]
    assert (await made.verify()).covered == 12
    return made


@pytest_asyncio.fixture
async def conn(dsn: str) -> AsyncIterator[Any]:
    async with owner(dsn) as made:
        check = await made.fetchval(f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{CHECK}'")
        yield made
        if not await made.fetchval(f"SELECT EXISTS (SELECT FROM pg_constraint WHERE conname = '{CHECK}')"):  # databases are used again
            await made.execute(f"DELETE FROM audit_chain; ALTER TABLE audit_chain ADD CONSTRAINT {CHECK} {check}")


async def changed(one: Proof, conn: Any) -> Named:
    await conn.execute("UPDATE audit_event SET patient_id = 'somebody-else' WHERE id = $1", await one.event(6))
    return "row-changed", 6, await one.event(6)


async def deleted(one: Proof, conn: Any) -> Named:
    await conn.execute("DELETE FROM audit_event WHERE id = $1", await one.event(6))
    return "row-missing", 6, await one.event(6)


async def without(conn: Any, nth: int) -> None:
    """The second block without the link of one of its rows."""
    await conn.execute(
        "UPDATE audit_chain SET events = events[:$1 - 1] || events[$1 + 1:], links = overlay(links PLACING '' FROM 32 * $1 - 31 FOR 32) WHERE seq = 5",
        nth,
    )


async def deleted_with_its_link(one: Proof, conn: Any) -> Named:
    seven = await one.event(7)
    await conn.execute("DELETE FROM audit_event WHERE id = $1", await one.event(6))
    await without(conn, 2)
    return "row-changed", 6, seven


async def last_of_a_block_deleted_with_its_link(one: Proof, conn: Any) -> Named:
    await conn.execute("DELETE FROM audit_event WHERE id = $1", await one.event(8))
    await without(conn, 4)
    return "chain-gap", 8, ""


async def deleted_with_its_block(one: Proof, conn: Any) -> Named:
    await conn.execute("DELETE FROM audit_event WHERE id = ANY ($1)", (await one.chained())[4:8])
    await conn.execute("DELETE FROM audit_chain WHERE seq = 5")
    return "chain-gap", 5, ""


async def block_chained_again(one: Proof, conn: Any) -> Named:
    await conn.execute(
        "INSERT INTO audit_chain SELECT 7, events, links, earliest, latest, newest, version, fence FROM audit_chain WHERE seq = 5"
    )
    return "chain-overlap", 7, await one.event(5)


async def id_taken_out_of_its_block(one: Proof, conn: Any) -> Named:
    await conn.execute(f"ALTER TABLE audit_chain DROP CONSTRAINT {CHECK}")
    seven = await one.event(7)
    await conn.execute("UPDATE audit_chain SET events = array_remove(events, events[2]) WHERE seq = 5")
    return "row-changed", 6, seven


async def last_id_taken_out(one: Proof, conn: Any) -> Named:
    await conn.execute(f"ALTER TABLE audit_chain DROP CONSTRAINT {CHECK}")
    await conn.execute("UPDATE audit_chain SET events = events[:3] WHERE seq = 9")
    return "links-left", 12, ""


async def link_taken_out(one: Proof, conn: Any) -> Named:
    await conn.execute(f"ALTER TABLE audit_chain DROP CONSTRAINT {CHECK}")
    await conn.execute("UPDATE audit_chain SET links = substring(links FOR 96) WHERE seq = 5")
    return "chain-rewritten", 5, await one.event(5)


async def bounds_moved(one: Proof, conn: Any) -> Named:
    await conn.execute("UPDATE audit_chain SET latest = earliest - interval '1 second' WHERE seq = 5")
    return "row-missing", 5, await one.event(5)


async def swapped(one: Proof, conn: Any) -> Named:
    five, seven = await one.event(5), await one.event(7)
    await conn.execute(
        "UPDATE audit_event e SET res_id = o.res_id, request_id = o.request_id, seq = o.seq FROM audit_event o "
        "WHERE (e.id, o.id) IN (($1, $2), ($2, $1))",
        *(five, seven),
    )
    return "row-changed", 5, five


async def links_swapped(one: Proof, conn: Any) -> Named:
    five, seven = await one.event(5), await one.event(7)
    await conn.execute("UPDATE audit_chain SET events[1] = $1, events[3] = $2 WHERE seq = 5", seven, five)
    return "row-changed", 5, seven


async def tail_cut(one: Proof, conn: Any) -> Named:
    await conn.execute("DELETE FROM audit_event WHERE id = ANY ($1)", (await one.chained())[8:])
    await conn.execute("DELETE FROM audit_chain WHERE seq = 9")
    return "tail-cut", 9, ""


async def everything_cut(one: Proof, conn: Any) -> Named:
    await conn.execute("DELETE FROM audit_event")
    await conn.execute("DELETE FROM audit_chain")
    return "tail-cut", 1, ""


async def tail_cut_and_grown_again(one: Proof, conn: Any) -> Named:
    await tail_cut(one, conn)
    await one.look(5)
    await one.chainer.drain()
    return "chain-rewritten", 9, await one.event(9)


async def head_cut(one: Proof, conn: Any) -> Named:
    await conn.execute("DELETE FROM audit_event WHERE id = ANY ($1)", (await one.chained())[:4])
    await conn.execute("DELETE FROM audit_chain WHERE seq = 1")
    return "chain-gap", 1, ""


async def old_part_restored(one: Proof, conn: Any) -> Named:
    part = await conn.fetchval("SELECT tableoid::regclass::text FROM audit_event LIMIT 1")
    bound = await conn.fetchval("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = $1::text::regclass", part)
    await conn.execute(f"CREATE TABLE old_part AS SELECT * FROM {part} WHERE id IN (SELECT unnest(events) FROM audit_chain WHERE seq = 1)")
    await conn.execute(f"ALTER TABLE audit_event DETACH PARTITION {part}")
    await conn.execute(f"TRUNCATE {part}")
    await conn.execute(f"INSERT INTO {part} SELECT * FROM old_part")
    await conn.execute(f"ALTER TABLE audit_event ATTACH PARTITION {part} {bound}")
    await conn.execute("DROP TABLE old_part")
    return "row-missing", 5, await one.event(5)


async def chain_rewritten_from_a_changed_row(one: Proof, conn: Any) -> Named:
    await changed(one, conn)
    await rewrite(conn, 6)
    return "chain-rewritten", 5, await one.event(5)


async def chain_rewritten_from_its_beginning(one: Proof, conn: Any) -> Named:
    await conn.execute("UPDATE audit_event SET actor_name = 'Dr Personne'")
    await rewrite(conn, 1)
    return "chain-rewritten", 1, await one.event(1)


async def a_row_taken_out_and_the_rest_moved_up(one: Proof, conn: Any) -> Named:
    await deleted_with_its_link(one, conn)
    await conn.execute("UPDATE audit_chain SET seq = seq - 1 WHERE seq > 5")
    await rewrite(conn, 6)
    return "chain-rewritten", 5, await one.event(5)


async def a_hash_changed(one: Proof, conn: Any) -> Named:
    await conn.execute("UPDATE audit_chain SET links = overlay(links PLACING sha256('x') FROM 65) WHERE seq = 1")
    return "row-changed", 3, await one.event(3)


async def a_version_that_nobody_knows(one: Proof, conn: Any) -> Named:
    await conn.execute("UPDATE audit_chain SET version = 7 WHERE seq = 5")
    return "version-unknown", 5, await one.event(5)


async def put_in(conn: Any, event: str, id: str, at: str) -> None:
    """A copy of a row, written long ago as it says."""
    names = [name for name in COLUMNS if name not in ("id", "at", "xact")]
    await conn.execute(
        f"INSERT INTO audit_event (id, at, xact, {', '.join(names)}) SELECT $2, {at}, '3', {', '.join(names)} FROM audit_event WHERE id = $1",
        event,
        id,
    )


async def a_row_put_in(one: Proof, conn: Any) -> Named:
    await put_in(conn, await one.event(6), "put-in", "at")
    return "row-added", 2**62, "put-in"


async def a_row_put_in_under_the_id_of_another(one: Proof, conn: Any) -> Named:
    six = await one.event(6)
    await put_in(conn, six, six, "at + interval '1 day'")
    return "row-added", 2**62, six


async def a_row_put_in_beside_another(one: Proof, conn: Any) -> Named:
    six = await one.event(6)
    await conn.execute("UPDATE audit_chain SET earliest = earliest - interval '1 hour' WHERE seq = 5")
    await put_in(conn, six, six, "at - interval '1 microsecond'")
    return "row-added", 6, six


async def listed(one: Proof) -> str:
    """Four rows more, the second of them a list of three patients: the event at place 14."""
    await one.look(1, id="more")
    await one.listing(("patient-1", "patient-2", "patient-3"))
    await one.look(2, id="yet-more")
    await one.chainer.drain()
    return await one.event(14)


async def somebody_taken_out_of_a_list(one: Proof, conn: Any) -> Named:
    event = await listed(one)
    await conn.execute("UPDATE audit_event SET patients = 'patient-1 patient-3', things = 'task-1 task-3' WHERE id = $1", event)
    return "row-changed", 14, event


async def somebody_put_into_a_list(one: Proof, conn: Any) -> Named:
    event = await listed(one)
    await conn.execute("UPDATE audit_event SET patients = patients || ' patient-4', things = things || ' task-4' WHERE id = $1", event)
    return "row-changed", 14, event


async def two_of_a_list_changed_places(one: Proof, conn: Any) -> Named:
    event = await listed(one)
    await conn.execute("UPDATE audit_event SET patients = 'patient-2 patient-1 patient-3' WHERE id = $1", event)
    return "row-changed", 14, event


async def a_list_made_one_look(one: Proof, conn: Any) -> Named:
    event = await listed(one)
    await conn.execute(
        "UPDATE audit_event SET patients = '', things = '', patient_id = 'patient-1', res_id = 'task-1' WHERE id = $1", event
    )
    return "row-changed", 14, event


async def a_glass_hidden(one: Proof, conn: Any) -> Named:
    event = await listed(one)
    await conn.execute("UPDATE audit_event SET under_glass = 'patient-2' WHERE id = $1", event)
    return "row-changed", 14, event


Attack = Callable[[Proof, Any], Awaitable[Named]]
ATTACKS: list[Attack] = [
    *(changed, deleted, deleted_with_its_link, last_of_a_block_deleted_with_its_link, deleted_with_its_block, block_chained_again),
    *(id_taken_out_of_its_block, last_id_taken_out, link_taken_out, bounds_moved),
    *(swapped, links_swapped, tail_cut, everything_cut, tail_cut_and_grown_again, head_cut),
    *(old_part_restored, chain_rewritten_from_a_changed_row, chain_rewritten_from_its_beginning, a_row_taken_out_and_the_rest_moved_up),
    *(a_hash_changed, a_version_that_nobody_knows, a_row_put_in, a_row_put_in_under_the_id_of_another, a_row_put_in_beside_another),
    *(somebody_taken_out_of_a_list, somebody_put_into_a_list, two_of_a_list_changed_places, a_list_made_one_look, a_glass_hidden),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_class_28_tampering_is_named(one: Proof, conn: Any, attack: Attack) -> None:
    # conn without triggers stands for the owner
    expected = await attack(one, conn)
    report = await one.verify()
    first = report.faults[0]
    assert (first.code, first.seq, first.event) == expected
    assert first.detail
    assert not report.whole


async def test_a_stretch_that_was_rewritten_is_told_by_its_places_and_the_day_it_was_signed(one: Proof, conn: Any) -> None:
    await chain_rewritten_from_a_changed_row(one, conn)
    assert (await one.verify()).faults[0].detail == "rows 5 to 8 are not those signed on 2026-11-16 08:00:00: the first of them is named"


@pytest.mark.parametrize("line", [b"[]", b"7", b"null", b'"said"', b"{}", b'{"seq": 1}'])
async def test_a_line_of_the_book_that_says_something_else_is_passed_over(one: Proof, line: bytes) -> None:
    points = one.points()
    one.file.write_bytes(one.file.read_bytes() + line + b"\n")
    assert one.points() == points


async def test_class_28_every_column_is_under_the_chain(one: Proof, conn: Any) -> None:
    event = await one.event(6)
    check = await conn.fetchval(f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{ONE_OR_MANY}' LIMIT 1")
    await conn.execute(f"ALTER TABLE audit_event DROP CONSTRAINT {ONE_OR_MANY}")
    other = {"at": "at + interval '1 microsecond'", "seq": "seq + 1", "xact": "'5'", "outcome": "'8'", "action": "'D'", "id": "'other'"}
    for name in COLUMNS:
        async with conn.transaction():
            await conn.execute("CREATE TEMP TABLE kept AS SELECT * FROM audit_event WHERE id = $1", event)
            await conn.execute(f"UPDATE audit_event SET {name} = {other.get(name, chr(39) + 'other' + chr(39))} WHERE id = $1", event)
        report = await one.verify()
        missing = name in ("id", "at")
        assert [(f.code, f.seq, f.event) for f in report.faults if f.code != "row-added"] == [
            ("row-missing" if missing else "row-changed", 6, event)
        ], name
        async with conn.transaction():
            await conn.execute("DELETE FROM audit_event WHERE id IN ($1, 'other')", event)
            await conn.execute("INSERT INTO audit_event SELECT * FROM kept")
            await conn.execute("DROP TABLE kept")
    await conn.execute(f"ALTER TABLE audit_event ADD CONSTRAINT {ONE_OR_MANY} {check}")  # databases are used again
    assert (await one.verify()).whole


async def test_verification_of_some_days_looks_at_those_rows_alone(one: Proof, conn: Any) -> None:
    async with one.db.transaction(SYSTEM) as tx:
        today = tx.now
    one.db.clock.advance(type(today - today)(days=2))  # type: ignore[attr-defined]
    await one.look(4, id="later")
    await one.chainer.drain()
    await changed(one, conn)
    later = await one.verify(since=today.replace(hour=0) + type(today - today)(days=1))
    assert (later.whole, later.first, later.last, later.rows, later.covered) == (True, 13, 16, 4, 16)
    earlier = await one.verify(until=today.replace(hour=0) + type(today - today)(days=1))
    assert ([fault.seq for fault in earlier.faults], earlier.last) == ([6], 12)


# --- the book of checkpoints -------------------------------------------------------
def lines(one: Proof) -> list[bytes]:
    return one.file.read_bytes().splitlines()


async def codes(one: Proof) -> list[tuple[str, int]]:
    return [(fault.code, fault.seq) for fault in (await one.verify()).faults]


@pytest.mark.parametrize("field", ["at", "h", "key", "prev", "seq", "v", "sig"])
async def test_class_28_a_forged_checkpoint_is_named(one: Proof, field: str) -> None:
    said = decode(lines(one)[1])
    said[field] = {"seq": 7, "v": 2, "at": "2026-11-16T08:00:00.000001Z"}.get(field) or said[field][:-4] + (
        "1111" if said[field].endswith("0000") else "0000"
    )
    one.file.write_bytes(b"\n".join([lines(one)[0], encode(said), lines(one)[2], b""]))
    found = await codes(one)
    assert ("checkpoint-forged", said["seq"]) in found
    assert ("checkpoint-missing", 12) in found, "the line after it names another one"


async def test_class_28_a_checkpoint_signed_by_another_key_is_forged(one: Proof, conn: Any, tmp_path: Path) -> None:
    await chain_rewritten_from_its_beginning(one, conn)
    one.file.unlink()
    forger = proof.Signer(tmp_path / "forger" / "signing.key")
    [row] = await one.rows("SELECT substring(links FROM 97) AS h FROM audit_chain WHERE seq = 9 ORDER BY 1")
    async with one.db.transaction(SYSTEM) as tx:
        proof.Book(one.file, forger).add(12, bytes(row["h"]), tx.now)
    assert await codes(one) == [("checkpoint-forged", 12)]


@pytest.mark.parametrize("gone", [0, 1])
async def test_class_28_a_checkpoint_taken_out_is_named(one: Proof, gone: int) -> None:
    one.file.write_bytes(b"".join(line + b"\n" for place, line in enumerate(lines(one)) if place != gone))
    assert await codes(one) == [("checkpoint-missing", (8, 12)[gone])]


async def test_class_28_checkpoints_in_another_order_are_named(one: Proof) -> None:
    first, second, third = lines(one)
    one.file.write_bytes(b"\n".join([second, first, third, b""]))
    assert {code for code, _ in await codes(one)} == {"checkpoint-missing"}
