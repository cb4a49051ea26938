"""What the bench puts into its database: the territory, then copies of one patient, one task and one owner, and slots.

A copy is every row that bears the sample's name, with another number in its place, whatever the table: the bench knows only the columns `id` and `at`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec

from bench.door import samples
from bench.door.plan import FAMILIES, HOMONYMS, ORGANIZATION, OWNERS, SERVICES, Plan
from bench.find_slots import FILL
from maillage import directory, journeys
from maillage.access import issue_token
from maillage.cli.scenario.referral import referral_bundle
from maillage.cli.scenario.session import SERVICE
from maillage.kernel.actor import SYSTEM, Actor
from maillage.record import photograph
from maillage.store import Database, migrate

NUMBER, OWNER, PERSON, FAMILY = "zq0", "zq1", "zq2", "zq3"
"""What stands for the number of a copy, and for the numbers of its owner, its patient and its family name."""
CLIENT = Actor("client", "bench", (ORGANIZATION,), frozenset({"logiciel"}), None, ("system/*.cruds",), "bench")
PATIENT, TASK, OWNER_ID = f"bench-patient-{NUMBER}", f"bench-task-{NUMBER}", f"o{NUMBER}"
LONG = 7200.0
_SERVICES = """
INSERT INTO healthcare_service
SELECT copy.* FROM healthcare_service s, generate_series(0, $1 - 1) n, LATERAL jsonb_populate_record(s, jsonb_build_object('id', 's' || n)) copy
WHERE s.id = 'percy-hge'
"""
"""The services whose slots are looked for: a question about one that is not here is refused."""
COLUMNS = """
SELECT c.relname AS name, array_agg(a.attname ORDER BY a.attnum) AS columns FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
GROUP BY c.relname ORDER BY c.relname
"""
"""Every table with the columns that a copy of its rows has to name."""
_INDEXES = r"""
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexdef NOT LIKE 'CREATE UNIQUE%'
    AND indexname NOT IN (SELECT conname FROM pg_constraint) AND tablename NOT LIKE 'audit\_%' ORDER BY indexname
"""


async def fill(dsn: str, tasks: int, patients: int, slots: int) -> Plan:
    """Make the tables and fill them; answers what the other processes need to know."""
    await migrate.migrate(dsn)
    db = await Database.open(dsn)
    try:
        async with db.transaction(SYSTEM, timeout=LONG) as tx:
            await directory.load_territory(tx)
            token = await issue_token(tx, "bench", list(CLIENT.scopes), [ORGANIZATION], timedelta(hours=12))
            bundle = await _referral(tx)
        await _samples(db)
    finally:
        await db.close()
    conn = await asyncpg.connect(dsn, server_settings={"timezone": "UTC", "session_replication_role": "replica"})
    try:
        await conn.execute("SET maintenance_work_mem = '512MB'")
        indexes = await without_indexes(conn)
        for name, count in ((OWNER_ID, OWNERS), (PATIENT, patients), (TASK, tasks)):
            await copies(conn, name, count, patients)
        await conn.execute(FILL.format(sessions=slots // 50, slots=50, services=SERVICES, sites=25, first="now() + interval '30 days'"))
        await conn.execute(_SERVICES, SERVICES)
        for statement in indexes:
            await conn.execute(statement, timeout=LONG)
        await conn.execute("VACUUM ANALYZE")
        await conn.execute("CHECKPOINT")
    finally:
        await conn.close()
    return Plan(dsn, dsn, token, tasks, patients, slots, bundle)


async def _samples(db: Database) -> None:
    """One of each, written as the server writes them."""
    async with db.transaction(CLIENT) as tx:
        await journeys.register_patient(tx, samples.patient(PATIENT, NUMBER, FAMILY), mode="test", patient_id=PATIENT)
        await photograph(tx, samples.organization(OWNER_ID))
        about = f"bench-patient-{PERSON}"
        await photograph(tx, samples.task(TASK, about, f"o{OWNER}"), patient=about, owner=ORGANIZATION)
        await tx.execute("UPDATE care_link SET id = $1 WHERE patient_id = $2", f"{PATIENT}-link", PATIENT)


async def _referral(tx: Any) -> str:
    """A whole referral with its letter, as text; `once` stands where each must differ from all others."""
    service = await directory.get_service(tx, SERVICE)
    form = await directory.get_questionnaire(tx, service.questionnaire)
    bundle = referral_bundle(service.questionnaire, form)
    entries = {entry["resource"]["resourceType"]: entry for entry in bundle["entry"]}
    entries["Patient"]["resource"]["identifier"][0]["value"] = "once"
    person, letter = entries["Patient"]["fullUrl"], "urn:uuid:00000000-0000-4000-8000-000000000005"
    document = {"fullUrl": letter, "resource": samples.letter(person), "request": {"method": "POST", "url": "DocumentReference"}}
    entries["ServiceRequest"]["resource"]["supportingInfo"].append({"reference": letter})
    return msgspec.json.encode({**bundle, "entry": [*bundle["entry"], document]}).decode()


async def without_indexes(conn: Any) -> list[str]:
    """Drop what slows copying; answers the statements that make it again."""
    found = await conn.fetch(_INDEXES)
    for row in found:
        await conn.execute(f'DROP INDEX "{row["indexname"]}"')
    return [row["indexdef"] for row in found]


async def copies(conn: Any, sample: str, count: int, patients: int, *, skip: re.Pattern[str] = re.compile("(?!)")) -> None:
    """Copies 1 to `count` of every row whose id holds the sample's name, or that has no id and holds it anywhere; tables to `skip` are left alone."""
    numbers = (
        (NUMBER, "n"),
        (OWNER, f"n % {OWNERS}"),
        (PERSON, f"n % {patients} + 1"),
        (FAMILY, f"n % {patients // HOMONYMS} + {FAMILIES}"),
    )
    text = "to_json(x)::text"
    for marker, number in numbers:
        text = f"replace({text}, '{marker}', ({number})::text)"
    for table in await conn.fetch(COLUMNS):
        if skip.match(table["name"]):
            continue
        where = "x.id LIKE $1" if "id" in table["columns"] else "x::text LIKE $1"
        if not await conn.fetchval(f'SELECT count(*) FROM "{table["name"]}" x WHERE {where}', f"%{sample}%"):
            continue
        columns = ", ".join(f'"{name}"' for name in table["columns"])
        picked = ", ".join("x.at - n * interval '1 second'" if name == "at" else f'r."{name}"' for name in table["columns"])
        await conn.execute(
            f"""
            INSERT INTO "{table["name"]}" ({columns}) SELECT {picked} FROM "{table["name"]}" x, generate_series(1, {count}) n,
                LATERAL json_populate_record(NULL::"{table["name"]}", {text}::json) r WHERE {where}
            """,
            f"%{sample}%",
            timeout=LONG,
        )
