"""The questions of every day are answered through an index, however many rows there are."""

from __future__ import annotations

from typing import Any

import pytest

from maillage.access import visible_to
from maillage.kernel.actor import Actor
from maillage.record import index
from maillage.record.search import search
from maillage.store import Database, Transaction

pytestmark = pytest.mark.asyncio

ROWS = 6_000
ACTOR = Actor(kind="client", id="t", organizations=("org-a",))

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


async def fill(tx: Transaction) -> None:
    for kind, values in VALUES.items():
        names = ", ".join(values)
        await tx.execute(
            f"INSERT INTO {index.table(kind)} (id, version, at, parties, {names})"
            f" SELECT 'x' || n, 1, now() - n * interval '1 minute', '{{org-a}}', {', '.join(values.values())} FROM generate_series(1, $1) n",
            ROWS,
        )
    await tx.execute(
        "INSERT INTO ix_string SELECT 'Patient', 'x' || n, 'family', 'nom' || n, 'Nom' || n FROM generate_series(1, $1) n", ROWS
    )
    await tx.execute(
        "INSERT INTO ix_string SELECT 'Patient', 'x' || n, 'given', 'nom' || n, 'Nom' || n FROM generate_series(1, $1) n", ROWS
    )


async def test_every_day_questions_use_an_index(db: Database) -> None:
    async with db.transaction(ACTOR, timeout=60) as tx:
        await fill(tx)
    async with db.transaction(ACTOR, timeout=60) as tx:
        await tx.execute("ANALYZE")
        for kind, query in QUESTIONS:
            asked: list[tuple[str, tuple[Any, ...]]] = []
            conn, tx.conn = tx.conn, _Listening(tx.conn, asked)
            await search(tx, kind, query, lambda type_: visible_to(tx.actor, type_), key=b"k" * 32)
            tx.conn = conn
            for sql, values in asked:
                plan = "\n".join(row[0] for row in await conn.fetch(f"EXPLAIN {sql}", *values))
                for name in (*map(index.table, VALUES), "ix_string"):
                    assert f"Seq Scan on {name}" not in plan, (query, plan)


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
