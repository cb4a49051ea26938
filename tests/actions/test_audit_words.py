"""Which interaction each verb is in the trail, how many rows an answer holds, and where the book of checkpoints lies."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.chaining import DOCTOR

from maillage import record
from maillage.kernel.actor import SYSTEM
from maillage.record import proof
from maillage.record.proof.syslog import frame
from maillage.store import Database

pytestmark = pytest.mark.asyncio

#: verb or act, action asked for, action and interaction written
WORDS = [
    *(("", "C", "C", "create"), ("", "R", "R", "read"), ("", "U", "U", "update"), ("", "D", "D", "delete"), ("", "E", "E", "operation")),
    *(("search", "R", "E", "search-type"), ("search-system", "R", "E", "search-system"), ("vread", "R", "R", "vread")),
    *(
        ("history", "R", "R", "history-instance"),
        ("history-type", "R", "R", "history-type"),
        ("history-system", "R", "R", "history-system"),
    ),
    *(("patch", "U", "U", "patch"), ("login", "E", "E", "login"), ("logout", "E", "E", "logout")),
    *(("export", "E", "R", "export"), ("print", "E", "R", "print"), ("backup", "E", "R", "export"), ("restore", "E", "E", "restore")),
    *(("break-glass", "E", "E", "break-glass"), ("audit-read", "E", "R", "audit-log-used"), ("administration", "U", "E", "administration")),
    ("accept", "E", "E", "operation"),
]
OWN = [
    ("Session", "login-demo", "login"),
    ("Session", "logout", "logout"),
    ("Session", "token-revoked", "administration"),
    ("Account", "password-set", "administration"),
]


async def test_each_verb_is_written_as_its_interaction(db: Database) -> None:
    async with db.transaction(DOCTOR) as tx:
        for word, action, _, _ in WORDS:
            await record.audit(tx, action, "Task", f"v-{word}-{action}", verb=word)
            await record.audit(tx, action, "Task", f"a-{word}-{action}", act=word)
        for kind, verb, _ in OWN:
            await record.audit(tx, "E", kind, verb, verb=verb)
    async with db.trail.transaction(SYSTEM) as tx:
        rows = {row["res_id"]: row for row in await tx.fetch("SELECT res_id, action, subtype, verb, outcome FROM audit_event ORDER BY seq")}
    for word, asked, action, subtype in WORDS:
        verb, act = rows[f"v-{word}-{asked}"], rows[f"a-{word}-{asked}"]
        assert (verb["action"], verb["subtype"], verb["verb"]) == (action, subtype, word)
        assert (act["action"], act["subtype"], act["verb"], act["outcome"]) == (action, subtype, "", "0")
    for _, verb, subtype in OWN:
        assert rows[verb]["subtype"] == subtype


async def test_an_answer_holds_fifty_rows_unless_asked_and_two_hundred_at_most(db: Database) -> None:
    async def held(*asked: tuple[str, str]) -> tuple[int, bool]:
        async with db.trail.transaction(SYSTEM) as tx:
            page = await record.search_trail(tx, SYSTEM, asked, strict=True)
        return len(page.rows), page.position is not None

    async with db.transaction(DOCTOR) as tx:
        await record.audit_many(tx, "R", [("Task", f"t{number}", "patient-1") for number in range(201)])
    assert await held() == (50, True)
    assert await held(("_count", "1000")) == (200, True)
    assert await held(("_count", "0")) == (1, True)
    assert await held(("_count", "200")) == (200, True)
    async with db.trail.transaction(SYSTEM) as tx:
        assert len((await record.trail.accesses(tx, SYSTEM, "patient-1")).rows) == 100


async def test_an_answer_ends_where_its_rows_end(db: Database) -> None:
    async with db.transaction(DOCTOR) as tx:
        await record.audit_many(tx, "R", [("Task", f"t{number}", None) for number in range(2)])
    async with db.trail.transaction(SYSTEM) as tx:
        page = await record.search_trail(tx, SYSTEM, [("_count", "2")])
        assert (len(page.rows), page.position) == (2, None)


async def test_what_steers_an_answer_is_no_criterion(db: Database) -> None:
    steers = [(name, "x") for name in ("_cursor", "_format", "_pretty", "_summary", "_elements", "_total", "_sort")]
    async with db.trail.transaction(SYSTEM) as tx:
        found = await record.search_trail(tx, SYSTEM, [*steers, ("_count", "3"), ("date", "2026")], strict=True)
        assert (found.used, found.ignored) == ((("_count", "3"), ("date", "2026")), ())
        loose = await record.search_trail(tx, SYSTEM, [*steers, ("colour", "red"), ("_count", "many")])
        assert (loose.used, loose.ignored) == ((), ("colour",))


async def test_the_book_lies_in_a_folder_of_its_owner_alone(tmp_path: Path, db: Database) -> None:
    folder = tmp_path / "deep" / "audit"
    book = proof.Book(folder / "checkpoints.jsonl", proof.Signer(tmp_path / "key" / "signing.key"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o700
    async with db.transaction(SYSTEM) as tx:
        for seq in (1, 2, 3):
            assert book.add(seq, bytes([seq]) * 32, tx.now)
        assert book.add(3, bytes(32), tx.now) is None, "somebody has written as far"
    book.path.write_bytes(book.path.read_bytes().replace(b"\n", b"\n\n", 1))
    read = proof.checkpoints.read_book(book.path, [proof.read_key(tmp_path / "key" / "signing.pub")])
    assert [(point.seq, point.line, point.fault) for point in read] == [(1, 1, ""), (2, 3, ""), (3, 4, "")]


async def test_a_witness_is_told_one_line_of_rfc_5424_in_a_frame_of_rfc_5425() -> None:
    told = frame(b"{}", datetime(2026, 11, 16, 8, 30, 0, 123456, UTC), "host")
    assert told == b"74 <109>1 2026-11-16T08:30:00.123+00:00 host maillage - audit-checkpoint - {}"


async def test_without_a_checkpoint_none_is_told(db: Database) -> None:
    async with db.trail.transaction(SYSTEM) as tx:
        found = await proof.status(tx, None, tx.now)
    assert (found.rows, found.checkpoint, found.checkpoint_at, found.uncovered, found.problems) == (0, 0, "", 0.0, ())
