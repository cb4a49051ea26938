"""The SAS asks for the slots of 25 professionals over three days among 1,000,000, against the floor of reading as many versions by their keys.

SAS 1.2.0 wants the answer under one second. `python -m bench.sas [slots]` fills a database of its own, asks through the door of the SAS and prints the
median, the 95th and the 99th hundredth, with the size of the machine.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
from tests.support.postgres import open_folder

from bench.door import machine
from maillage.access import issue_token
from maillage.codes import systems
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database, EmbeddedPostgres, logins, migrate

NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)
PROFESSIONALS, PER_DAY, ROUNDS, WORST_SECONDS = 1000, 50, 60, 1.0
OLD = "timestamptz '2026-11-01 00:00+00'"
NAME = f"'{systems.IDNPS}'"
LABEL = f"jsonb_build_array(jsonb_build_object('system', '{systems.TYPE_CRENEAU}', 'code', 'PUBLIC'))"
META = f"ARRAY['sPUBLIC', 's{systems.TYPE_CRENEAU}|PUBLIC', 's{systems.TYPE_CRENEAU}|']"

FILL = f"""
CREATE TEMP TABLE made (kind text, id text, content jsonb);
INSERT INTO made SELECT 'Practitioner', 'p' || n, jsonb_build_object('resourceType', 'Practitioner', 'id', 'p' || n, 'identifier',
    jsonb_build_array(jsonb_build_object('system', {NAME}, 'value', '8' || 99700000000 + n))) FROM generate_series(1, {{people}}) n;
INSERT INTO made SELECT 'PractitionerRole', 'r' || n, jsonb_build_object('resourceType', 'PractitionerRole', 'id', 'r' || n, 'practitioner',
    jsonb_build_object('reference', 'Practitioner/p' || n)) FROM generate_series(1, {{people}}) n;
INSERT INTO made SELECT 'Schedule', 's' || n || '-' || d, jsonb_build_object('resourceType', 'Schedule', 'id', 's' || n || '-' || d, 'actor', jsonb_build_array(
    jsonb_build_object('reference', 'Practitioner/p' || n), jsonb_build_object('reference', 'PractitionerRole/r' || n)))
    FROM generate_series(1, {{people}}) n, generate_series(0, {{days}} - 1) d;
