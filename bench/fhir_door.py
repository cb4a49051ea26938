"""The FHIR door, with tokens, validation, visibility and audit, against the same rows read and written by bare SQL in the same run.

Eight callers in one process with the database on the same machine. The door is called as an ASGI application, without a socket.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
from tests.support.postgres import open_folder

from maillage.access import issue_token
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.ids import new_id
from maillage.record import index, photograph
from maillage.store import Database, EmbeddedPostgres, migrate

CALLERS, SECONDS, TASKS, PATIENTS = 8, 4.0, 20_000, 5_000
LOWEST = {"create": 0.04, "read": 0.04, "worklist": 0.04, "patient by identifier": 0.05, "patient by family": 0.05, "update": 0.05}
ORGANIZATION = "org-a"

_PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:oid:1.2.3", "value": "0"}],
    "name": [{"family": "Lefèvre", "given": ["Élodie", "Marie"]}],
    "gender": "female",
    "birthDate": "1974-12-25",
}
_TASK = {
    "resourceType": "Task",
    "status": "requested",
    "intent": "order",
    "owner": {"reference": "Organization/o1"},
    "description": "x" * 300,
}
_REQUEST = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "priority": "routine",
    "code": {"coding": [{"system": "http://loinc.org", "code": "11488-4", "display": "Consult note"}], "text": "Consultation"},
    "subject": {"reference": "Patient/none"},
    "authoredOn": "2026-11-16T08:00:00+01:00",
    "reasonCode": [{"text": "Douleurs abdominales depuis trois mois"}],
    "note": [{"text": "n" * 1500}],
}

_COPIES = """
INSERT INTO resource_version (res_type, id, version, at, content, author, owner_org, parties)
SELECT v.res_type, v.id || '-' || n, 1, v.at - n * interval '1 second', replace(v.content, v.id, v.id || '-' || n), 'bench', v.owner_org, v.parties
FROM resource_version v, generate_series(1, $2) n WHERE v.id = $1
"""
_HEADS = """
INSERT INTO resource_head (res_type, id, version, at, owner_org, parties)
SELECT res_type, id, 1, at, owner_org, parties FROM resource_version WHERE id LIKE $1 || '-%'
"""
_LINKS = """
INSERT INTO care_link (id, patient_id, organization_id, basis, source, starts)
SELECT 'l' || id, id, $1, 'presence', 'bench', now() - interval '1 day' FROM resource_head WHERE res_type = 'Patient'
"""


async def _fill(db: Database) -> dict[str, str]:
    """Copies of one Task and one Patient, every fourth Task of the same owner."""
    async with db.transaction(SYSTEM, timeout=300) as tx:
        made = {"Task": "bench-task", "Patient": "bench-patient"}
        await tx.execute("SET LOCAL session_replication_role = replica")
        await photograph(tx, {**_TASK, "id": made["Task"]}, owner=ORGANIZATION)
        await photograph(tx, {**_PATIENT, "id": made["Patient"]}, patient=made["Patient"])
        for id, number in ((made["Task"], TASKS), (made["Patient"], PATIENTS)):
            await tx.execute(_COPIES, id, number)
            await tx.execute(_HEADS, id)
        for kind in made:
            names = ["id", "at", "version", "owner_org", "parties", "patient_id", *(column.name for column in index.columns(kind))]
            picks = {"id": "h.id", "at": "h.at", "parties": "h.parties", "owner_org": "h.owner_org", "version": "1"}
            picks |= {"patient_id": "h.id"} if kind == "Patient" else {"s_owner": "'Organization/o' || number % 40"}
            if kind == "Patient":
                picks["p_identifier"] = "ARRAY['N' || number, 'urn:oid:1.2.3|N' || number, 'urn:oid:1.2.3|']"
            chosen = ", ".join(picks.get(name, f"x.{name}") for name in names)
            await tx.execute(
                f"""
                INSERT INTO {index.table(kind)} ({", ".join(names)})
                SELECT {chosen} FROM {index.table(kind)} x,
                    LATERAL (SELECT *, split_part(id, '-', 3)::int AS number FROM resource_head WHERE res_type = $1 AND id LIKE x.id || '-%') h
                """,
                kind,
            )
        await tx.execute(
            "INSERT INTO ix_string SELECT 'Patient', id, 'family', 'nom' || split_part(id, '-', 3), 'x' FROM resource_head WHERE id LIKE 'bench-patient-%'"
        )
        await tx.execute(_LINKS, ORGANIZATION)
    async with db.transaction(SYSTEM, timeout=300) as tx:
        await tx.execute("ANALYZE")
    return made


class _Client:
    """Calls the door without a socket."""

    def __init__(self, door: FhirDoor, secret: str) -> None:
        self._door, self._authorization = door, f"Bearer {secret}".encode()

    async def __call__(self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        told: list[dict[str, Any]] = []
        sent = [(b"authorization", self._authorization), (b"host", b"localhost"), (b"content-type", b"application/fhir+json")]
        sent += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": sent}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        await self._door(scope, receive, send)
        return told[0]["status"], told[1]["body"]


async def _rate(work: Callable[[int], Awaitable[Any]]) -> float:
    """Calls a second with eight callers."""
    numbers, done = count(), 0
    end = time.perf_counter() + SECONDS

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await work(next(numbers))
            done += 1

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return done / (time.perf_counter() - begun)


def _door_calls(client: _Client) -> dict[str, Callable[[int], Awaitable[None]]]:
    content = msgspec.json.encode(_REQUEST)

    async def expect(status: int, *call: Any, **headers: str) -> bytes:
        got, body = await client(*call, **headers)
        if got != status:
            raise AssertionError(f"{call[:3]} answered {got}: {body[:300]!r}")
        return body

    async def create(_n: int) -> None:
        await expect(201, "POST", "/fhir/ServiceRequest", "", content)

    async def read(n: int) -> None:
        await expect(200, "GET", f"/fhir/Task/bench-task-{n % TASKS + 1}")

    async def worklist(n: int) -> None:
        await expect(200, "GET", "/fhir/Task", f"owner=Organization/o{n % 40}&status=requested&_sort=-_lastUpdated&_count=20&_total=none")

    async def identifier(n: int) -> None:
        await expect(200, "GET", "/fhir/Patient", f"identifier=urn:oid:1.2.3|N{n % PATIENTS + 1}")

    async def family(n: int) -> None:
        await expect(200, "GET", "/fhir/Patient", f"family=nom{n % PATIENTS + 1}")

    async def update(n: int) -> None:
        id = f"bench-task-{n % TASKS + 1}"
        body = msgspec.json.encode({**_TASK, "id": id, "description": f"{n} {new_id()}"})
        await client("PUT", f"/fhir/Task/{id}", "", body, if_match=f'W/"{n // TASKS + 1}"')

    return {
        "create": create,
        "read": read,
        "worklist": worklist,
        "patient by identifier": identifier,
        "patient by family": family,
        "update": update,
    }


def _floor_calls(db: Database) -> dict[str, Callable[[int], Awaitable[None]]]:
    """What must happen in any case: one commit that keeps the version, or one statement that finds the rows and their content."""
    join = "JOIN resource_version v ON v.res_type = $1 AND v.id = x.id AND v.version = x.version"
    write = """
        WITH a AS (INSERT INTO resource_version (res_type, id, version, at, content, author) VALUES ('Basic', $1, 1, now(), $2, 'floor')),
        b AS (INSERT INTO resource_head (res_type, id, version, at) VALUES ('Basic', $1, 1, now()))
        INSERT INTO ix_basic (id, version, at) VALUES ($1, 1, now())
    """
    content = msgspec.json.encode(_REQUEST).decode()

    async def create(_n: int) -> None:
        async with db._pool.acquire() as conn:
            await conn.execute(write, new_id(), content)

    def finder(sql: str, kind: str, value: Callable[[int], str]) -> Callable[[int], Awaitable[None]]:
        async def find(n: int) -> None:
            async with db._pool.acquire() as conn:
                await conn.fetch(sql, kind, value(n))

        return find

    by_id = "SELECT content FROM resource_version v WHERE v.res_type = $1 AND v.id = $2 AND v.version = 1"
    tasks = f"SELECT v.content FROM (SELECT * FROM ix_task WHERE s_owner = $2 AND s_status = 'requested' ORDER BY at DESC, id LIMIT 21) x {join}"
    one = f"SELECT v.content FROM ix_patient x {join} WHERE x.p_identifier @> ARRAY[$2]"
    named = f"SELECT v.content FROM ix_patient x {join} WHERE x.id IN (SELECT id FROM ix_string WHERE res_type = 'Patient' AND param = 'family' AND value = $2)"
    return {
        "create": create,
        "read": finder(by_id, "Task", lambda n: f"bench-task-{n % TASKS + 1}"),
        "worklist": finder(tasks, "Task", lambda n: f"Organization/o{n % 40}"),
        "patient by identifier": finder(one, "Patient", lambda n: f"urn:oid:1.2.3|N{n % PATIENTS + 1}"),
        "patient by family": finder(named, "Patient", lambda n: f"nom{n % PATIENTS + 1}"),
        "update": create,
    }


async def _measure(dsn: str) -> int:
    await migrate.create(dsn)
    db = await Database.open(dsn)
    await _fill(db)
    async with db.transaction(SYSTEM) as tx:
        secret = await issue_token(tx, "bench", ["system/*.cruds"], [ORGANIZATION], timedelta(hours=1))
    calls, floors = _door_calls(_Client(FhirDoor(db, mode="test"), secret)), _floor_calls(db)
    slow = 0
    print(f"{TASKS} tasks, {PATIENTS} patients, {CALLERS} callers")
    for name, call in calls.items():
        await call(0)
        reached, floor = await _rate(call), await _rate(floors[name])
        slow += reached / floor < LOWEST[name]
        print(f"{name:24} {reached:7.0f}/s   floor {floor:7.0f}/s   ratio {reached / floor:.2f}")
    await db.close()
    return slow


def main() -> int:
    """Print the table; the number of rows whose ratio is too low."""
    folder = open_folder()
    server = EmbeddedPostgres(folder)
    try:
        return asyncio.run(_measure(server.start()))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
