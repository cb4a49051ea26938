"""A file of resources taken in: by the checks of the door, once whatever is repeated, from where it was left when it was stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller

from maillage.cli.resources import Journal, progress_of, run_passes
from maillage.codes.json import decode, encode
from maillage.doors.fhir import FhirDoor
from maillage.doors.fhir.loading import Line, Loader, Report, importer
from maillage.store import Database

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
