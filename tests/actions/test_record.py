"""Photographs are numbered without a hole, never changed, and signed; acts are audited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.support.postgres import owner

from maillage import access, record
from maillage.codes import r4
from maillage.codes.json import decode
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Gone, Invalid, NotFound, Stale
from maillage.store import Database

pytestmark = pytest.mark.asyncio
DOCTOR = Actor("person", "practitioner-1", ("org-a",), frozenset({"medecin"}), "role-1", display="Dr Un")
SOFTWARE = Actor("client", "labo", ("org-b",), frozenset({"logiciel"}))
EVERYTHING = access.visible_to(SYSTEM, "Basic")


def basic(text: str = "first", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Basic", "id": "basic-1", "code": {"text": text}, **more}


async def put(db: Database, text: str = "first", *, actor: Actor = DOCTOR, **options: Any) -> int:
    async with db.transaction(actor) as tx:
        return await record.photograph(tx, basic(text), owner="org-a", **options)


async def versions(db: Database) -> list[Any]:
    async with db.transaction(SYSTEM) as tx:
        return list(reversed(await record.versions(tx, ["Basic"], lambda _kind: EVERYTHING, record.Span(), 100, id="basic-1")))


async def test_versions_are_1_to_n_each_strictly_later_even_when_the_clock_stands(db: Database, clock: FixedClock) -> None:
    assert [await put(db, f"text {number}") for number in range(5)] == [1, 2, 3, 4, 5]
    clock.set(clock.now() - timedelta(hours=1))  # a clock put back
    assert await put(db, "after") == 6
    found = await versions(db)
    assert [one.version for one in found] == [1, 2, 3, 4, 5, 6]
    assert [one.at for one in found] == sorted({one.at for one in found})
    for one in found:
        meta = decode(one.content)["meta"]
        assert (meta["versionId"], meta["lastUpdated"]) == (str(one.version), one.at.isoformat(timespec="milliseconds"))


async def test_two_photographs_in_one_transaction_are_two_versions(db: Database) -> None:
    async with db.transaction(DOCTOR) as tx:
        assert [await record.photograph(tx, basic(text), owner="org-a") for text in ("a", "b")] == [1, 2]
    first, second = await versions(db)
    assert first.at < second.at


async def test_an_equal_content_may_write_nothing(db: Database) -> None:
    assert [await put(db), await put(db, if_changed=True), await put(db, "other", if_changed=True)] == [1, 1, 2]


async def test_a_type_that_is_not_served_is_refused(db: Database) -> None:
    with pytest.raises(Invalid) as refusal:
        async with db.transaction(DOCTOR) as tx:
            await record.photograph(tx, {"resourceType": "Coverage", "id": "1"})
    assert refusal.value.reason == "type-not-served"


async def test_a_version_that_was_left_behind_is_stale(db: Database) -> None:
    await put(db)
    await put(db, "second")
    async with db.transaction(DOCTOR) as tx:
        await record.expect_version(tx, "Basic", "basic-1", 2)
        await record.expect_version(tx, "Basic", "basic-1", None)
        with pytest.raises(Stale):
            await record.expect_version(tx, "Basic", "basic-1", 1)


@pytest.mark.parametrize("table", ["resource_version", "audit_event"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_what_was_written_is_never_changed(db: Database, dsn: str, table: str, statement: str) -> None:
    await put(db)
    async with db.transaction(DOCTOR) as tx:
        await record.audit(tx, "R", "Basic", "basic-1")
    served, conn = await asyncpg.connect(dsn), await asyncpg.connect(owner(dsn))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await served.execute(statement.format(table))
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await conn.execute(statement.format(table))
        assert await conn.fetchval(f"SELECT count(*) FROM {table}") == 1
    finally:
        await served.close()
        await conn.close()


async def test_what_is_buried_is_gone_and_its_history_stays(db: Database) -> None:
    await put(db)
    async with db.transaction(DOCTOR) as tx:
        assert await record.bury(tx, "Basic", "basic-1") == 2
        with pytest.raises(Gone):
            await record.read(tx, "Basic", "basic-1", EVERYTHING)
        with pytest.raises(Gone):
            await record.vread(tx, "Basic", "basic-1", 2, EVERYTHING)
        assert decode((await record.vread(tx, "Basic", "basic-1", 1, EVERYTHING)).content)["code"]["text"] == "first"
        assert await record.existing(tx, "Basic", ["basic-1"], EVERYTHING) == set()
        assert await tx.fetchval("SELECT count(*) FROM ix_basic") == 0
    assert [(one.version, one.deleted) for one in await versions(db)] == [(1, False), (2, True)]
    assert await put(db, "back") == 3


async def test_what_never_was_cannot_be_buried(db: Database) -> None:
    with pytest.raises(NotFound):
        async with db.transaction(DOCTOR) as tx:
            await record.bury(tx, "Basic", "basic-1")


async def test_an_old_version_is_seen_only_while_its_resource_is(db: Database) -> None:
    await put(db, parties=["org-b"])
    await put(db, "for us alone")
    theirs = access.visible_to(SOFTWARE, "Basic")
    async with db.transaction(SOFTWARE) as tx:
        with pytest.raises(NotFound):
            await record.vread(tx, "Basic", "basic-1", 1, theirs)
        assert await record.versions(tx, ["Basic"], lambda _kind: theirs, record.Span(), 100, id="basic-1") == []


@pytest.mark.parametrize(
    ("actor", "who"),
    [(DOCTOR, {"reference": "PractitionerRole/role-1"}), (SOFTWARE, {"display": "client labo"}), (SYSTEM, {"display": "system system"})],
)
async def test_provenance_says_who_did_what_to_which_versions_and_for_whom(db: Database, actor: Actor, who: dict[str, str]) -> None:
    async with db.transaction(actor) as tx:
        owner = actor.organization or "org-a"
        version = await record.photograph(tx, basic(), owner=owner)
        id = await record.provenance(tx, "accept", [("Basic", "basic-1", version)], owner=owner)
        made = decode((await record.read(tx, "Provenance", id, access.visible_to(SYSTEM, "Provenance"))).content)
    assert made["target"] == [{"reference": "Basic/basic-1/_history/1"}]
    assert made["activity"] == {"text": "accept"}
    assert made["agent"][0]["who"] == who
    assert made["agent"][0].get("onBehalfOf", {}).get("reference", "Organization/").removeprefix("Organization/") == actor.organization
    assert r4.validate(made) == []


async def trail(db: Database, actor: Actor, **asked: Any) -> Sequence[dict[str, Any]]:
    async with db.trail.transaction(actor) as tx:
        return (await record.search_trail(tx, actor, [(name, str(value)) for name, value in asked.items()])).events


async def test_the_trail_is_read_by_its_own_organisation(db: Database, clock: FixedClock) -> None:
    for actor in (DOCTOR, SOFTWARE):
        async with db.transaction(actor) as tx:
            await record.audit(tx, "R", "Task", "task-1", patient="patient-1")
        clock.advance(timedelta(minutes=1))
    [ours] = await trail(db, DOCTOR)
    assert ours["agent"][-1]["who"]["reference"] == "Organization/org-a"
    assert len(await trail(db, DOCTOR, patient="patient-1")) == 1
    assert len(await trail(db, DOCTOR, entity="Task/task-1")) == 1
    assert list(await trail(db, DOCTOR, patient="patient-2")) == []
    assert list(await trail(db, DOCTOR, date=f"ge{clock.now().isoformat()}")) == []
    assert list(await trail(db, SOFTWARE, _id=ours["id"])) == []
    assert list(await trail(db, Actor("person", "without-place", (), frozenset({"medecin"})))) == []


async def test_an_act_that_is_undone_leaves_no_photograph_and_no_audit_row(db: Database) -> None:
    with pytest.raises(RuntimeError):  # noqa: PT012  # the error must leave the transaction
        async with db.transaction(DOCTOR) as tx:
            await record.photograph(tx, basic())
            await record.audit(tx, "C", "Basic", "basic-1")
            raise RuntimeError
    for login, table in ((db, "resource_version"), (db.trail, "audit_event")):
        async with login.transaction(SYSTEM) as tx:
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") == 0
