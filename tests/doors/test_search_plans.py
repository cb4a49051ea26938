"""The questions of every day are answered through an index, however many rows there are."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from tests.support import postgres

from maillage.access import visible_to
from maillage.kernel.actor import Actor
from maillage.record import index, photograph
from maillage.record.search import search
from maillage.store import Database

pytestmark = pytest.mark.asyncio

ROWS = 6_000
ACTOR = Actor(kind="client", id="t", organizations=("org-a",), roles=frozenset({"logiciel"}))

VALUES = {
    "Task": {"s_owner": "'PractitionerRole/r' || n % 40", "s_status": "(ARRAY['requested', 'accepted', 'completed'])[n % 3 + 1]",
             "p_patient": "ARRAY['Patient/p' || n % 2000]", "p_owner": "ARRAY['PractitionerRole/r' || n % 40]"},
    "Slot": {"s_schedule": "'Schedule/s' || n % 200", "s_status": "(ARRAY['free', 'busy'])[n % 2 + 1]",
             "p_schedule": "ARRAY['Schedule/s' || n % 200]", "p_start": "timestamptz '2026-11-01' + n * interval '5 minutes'"},
    "Appointment": {"p_patient": "ARRAY['Patient/p' || n % 2000]", "p_actor": "ARRAY['Patient/p' || n % 2000, 'Location/l' || n % 100]",
                    "p_date": "timestamptz '2026-11-01' + n * interval '5 minutes'", "p_status": "ARRAY['booked']"},
    "Patient": {"p_identifier": "ARRAY['v' || n, 'urn:x|v' || n]", "p_birthdate_lo": "timestamptz '1940-01-01' + n * interval '1 day'",
                "p_birthdate_hi": "timestamptz '1940-01-02' + n * interval '1 day'"},
    "Schedule": {"p_actor": "ARRAY['PractitionerRole/r' || n % 400]"},
}  # fmt: skip
QUESTIONS = (
    ("Task", [("owner", "PractitionerRole/r1"), ("status", "requested"), ("_sort", "-_lastUpdated"), ("_count", "20")]),
    ("Task", [("owner", "PractitionerRole/r1"), ("status", "requested,accepted")]),
    ("Task", [("patient", "Patient/p1")]),
    ("Slot", [("schedule", "Schedule/s1"), ("status", "free"), ("start", "ge2026-11-20"), ("_sort", "start")]),
    ("Slot", [("status", "free"), ("start", "ge2026-11-20T08:00:00+01:00"), ("_sort", "start")]),
    ("Slot", [("schedule.actor:PractitionerRole", "r1"), ("status", "free"), ("start", "ge2026-11-20"), ("start", "le2026-11-21")]),
    ("Appointment", [("patient", "Patient/p1")]),
    ("Appointment", [("actor", "Location/l1"), ("date", "2026-11-20")]),
    ("Appointment", [("date", "2026-11-20")]),
    ("Patient", [("identifier", "urn:x|v77")]),
    ("Patient", [("family", "nom77")]),
    ("Patient", [("family", "nom77"), ("birthdate", "1974")]),
    ("Patient", [("birthdate", "1974-12-25")]),
)


async def fill(dsn: str) -> None:
    conn = await asyncpg.connect(postgres.owner(dsn))
    try:
        for kind, values in VALUES.items():
            names = ", ".join(values)
            await conn.execute(
                f"INSERT INTO {index.table(kind)} (id, version, at, parties, {names})"
                f" SELECT 'x' || n, 1, now() - n * interval '1 minute', '{{org-a}}', {', '.join(values.values())} FROM generate_series(1, $1) n",
                ROWS,
            )
        for param, value, original in (("family", "nom", "Nom"), ("identifier", "V", "urn:x"), ("given", "nom", "Nom")):
            await conn.execute(
                "INSERT INTO ix_string (res_type, id, parties, param, value, original)"
                " SELECT 'Patient', 'x' || n, '{org-a}', $2, $3::text || n, $4 FROM generate_series(1, $1) n",
                *(ROWS, param, value, original),
            )
        await conn.execute("ANALYZE")
    finally:
        await conn.close()


async def test_every_day_questions_use_an_index(db: Database, dsn: str) -> None:
    await fill(dsn)
    async with db.transaction(ACTOR, timeout=60) as tx:
        for kind, query in QUESTIONS:
            asked: list[tuple[str, tuple[Any, ...]]] = []
            conn, tx.conn = tx.conn, _Listening(tx.conn, asked)
            await search(tx, kind, query, lambda type_: visible_to(tx.actor, type_), key=b"k" * 32)
            tx.conn = conn
            assert len(asked) == 1, query
            for sql, values in asked:
                plan = "\n".join(row[0] for row in await conn.fetch(f"EXPLAIN {sql}", *values))
                for name in (*map(index.table, VALUES), "ix_string"):
                    assert f"Seq Scan on {name}" not in plan, (query, plan)


KEPT = (
    ("Task", [("owner", "PractitionerRole/r{}"), ("status", "requested"), ("_sort", "-_lastUpdated"), ("_count", "20")]),
    ("Patient", [("identifier", "urn:x|v{}")]),
    ("Patient", [("family", "nom{}")]),
)
"""Questions whose plan is kept: to make it anew each time costs more than the answer."""


async def test_plans_of_the_most_frequent_questions_are_kept(db: Database, dsn: str) -> None:
    await fill(dsn)
    async with db.transaction(ACTOR, timeout=60) as tx:
        for kind, query in KEPT:
            asked: list[tuple[str, tuple[Any, ...]]] = []
            conn, tx.conn = tx.conn, _Listening(tx.conn, asked)
            for n in range(1, 13):
                values = [(name, value.format(n)) for name, value in query]
                await search(tx, kind, values, lambda type_: visible_to(tx.actor, type_), key=b"k" * 32)
            tx.conn = conn
            assert len({sql for sql, _ in asked}) == 1
            kept = await conn.fetchrow("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1", asked[0][0])
            assert kept["generic_plans"] > 0, (query, kept)


async def test_what_comes_with_the_matches_takes_one_statement_more(db: Database) -> None:
    asked: list[tuple[str, tuple[Any, ...]]] = []
    async with db.transaction(ACTOR) as tx:
        task = {"resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": "Patient/p"}}
        for n in range(3):
            await photograph(tx, {**task, "id": f"t{n}"}, owner="org-a")
        await photograph(tx, {"resourceType": "Patient", "id": "p"}, owner="org-a")
        await tx.fetchval("SELECT 1")  # what waits is written
        conn, tx.conn = tx.conn, _Listening(tx.conn, asked)
        wanted = [
            ("_include", "Task:patient"),
            ("_include", "Task:owner"),
            ("_include", "Task:focus"),
            ("_revinclude", "Provenance:target"),
        ]
        page = await search(tx, "Task", wanted, lambda type_: visible_to(tx.actor, type_), key=b"k" * 32)
        tx.conn = conn
    assert [stored.id for stored in page.included] == ["p"]
    assert len(asked) == 2


class _Listening:
    """A connection that remembers what it was asked."""

    def __init__(self, conn: Any, asked: list[tuple[str, tuple[Any, ...]]]) -> None:
        self._conn, self._asked = conn, asked

    async def fetch(self, sql: str, *values: Any) -> Any:
        self._asked.append((sql, values))
        return await self._conn.fetch(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        self._asked.append((sql, values))
        return await self._conn.fetchval(sql, *values)