INSERT INTO made SELECT 'Slot', n || '-' || d || '-' || k, jsonb_build_object('resourceType', 'Slot', 'id', n || '-' || d || '-' || k, 'meta',
    jsonb_build_object('security', {LABEL}), 'schedule', jsonb_build_object('reference', 'Schedule/s' || n || '-' || d),
    'status', CASE WHEN (k * 7 + n) % 10 < 8 THEN 'busy' ELSE 'free' END,
    'start', to_char({OLD} + d * interval '1 day' + k * interval '12 minutes' + interval '8 hours', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'),
    'end', to_char({OLD} + d * interval '1 day' + k * interval '12 minutes' + interval '8 hours 12 minutes', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'))
    FROM generate_series(1, {{people}}) n, generate_series(0, {{days}} - 1) d, generate_series(0, {PER_DAY} - 1) k;
INSERT INTO resource_version (res_type, id, version, at, content, author, author_organization, parties)
    SELECT kind, id, 1, {OLD}, content::text, 'bench', 'bench', '{{{{}}}}' FROM made;
INSERT INTO resource_head (res_type, id, version, at, deleted, parties) SELECT kind, id, 1, {OLD}, false, '{{{{}}}}' FROM made;
INSERT INTO ix_practitioner (id, version, at, p_identifier)
    SELECT id, 1, {OLD}, ARRAY[content #>> '{{{{identifier,0,value}}}}'] FROM made WHERE kind = 'Practitioner';
INSERT INTO ix_string (res_type, id, parties, param, value, original)
    SELECT kind, id, '{{{{}}}}', 'identifier', content #>> '{{{{identifier,0,value}}}}', {NAME}
    FROM made WHERE kind = 'Practitioner';
INSERT INTO ix_practitionerrole (id, version, at, p_practitioner) SELECT id, 1, {OLD}, ARRAY[content #>> '{{{{practitioner,reference}}}}']
    FROM made WHERE kind = 'PractitionerRole';
INSERT INTO ix_schedule (id, version, at, p_actor) SELECT id, 1, {OLD}, ARRAY[content #>> '{{{{actor,0,reference}}}}', content #>> '{{{{actor,1,reference}}}}']
    FROM made WHERE kind = 'Schedule';
INSERT INTO ix_slot (id, version, at, meta, p_schedule, s_schedule, p_start, p_status, s_status)
    SELECT id, 1, {OLD}, {META}, ARRAY[content #>> '{{{{schedule,reference}}}}'], content #>> '{{{{schedule,reference}}}}', (content ->> 'start')::timestamptz,
    ARRAY[content ->> 'status'], content ->> 'status' FROM made WHERE kind = 'Slot';
"""


async def fill(dsn: str, slots: int) -> None:
    """The rows as photographs and their index, written at once: indexes are made again afterwards."""
    conn = await asyncpg.connect(dsn)
    await conn.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'")
    sql = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'ix_slot' AND indexname <> 'ix_slot_pkey' ORDER BY 1"
    defined = [(row["indexname"], row["indexdef"]) for row in await conn.fetch(sql)]
    for name, _ in defined:
        await conn.execute(f'DROP INDEX "{name}"')
    await conn.execute(FILL.format(people=PROFESSIONALS, days=max(1, slots // PROFESSIONALS // PER_DAY)))
    for _, made in defined:
        await conn.execute(made)
    for table in ("ix_slot", "ix_schedule", "ix_practitioner", "ix_practitionerrole", "ix_string", "resource_version", "resource_head"):
        await conn.execute(f"ANALYZE {table}")
    await conn.close()


def question(turn: int) -> httpx.QueryParams:
    """The query of the guide, of other professionals each time."""
    names = ",".join(f"{systems.IDNPS}|8{99700000000 + (turn * 25 + n) % PROFESSIONALS + 1}" for n in range(25))
    start = NOW + timedelta(days=turn % 2)
    asked: list[tuple[str, str | int | float | bool | None]] = [
        ("_include", "Slot:schedule"),
        ("_include:iterate", "Schedule:actor"),
        ("start", f"ge{start.isoformat()}"),
        ("start", f"le{(start + timedelta(days=3)).isoformat()}"),
        ("status", "free"),
        ("schedule.actor:Practitioner.identifier", names),
    ]
    return httpx.QueryParams(asked)


async def measure(owner: str, dsn: str, slots: int) -> int:
    """Fill, ask, compare; 1 when the slowest answer took more than the guide allows, or nothing was found."""
    await migrate.create(owner)
    await fill(owner, slots)
    db = await Database.open(dsn, FixedClock(NOW))
    async with db.transaction(SYSTEM) as tx:
        secret = await issue_token(tx, "sas", ("system/*.rs",), ["bench"], timedelta(hours=1))
    spent: list[float] = []
    found = 0
    door: Any = FhirDoor(db, mode="test")
    transport = httpx.ASGITransport(door)
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", headers={"authorization": f"Bearer {secret}"}) as http:
        for turn in range(ROUNDS):
            begun = time.perf_counter()
            answer = await http.get("/fhir/sas/Slot", params=question(turn))
            spent.append(time.perf_counter() - begun)
            found = max(found, answer.json()["total"])
    async with db.transaction(SYSTEM) as tx:
        ids = [row["id"] for row in await tx.fetch("SELECT id FROM ix_slot ORDER BY random() LIMIT $1", found)]
        begun = time.perf_counter()
        await tx.fetch(
            "SELECT content FROM resource_version WHERE res_type = 'Slot' AND id = ANY ($1::text[]) AND version = 1 ORDER BY id", ids
        )
        floor = time.perf_counter() - begun
    await db.close()
    spent.sort()
    facts = machine.facts()
    parts = ", ".join(f"p{part} {spent[min(ROUNDS - 1, ROUNDS * part // 100)] * 1e3:.0f} ms" for part in (50, 95, 99))
    print(f"{facts['cores']} cores, {facts['memory_gib']} GiB, Python {facts['python']}, load {os.getloadavg()[0]:.1f}")
    print(f"{slots} slots, {ROUNDS} searches of 25 professionals over three days, up to {found} found: {parts}; floor {floor * 1e3:.1f} ms")
    return int(not found or spent[-1] > WORST_SECONDS)


def main() -> int:
    """Measure on a database of its own."""
    folder = open_folder()
    postgres = EmbeddedPostgres(folder / "data")
    slots = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    try:
        owner = postgres.start()
        return asyncio.run(measure(owner, postgres.dsn(login=logins.SERVING), slots))
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
