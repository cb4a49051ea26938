"""A file of resources taken in: by the checks of the door, once whatever is repeated, from where it was left when it was stopped."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller
from tests.support import postgres

from maillage.cli.resources import Journal, progress_of, run_passes
from maillage.codes.json import decode, encode
from maillage.doors.fhir import FhirDoor
from maillage.doors.fhir.loading import Line, Loader, Report, importer
from maillage.store import Database, Transaction

pytestmark = pytest.mark.asyncio
PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"family": "mienne"}]}


def observation(id: str, patient: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": id},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def lines(*resources: dict[str, Any] | bytes) -> list[Line]:
    return [Line(n, one if isinstance(one, bytes) else encode(one), "file") for n, one in enumerate(resources, 1)]


def counts(report: Report) -> tuple[int, int, int, list[int]]:
    return report.made, report.changed, report.same, [one.number for one in report.refused]


@pytest_asyncio.fixture
async def loader(door: FhirDoor) -> Loader:
    return Loader(door.db, door.registry, importer("org-a"))


async def test_lines_are_kept_with_their_ids_found_and_told_by_one_provenance(loader: Loader, ours: Caller, theirs: Caller) -> None:
    assert counts(await loader.take(lines(PATIENT, observation("o1"), observation("o2")))) == (3, 0, 0, [])
    found = (await ours.get("/fhir/Observation", params={"patient": "p1", "_sort": "_id"})).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["o1", "o2"]
    told = (await ours.get("/fhir/Provenance", params={"target": "Observation/o1"})).json()["entry"]
    assert [one["reference"] for one in told[0]["resource"]["target"]] == ["Observation/o1/_history/1", "Observation/o2/_history/1"]
    assert (await theirs.get("/fhir/Observation/o1")).status_code == 404
    again = await loader.take(lines(PATIENT, observation("o1"), observation("o2", status="amended"), observation("o3")))
    assert counts(again) == (1, 1, 2, [])
    assert (await ours.get("/fhir/Observation/o2")).json()["meta"]["versionId"] == "2"


async def test_what_the_door_refuses_is_refused_line_by_line(loader: Loader, ours: Caller, theirs: Caller) -> None:
    taken = await theirs.make({"resourceType": "Basic", "code": {"text": "leur"}})
    report = await loader.take(
        lines(
            PATIENT,
            observation("o1"),
            b"{not json",
            observation("o2", status="cake"),
            {"resourceType": "Device", "id": "d"},
            observation("o1"),
            {**taken, "code": {"text": "volé"}},
            {
                "resourceType": "Provenance",
                "id": "x",
                "target": [{"reference": "Patient/p1"}],
                "recorded": "2026-11-16T08:00:00Z",
                "agent": [{"who": {"display": "x"}}],
            },
            observation("o3"),
        )
    )
    assert counts(report) == (3, 0, 0, [3, 4, 5, 6, 7, 8])
    codes = {one.number: one.outcome["issue"][0]["details"]["coding"][0]["code"] for one in report.refused}
    assert (codes[4], codes[5], codes[6], codes[8]) == ("code-unknown", "type-not-served", "entry-twice", "written-by-the-server")
    assert (await ours.get("/fhir/Observation/o3")).status_code == 200
    assert (await theirs.get(f"/fhir/Basic/{taken['id']}")).json()["code"] == {"text": "leur"}


class AtOnce(Executor):
    """Every batch that is given is under way at once, each over a connection of its own."""

    def __init__(self, loader: Loader, loop: asyncio.AbstractEventLoop) -> None:
        self.loader, self.loop, self.most, self.going = loader, loop, 0, 0

    async def take(self, batch: list[Line]) -> Report:
        self.going += 1
        self.most = max(self.most, self.going)
        try:
            return await self.loader.take(batch)
        finally:
            self.going -= 1

    def submit(self, _take: Callable[..., Any], batch: Any) -> Future[Any]:  # type: ignore[override]  # the one work that is given to it
        return asyncio.run_coroutine_threadsafe(self.take(batch), self.loop)


def partner(mark: str) -> list[dict[str, Any]]:
    """What one partner has, under ids of its own: names, identifiers, composites, narrative, references to each other."""
    names = [{"use": "official", "family": "Lefèvre-Œuf", "given": ["Zoé"]}, {"use": "usual", "family": "Marchand"}]
    identifiers = [{"system": "urn:oid:1.2.3", "value": "ab 12"}, {"system": "urn:oid:1.2.4", "value": "7"}]
    found: list[dict[str, Any]] = []
    for n in range(6):
        patient, visit = f"{mark}-p{n}", f"{mark}-e{n}"
        found.append(
            {"resourceType": "Patient", "id": patient, "name": names, "identifier": identifiers[: 1 + n % 2], "birthDate": "1950-02-01"}
        )
        stay = {"status": "finished", "class": {"system": "urn:oid:1", "code": "AMB"}, "period": {"start": "2026-01-02"}}
        found.append({"resourceType": "Encounter", "id": visit, **stay, "subject": {"reference": f"Patient/{patient}"}})
        for place in range(4):
            value = {"valueQuantity": {"value": 4.20, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}}
            more = {**value, "encounter": {"reference": f"Encounter/{visit}"}, "effectiveDateTime": "2026-01-02T10:00:00+01:00"}
            found.append(observation(f"{mark}-o{n}-{place}", patient, **(more if place else {"valueString": "négatif"})))
    return found


WRITTEN = {
    "resource_version": ("id", "at author xact"),
    "resource_head": ("id", "at"),
    "ix_patient": ("id", "at"),
    "ix_encounter": ("id", "at"),
    "ix_observation": ("id", "at"),
    "ix_string": ("id", ""),
    "patient": ("id", ""),
    "patient_identifier": ("patient_id", ""),
    "care_link": ("patient_id", "id starts"),
    "audit_event": ("res_id", "id seq at actor_id actor_name software address server request_id xact"),
}


async def rows_of(dsn: str, mark: str) -> dict[str, list[str]]:
    """Every row that was written of a partner's resources, as if its ids were nobody's."""
    conn = await asyncpg.connect(postgres.owner(dsn))
    found = {}
    try:
        for table, (key, apart) in WRITTEN.items():
            sql = f"SELECT (to_jsonb(t) - $1::text[])::text AS row FROM {table} t WHERE {key} LIKE $2 ORDER BY 1"
            rows = await conn.fetch(sql, apart.split(), f"{mark}-%")
            found[table] = sorted(re.sub(r'\\"lastUpdated\\":\\"[^"]*"', "", row["row"].replace(mark, "any")) for row in rows)
    finally:
        await conn.close()
    return found


async def test_in_parallel_in_blocks_and_one_by_one_write_the_same_rows(
    dsn: str, loader: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one, each goes by the statements of a single write, as whoever posts it."""
    loop = asyncio.get_running_loop()
    at_once = AtOnce(loader, loop)
    for mark, executor, batch in (("parallel", at_once, 5), ("inblocks", Inline(loader, loop), 100), ("byitself", Inline(loader, loop), 1)):
        file = tmp_path / f"{mark}.ndjson"
        file.write_bytes(b"".join(encode(one) + b"\n" for one in partner(mark)))
        journal = Journal(file, progress_of(file))
        if mark == "byitself":
            monkeypatch.setattr(Transaction, "write_many", lambda _tx: None)
        await asyncio.to_thread(run_passes, executor, journal, 2, batch)
        assert (journal.progress.made, journal.progress.refused) == (36, 0)
    assert at_once.most > 1
    expected = await rows_of(dsn, "byitself")
    assert {table: len(rows) for table, rows in expected.items()} == {
        **dict.fromkeys(("resource_version", "resource_head", "audit_event"), 36),
        **dict.fromkeys(("ix_patient", "ix_encounter", "patient", "care_link"), 6),
        "ix_observation": 24,
        "ix_string": 69,
        "patient_identifier": 9,
    }
    assert await rows_of(dsn, "inblocks") == expected
    assert await rows_of(dsn, "parallel") == expected


