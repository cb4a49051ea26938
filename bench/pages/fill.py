"""A territory of any size: the demonstration's past, played by its people, then copies of its requests and of one patient.

A copy of a request is every row that its verbs wrote, with other ids and another patient; what an appointment holds (slots, sessions) stays single,
because two patients cannot have it. Photographs and search indexes, which no list of a page reads, are not copied either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import asyncpg

from bench.door import samples
from bench.door.fill import CLIENT, COLUMNS, FAMILY, LONG, NUMBER, PATIENT, copies, without_indexes
from maillage import demonstration, journeys
from maillage.kernel.ids import new_id
from maillage.store import Database, migrate

SEED, KNOWN = 2026, 200
SINGLE = re.compile("^(ix_|resource_|audit|outbox|appointment|slot|refill|booking|vacation|web_session|idempotency|schema_migration)")
"""What is not copied: what two patients cannot share, and what is read over FHIR alone (photographs and their indexes)."""
SHARED = ("slot", "vacation", "vacation_session", "appointment")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[57][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_DERIVED = 14
"""Where an id says of which kind it is: what is derived (version 5) is a Task or a part of one, and the past made all of them."""
_MARK, _PERSON = "@#@", "@p@"
_OPEN = "turn IS NOT NULL"
_DONE = """UPDATE referral_child c SET state = 'completed', turn = NULL FROM referral_task t
WHERE t.id = c.task_id AND c.code = 'follow-up' AND c.turn IS NOT NULL AND t.turn IS NULL AND hashtext(c.id) % 20 <> 0"""
"""What was advised in a year is done, but for one in twenty: the past of the demonstration is short, and all of it is still owed there."""
_REFUSED = """INSERT INTO opposition (id, patient_id, act, scope, said_by, starts, recorded_at, recorded_by, owner_org, parties)
SELECT 'refused-' || id, id, 'reading', 'general', 'patient', now() - interval '1 day', now() - interval '1 day', 'bench', owner_org, ARRAY[owner_org]
FROM patient WHERE id LIKE $1 AND abs(hashtext(id)) % 100 = 0"""
_LABELLED = """INSERT INTO security_label (id, patient_id, code, set_by, starts, owner_org, parties)
SELECT 'label-' || id, id, 'MASQUE_PS', 'bench', now() - interval '1 day', owner_org, ARRAY[owner_org]
FROM patient WHERE id LIKE $1 AND abs(hashtext(id)) % 100 = 1"""
"""One patient in a hundred refuses to share, another one's record is masked: what both walls look up of each row finds something now and then."""
_INSERT = f"""
INSERT INTO "{{table}}" ({{columns}}) SELECT {{columns}} FROM generate_series($2::int, $3::int) n, LATERAL json_populate_record(NULL::"{{table}}",
    replace(replace($1, '{_MARK}', lpad(to_hex(n), 12, '0')), '{_PERSON}', '{PATIENT.removesuffix(NUMBER)}' || (n % $4 + 1))::json)
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request of the past; each row that its verbs wrote as the table, its columns, and the text of a copy."""

    task: str
    request: str
    patient: str
    open: bool
    rows: list[tuple[str, str, str]]


async def fill(dsn: str, patients: int, closed: int, opened: int) -> dict[str, int]:
    """Fill an empty database; answers how many there are of each."""
    await migrate.migrate(dsn)
    db = await Database.open(dsn)
    try:
        await demonstration.load(db, patients=KNOWN, seed=SEED)
        begun = new_id()
        await demonstration.play(db, patients=KNOWN, seed=SEED)
        async with db.transaction(CLIENT) as tx:
            await journeys.register_patient(tx, samples.patient(PATIENT, NUMBER, FAMILY), mode="test", patient_id=PATIENT)
            await tx.execute("UPDATE care_link SET id = $1 WHERE patient_id = $2", f"{PATIENT}-link", PATIENT)
    finally:
        await db.close()
    conn = await asyncpg.connect(dsn, server_settings={"timezone": "UTC", "session_replication_role": "replica"})
    try:
        await conn.execute("SET maintenance_work_mem = '512MB'")
        indexes = await without_indexes(conn)
        found = await _samples(conn, begun)
        await copies(conn, PATIENT, patients, patients, skip=SINGLE)
        await _requests(conn, found, patients, closed, opened)
        for statement in indexes:
            await conn.execute(statement, timeout=LONG)
        await conn.execute(_DONE, timeout=LONG)
        for statement in (_REFUSED, _LABELLED):
            await conn.execute(statement, PATIENT.replace(NUMBER, "%"), timeout=LONG)
        await conn.execute("VACUUM ANALYZE")
        await conn.execute("CHECKPOINT")
        names = ("patient", "referral_task", "referral_status", "resource_version", "appointment")
        made = {name: await conn.fetchval(f"SELECT count(*) FROM {name}") for name in names}  # the names above
        if made["referral_task"] < (closed + opened) * 0.9:
            raise RuntimeError(f"the requests were not copied: {made}")
        return made
    finally:
        await conn.close()


async def _samples(conn: Any, begun: str) -> list[Sample]:
    """Each request of the past, and every row that its verbs wrote."""
    shared = {id for table in SHARED for (id,) in await conn.fetch(f"SELECT id FROM {table}")}  # the names above
    rows = await conn.fetch(f"SELECT id, request_id, patient_id, ({_OPEN}) AS open FROM referral_task ORDER BY id")  # our own words
    samples = [Sample(row["id"], row["request_id"], row["patient_id"], row["open"], []) for row in rows]
    for table in await conn.fetch(COLUMNS):
        if SINGLE.match(table["name"]):
            continue
        columns = ", ".join(f'"{column}"' for column in table["columns"])
        for (text,) in await conn.fetch(f'SELECT to_json(x)::text FROM "{table["name"]}" x'):  # the name of a table
            ids = set(_UUID.findall(text))
            for sample in samples:
                if (sample.task in ids or sample.request in ids) and not (table["name"].startswith("notification") and not sample.open):
                    sample.rows.append((table["name"], columns, _marked(text.replace(sample.patient, _PERSON), begun, shared)))
    return samples


def _marked(text: str, begun: str, shared: set[str]) -> str:
    """The text with the number of the copy at the end of each id that the past made, but for what a copy shares."""
    return _UUID.sub(lambda id: id[0][:24] + _MARK if (id[0][_DERIVED] == "5" or id[0] >= begun) and id[0] not in shared else id[0], text)


async def _requests(conn: Any, found: list[Sample], patients: int, closed: int, opened: int) -> None:
    """Share the copies among the requests of the past, those that are open apart: in a year most have ended."""
    start = 0
    for state, wanted in ((True, opened), (False, closed)):
        alike = [sample for sample in found if sample.open is state]
        for sample in alike:
            for table, columns, text in sample.rows:
                await conn.execute(
                    _INSERT.format(table=table, columns=columns), text, start + 1, start + wanted // len(alike), patients, timeout=LONG
                )
            start += wanted // len(alike)
