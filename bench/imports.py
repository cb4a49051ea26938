"""A file of resources taken in by `maillage import fhir`, by as many processes as there are cores, with both walls, checks, index and audit.

`python -m bench.imports [lines] [workers]`. The floor is the same file appended to one table without walls or indexes, by one process, in as large blocks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg

from bench.door import machine
from bench.door.server import ROOT, postgres
from maillage import directory
from maillage.kernel.actor import SYSTEM
from maillage.store import Database, EmbeddedPostgres, logins, migrate

ORGANIZATION, WANTED = "cms-clamart-soins", 2000
SCT, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"
VITALS = (("8867-4", "Heart rate", 72, "/min"), ("8480-6", "Systolic", 124, "mm[Hg]"), ("29463-7", "Body weight", 71.5, "kg"))
PER_PATIENT = 20
Resource = dict[str, Any]


def people(lines: int) -> Iterator[Resource]:
    """What a partner has of each patient: one visit with its findings, twenty lines, observations most of them."""
    for number in range(max(1, lines // PER_PATIENT)):
        yield from _person(number)


def _person(number: int) -> Iterator[Resource]:
    patient, visit = f"import-p{number}", f"import-e{number}"
    about = {"subject": {"reference": f"Patient/{patient}"}, "encounter": {"reference": f"Encounter/{visit}"}}
    day = f"202{number % 6}-0{1 + number % 9}-1{number % 10}"
    name = [{"use": "official", "family": f"IMPORT{number:06}", "given": ["Camille"]}]
    yield {
        "resourceType": "Patient",
        "id": patient,
        "name": name,
        "gender": "female",
        "birthDate": f"19{50 + number % 50}-03-0{1 + number % 9}",
    }
    yield {
        "resourceType": "Encounter",
        "id": visit,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": about["subject"],
        "period": {"start": f"{day}T09:00:00+01:00", "end": f"{day}T09:30:00+01:00"},
    }
    for place in range(2):
        yield {"resourceType": "Condition", "id": f"import-c{number}-{place}", "code": _coded(SCT, "38341003", "Hypertension"), **about}
    yield {
        "resourceType": "DiagnosticReport",
        "id": f"import-r{number}",
        "status": "final",
        "code": _coded(LOINC, "58410-2", "CBC panel"),
        "effectiveDateTime": f"{day}T10:00:00+01:00",
        "result": [{"reference": f"Observation/import-o{number}-{place}"} for place in range(3)],
        **about,
    }
    for place in range(PER_PATIENT - 5):
        yield _observation(f"import-o{number}-{place}", place, f"{day}T09:{10 + place}:00+01:00", about)


def _observation(id: str, place: int, at: str, about: Resource) -> Resource:
    code, label, value, unit = VITALS[place % len(VITALS)]
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [_coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "Vital Signs")],
        "code": _coded(LOINC, code, label),
        "effectiveDateTime": at,
        "valueQuantity": {"value": value + place, "unit": unit, "system": UCUM, "code": unit},
        **about,
    }


def _coded(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


async def prepare(owner: str) -> None:
    """The tables and the territory."""
    await migrate.migrate(owner)
    database = await Database.open(owner)
    async with database.transaction(SYSTEM, timeout=600) as tx:
        await directory.load_territory(tx)
    await database.close()


async def floor(owner: str, rows: list[str], batch: int) -> float:
    """Lines a second that one process appends, as they are, to a table without walls or indexes."""
    conn = await asyncpg.connect(owner)
    await conn.execute("CREATE TABLE bench_floor (line text NOT NULL)")
    begun = time.perf_counter()
    for first in range(0, len(rows), batch):
        await conn.execute("INSERT INTO bench_floor SELECT * FROM unnest($1::text[])", rows[first : first + batch])
    spent = time.perf_counter() - begun
    await conn.execute("DROP TABLE bench_floor")
    await conn.close()
    return len(rows) / spent


def measure(server: EmbeddedPostgres, owner: str, folder: Path, asked: argparse.Namespace) -> int:
    """Take the file in, and say where the processor time went; 1 below what is wanted."""
    asyncio.run(prepare(owner))
    file = folder / "import.ndjson"
    with file.open("wb") as out:
        out.writelines(json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in people(asked.lines))
    least = asyncio.run(floor(owner, file.read_text().splitlines(), asked.batch))
    root = postmaster(folder)
    words = [
        "import",
        "fhir",
        str(file),
        "--organization",
        ORGANIZATION,
        "--workers",
        str(asked.workers),
        "--batch",
        str(asked.batch),
        "--json",
    ]
    addresses = {"URL": server.dsn(login=logins.SERVING), "AUDIT_URL": server.dsn(login=logins.AUDIT), "OWNER_URL": ""}
    environment = os.environ | {f"MAILLAGE_DATABASE__{name}": address for name, address in addresses.items()}
    before, begun = machine.cpu_seconds([root]), os.times()
    done = subprocess.run(
        [sys.executable, "-m", "maillage", *words, "--data", str(folder / "served")],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    ended, after = os.times(), machine.cpu_seconds([root])
    if not done.stdout:
        return 1
    told = json.loads(done.stdout)
    taken = told["made"]
    ours = ended.children_user + ended.children_system - begun.children_user - begun.children_system
    print(f"{taken} resources, {told['refused']} refused, {asked.workers} processes, {os.cpu_count()} cores: {told['a_second']} a second")
    print(f"processor time of one resource: {ours * 1e3 / taken:.2f} ms here, {(after - before) * 1e3 / taken:.2f} ms in PostgreSQL")
    print(f"floor: {least:.0f} lines a second appended as they are; {least / told['a_second']:.1f} times as many")
    return int(told["a_second"] < WANTED)


def postmaster(folder: Path) -> int:
    """The first process of the server."""
    [found] = folder.rglob("postmaster.pid")
    return int(found.read_text().split()[0])


def main() -> int:
    """Measure on a database of its own."""
    given = argparse.ArgumentParser(prog="python -m bench.imports")
    given.add_argument("lines", type=int, nargs="?", default=100_000)
    given.add_argument("workers", type=int, nargs="?", default=os.cpu_count())
    given.add_argument("--batch", type=int, default=200)
    asked = given.parse_args()
    with postgres() as (owner, server, folder):
        return measure(server, owner, folder, asked)


if __name__ == "__main__":
    sys.exit(main())