class Stopped(Exception):
    """The machine went away."""


class Inline(Executor):
    """Batches in the process of the test; the machine goes away once `left` were committed."""

    def __init__(self, loader: Loader, loop: asyncio.AbstractEventLoop, left: int = 1000) -> None:
        self.loader, self.loop, self.left = loader, loop, left

    def submit(self, _take: Callable[..., Any], batch: Any) -> Future[Any]:  # type: ignore[override]  # the one work that is given to it
        done: Future[Any] = Future()
        if self.left == 0:
            done.set_exception(Stopped())
            return done
        self.left -= 1
        done.set_result(asyncio.run_coroutine_threadsafe(self.loader.take(batch), self.loop).result())
        return done


async def test_a_file_is_taken_in_once_however_often_it_is_stopped(db: Database, loader: Loader, ours: Caller, tmp_path: Path) -> None:
    """Observations stand before their patient in the file: passes put that right."""
    file = tmp_path / "all.ndjson"
    whole = [observation(f"o{n}", f"p{n % 3}") for n in range(20)] + [{**PATIENT, "id": f"p{n}"} for n in range(3)]
    nameless = {key: value for key, value in observation("o-none").items() if key != "id"}
    file.write_bytes(b"".join(encode(one) + b"\n" for one in [*whole, nameless, {"resourceType": "Observation"}]))
    for _ in range(4):  # each time two batches more
        with pytest.raises(Stopped):
            await asyncio.to_thread(run_passes, Inline(loader, asyncio.get_running_loop(), 2), Journal(file, progress_of(file)), 1, 3)
    journal = Journal(file, progress_of(file))
    await asyncio.to_thread(run_passes, Inline(loader, asyncio.get_running_loop()), journal, 1, 3)
    found = (await ours.get("/fhir/Observation", params={"_count": "200"})).json()
    assert found["total"] == 21
    assert {entry["resource"]["meta"]["versionId"] for entry in found["entry"]} == {"1"}
    assert journal.progress.refused == 1
    (refused,) = [decode(line) for line in file.with_suffix(".ndjson.refused").read_bytes().splitlines()]
    assert (refused["line"], refused["outcome"]["issue"][0]["details"]["coding"][1]["code"]) == (25, "SEND_BAD_REQUEST")
    done = Journal(file, progress_of(file))
    await asyncio.to_thread(run_passes, Inline(loader, asyncio.get_running_loop(), 0), done, 1, 3)
    assert done.here == 0
    file.write_bytes(file.read_bytes() + encode(observation("o99")) + b"\n")
    assert progress_of(file).lines == 0  # another file of that name begins from the start
