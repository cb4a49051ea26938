"""Bulk Data exports: asked, polled, fetched, cancelled and forgotten; what is refused meanwhile is not given; killed, it goes on."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from tests.actions.test_opposition import oppose
from tests.conftest import MONDAY
from tests.doors.fhir.conftest import Caller, caller, token

from maillage import exports, record
from maillage.codes.json import decode
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.ids import new_id
from maillage.settings import DataSettings, Settings
from maillage.store import Database
from maillage.store.blobs import About, Kept, Vault

pytestmark = pytest.mark.asyncio
ASYNC = {"prefer": "respond-async"}
FIRST = {"if-match": 'W/"1"'}
DAY = timedelta(hours=24)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=DataSettings(folder=tmp_path))


@pytest_asyncio.fixture
async def door(db: Database, settings: Settings) -> FhirDoor:
    return FhirDoor(db, mode="test", settings=settings)


async def record_of(ours: Caller, observations: int = 3) -> list[str]:
    """A patient with observations, made at once; the ids of the observations after that of the patient."""
    url = "urn:uuid:00000001-0000-4000-8000-000000000000"
    whole = [
        {
            "fullUrl": url,
            "request": {"method": "POST", "url": "Patient"},
            "resource": {"resourceType": "Patient", "name": [{"family": "mienne"}]},
        }
    ]
    whole += [
        {
            "request": {"method": "POST", "url": "Observation"},
            "resource": {"resourceType": "Observation", "status": "final", "code": {"text": str(n)}, "subject": {"reference": url}},
        }
        for n in range(observations)
    ]
    answer = await ours.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": whole})
    assert answer.status_code == 200, answer.text
    return [entry["resource"]["id"] for entry in answer.json()["entry"]]


async def ask(http: Caller, path: str, **params: str) -> str:
    answer = await http.get(f"/fhir/{path}", params=params, headers=ASYNC)
    assert answer.status_code == 202, answer.text
    return answer.headers["content-location"]


async def built(db: Database, settings: Settings, portion: int = 100) -> int:
    return await exports.build(db, exports.vault_of(settings), portion=portion, keep=DAY)


async def lines(http: Caller, address: str) -> dict[str, list[str]]:
    """The ids that an export gives, by type, in the order of its files."""
    manifest = (await http.get(address)).json()
    assert manifest["requiresAccessToken"] is True
    found: dict[str, list[str]] = {}
    for file in manifest["output"]:
        answer = await http.get(file["url"])
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "application/fhir+ndjson")
        given = [decode(line) for line in answer.content.splitlines()]
        assert {one["resourceType"] for one in given} <= {file["type"]}
        found.setdefault(file["type"], []).extend(one["id"] for one in given)
    return found


async def test_an_export_from_its_request_to_the_end_of_its_files(
    db: Database, ours: Caller, theirs: Caller, settings: Settings, clock: FixedClock
) -> None:
    patient, *observations = await record_of(ours)
    await ours.make({"resourceType": "Location", "name": "site"})
    address = await ask(ours, "$export", _type="Patient,Observation,Location", _outputFormat="ndjson")
    waiting = await ours.get(address)
    assert (waiting.status_code, waiting.headers["x-progress"], waiting.headers["retry-after"]) == (202, "0 of 3 types", "5")
    await built(db, settings, portion=2)
    manifest = await ours.get(address)
    assert (manifest.status_code, [file["count"] for file in manifest.json()["output"]]) == (200, [1, 2, 1, 1])
    assert manifest.json()["request"].endswith("/fhir/$export?_type=Patient,Observation,Location&_outputFormat=ndjson")
    assert manifest.headers["expires"] == "Tue, 17 Nov 2026 08:00:00 GMT"
    found = await lines(ours, address)
    assert (found["Patient"], sorted(found["Observation"]), len(found["Location"])) == ([patient], sorted(observations), 1)
    for file in manifest.json()["output"]:
        assert (await theirs.get(file["url"])).status_code == 404
    assert (await theirs.get(address)).status_code == (await theirs.delete(address)).status_code == 404
    folder = exports.vault_of(settings).folder
    assert len(list(folder.lying())) == 4
    assert all(patient.encode() not in one.path.read_bytes() for one in folder.lying())
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT subtype, patient_id FROM audit_event WHERE verb = 'export' ORDER BY seq")
    assert [(row["subtype"], row["patient_id"]) for row in rows if row["patient_id"]] == [
        ("export", patient)
    ] * 4  # built once, fetched in three files
    clock.advance(DAY)
    fresh = await token(db, "ours", "org-a")
    assert (await ours.get(address, headers={"authorization": f"Bearer {fresh}"})).status_code == 404
    assert await exports.sweep(db, exports.vault_of(settings), now=clock.now()) == 4
    assert list(folder.lying()) == []


async def test_what_an_export_holds_is_narrowed_by_level_time_and_scope(
    db: Database, ours: Caller, door: FhirDoor, settings: Settings, clock: FixedClock
) -> None:
    first, *_ = await record_of(ours, 1)
    clock.advance(timedelta(minutes=5))
    second, *late = await record_of(ours, 2)
    group = await ours.make(
        {"resourceType": "Group", "type": "person", "actual": True, "member": [{"entity": {"reference": f"Patient/{second}"}}]}
    )
    async with caller(door, await token(db, "narrow", "org-a", "system/Observation.rs")) as narrow:
        asked = {
            "patients": await ask(ours, "Patient/$export", _type="Patient"),
            "since": await ask(ours, "Patient/$export", _type="Patient,Observation", _since="2026-11-16T09:05:00+01:00"),
            "group": await ask(ours, f"Group/{group['id']}/$export"),
            "narrow": await ask(narrow, "$export"),
        }
        assert (await ours.get("/fhir/$export", headers=ASYNC)).status_code == 429  # three at a time
        await built(db, settings)
        assert sorted((await lines(ours, asked["patients"]))["Patient"]) == sorted([first, second])
        assert {kind: sorted(ids) for kind, ids in (await lines(ours, asked["since"])).items()} == {
            "Patient": [second],
            "Observation": sorted(late),
        }
        of_group = await lines(ours, asked["group"])
        assert (of_group["Patient"], sorted(of_group["Observation"])) == ([second], sorted(late))
        assert list(await lines(narrow, asked["narrow"])) == ["Observation"]
        assert (await narrow.get("/fhir/$export", params={"_type": "Patient"}, headers=ASYNC)).status_code == 403
    assert (await ours.get("/fhir/$export")).status_code == 400
    for query in ({"_type": "Cake"}, {"_outputFormat": "csv"}, {"_elements": "id"}):
        assert (await ours.get("/fhir/$export", params=query, headers=ASYNC)).status_code == 400, query
    assert (await ours.get("/fhir/Group/none/$export", headers=ASYNC)).status_code == 404
    again = await ask(ours, "$export", _type="Patient")
    assert (await ours.delete(again)).status_code == 202
    assert (await ours.get(again)).status_code == 404
    assert await built(db, settings) == 0


async def test_what_was_refused_after_the_files_were_made_is_not_given(
    db: Database, ours: Caller, theirs: Caller, settings: Settings
) -> None:
    about = [(await record_of(ours, 0))[0] for _ in range(3)]
    made = []
    async with db.transaction(SYSTEM) as tx:
        for patient in about:
            made.append(new_id())
            resource = {"resourceType": "Observation", "id": made[-1], "status": "final", "code": {"text": "partagée"}}
            await record.first_photograph(tx, resource, patient=patient, owner="org-a", parties=["org-b"])
        await oppose(tx, about[0], "general")
    address = await ask(theirs, "$export", _type="Observation")
    await built(db, settings)
    assert sorted((await lines(theirs, address))["Observation"]) == sorted(made[1:])
    async with db.transaction(SYSTEM) as tx:
        await oppose(tx, about[1], "general")
    assert (await lines(theirs, address))["Observation"] == [made[2]]


async def asked_for(http: Caller, path: str, *patients: str, **params: str) -> httpx.Response:
    """A request by POST, the only way to name patients."""
    named = [{"name": "patient", "valueReference": {"reference": f"Patient/{patient}"}} for patient in patients]
    more = [{"name": name, "valueString": value} for name, value in params.items()]
    return await http.post(f"/fhir/{path}", json={"resourceType": "Parameters", "parameter": [*named, *more]}, headers=ASYNC)


async def test_only_the_patients_that_were_named_and_only_while_they_may_be_seen(
    db: Database, ours: Caller, theirs: Caller, settings: Settings
) -> None:
    (first, *of_first), (second, *of_second), (third, *_) = [await record_of(ours, 1) for _ in range(3)]
    members = [{"entity": {"reference": f"Patient/{patient}"}} for patient in (second, third)]
    group = await ours.make({"resourceType": "Group", "type": "person", "actual": True, "member": members})
    of_two = await asked_for(ours, "Patient/$export", first, second, _type="Patient,Observation")
    of_one = await asked_for(ours, f"Group/{group['id']}/$export", second)
    assert (of_two.status_code, of_one.status_code) == (202, 202), of_two.text
    for path, http, patient, status in (
        (f"Group/{group['id']}/$export", ours, first, 404),  # no member
        ("Patient/$export", theirs, first, 404),  # nobody of theirs
        ("Patient/$export", ours, "none", 404),
        ("$export", ours, first, 400),  # the system is no patients
    ):
        assert (await asked_for(http, path, patient)).status_code == status, path
    assert (await ours.get("/fhir/Patient/$export", params={"patient": f"Patient/{first}"}, headers=ASYNC)).status_code == 400
    await built(db, settings)
    found = await lines(ours, of_two.headers["content-location"])
    assert {kind: sorted(ids) for kind, ids in found.items()} == {
        "Patient": sorted([first, second]),
        "Observation": sorted([*of_first, *of_second]),
    }
    in_group = await lines(ours, of_one.headers["content-location"])
    assert (in_group["Patient"], in_group["Observation"]) == ([second], of_second)
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch(
            "SELECT DISTINCT x.patient_id FROM audit_event e, audit_shown(e) x WHERE e.verb = 'export' AND x.patient_id IS NOT NULL"
        )
    assert sorted(row["patient_id"] for row in rows) == sorted([first, second])


async def test_a_type_is_filtered_by_searches_of_it(db: Database, ours: Caller, settings: Settings) -> None:
    patient, *observations = await record_of(ours, 3)
    about = {"subject": {"reference": f"Patient/{patient}"}}
    early = await ours.make({"resourceType": "Observation", "status": "preliminary", "code": {"text": "tôt"}, **about})
    wrong = await ours.make({"resourceType": "Observation", "status": "cancelled", "code": {"text": "non"}, **about})
    either = "Observation?status=preliminary,Observation?status=final&_lastUpdated=ge2026-01-01"
    several = await ask(ours, "Patient/$export", _type="Patient,Observation", _typeFilter=either)
    one = await asked_for(ours, "Patient/$export", _type="Observation", _typeFilter=f"Observation?_id={early['id']}%2C{wrong['id']}")
    for said in (
        "Observation?cake=1",
        "Encounter?status=finished",
        "Observation?",
        "Observation?_count=1",
        "Observation?subject.name=x",
        "x",
    ):
        answer = await ours.get("/fhir/$export", params={"_type": "Observation", "_typeFilter": said}, headers=ASYNC)
        assert answer.status_code == 400, said
    await built(db, settings, portion=2)
    found = await lines(ours, several)
    assert (found["Patient"], sorted(found["Observation"])) == ([patient], sorted([*observations, early["id"]]))
    assert sorted((await lines(ours, one.headers["content-location"]))["Observation"]) == sorted([early["id"], wrong["id"]])


async def test_what_was_deleted_since_then_is_told_and_to_nobody_else(
    db: Database, ours: Caller, theirs: Caller, settings: Settings, clock: FixedClock
) -> None:
    patient, before, *deleted = await record_of(ours, 4)
    assert (await ours.delete(f"/fhir/Observation/{before}", headers=FIRST)).status_code == 204
    clock.advance(timedelta(minutes=5))
    for id in deleted:
        assert (await ours.delete(f"/fhir/Observation/{id}", headers=FIRST)).status_code == 204
    since = "2026-11-16T09:05:00+01:00"
    address = await ask(ours, "Patient/$export", _type="Observation,Patient", _since=since)
    others = await ask(theirs, "$export", _type="Observation", _since=since)
    plain = await ask(ours, "$export", _type="Observation")
    await built(db, settings, portion=2)
    manifest = (await ours.get(address)).json()
    assert [(file["type"], file["count"]) for file in manifest["deleted"]] == [("Bundle", 2), ("Bundle", 1)]

    async def told() -> list[str]:
        bundles = [decode(line) for file in manifest["deleted"] for line in (await ours.get(file["url"])).content.splitlines()]
        assert {bundle["type"] for bundle in bundles} <= {"transaction"}
        return [f"{one['request']['method']} {one['request']['url']}" for bundle in bundles for one in bundle["entry"]]

    assert await told() == [f"DELETE Observation/{id}" for id in sorted(deleted)]
    assert (await theirs.get(others)).json()["deleted"] == []
    assert "deleted" not in (await ours.get(plain)).json()
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch(
            "SELECT x.patient_id FROM audit_event e, audit_shown(e) x WHERE e.verb = 'export' AND x.patient_id IS NOT NULL ORDER BY e.seq"
        )
    assert [row["patient_id"] for row in rows] == [patient] * 3  # when it was built, and for each file
    back = {
        "resourceType": "Observation",
        "id": deleted[0],
        "status": "final",
        "code": {"text": "0"},
        "subject": {"reference": f"Patient/{patient}"},
    }
    assert (await ours.put(f"/fhir/Observation/{deleted[0]}", json=back, headers={"if-match": 'W/"2"'})).status_code == 201
    assert f"DELETE Observation/{deleted[0]}" not in await told()


class Stopping(Vault):
    """A vault that stops for good once its second file is on the disk, before the row of the file is committed."""

    def __init__(self, vault: Vault, told: Connection) -> None:
        super().__init__(vault.folder, vault.ring)
        self.told, self.count = told, 0

    async def keep(self, data: bytes, about: About) -> Kept:
        made = await super().keep(data, about)
        self.count += 1
        if self.count == 2:
            self.told.send("kept")
            signal.pause()
        return made


def worker(dsn: str, settings: Settings, clock: FixedClock, told: Connection) -> None:
    """A process of its own that builds until it is killed."""

    async def run() -> None:
        db = await Database.open(dsn, clock)
        while True:
            await exports.build(db, Stopping(exports.vault_of(settings), told), portion=2, keep=DAY)
            await asyncio.sleep(0.05)  # the one that was killed may still hold its row

    asyncio.run(run())


async def test_killed_five_times_it_is_complete_once(db: Database, dsn: str, ours: Caller, settings: Settings, clock: FixedClock) -> None:
    patient, *observations = await record_of(ours, 17)
    address = await ask(ours, "$export", _type="Patient,Observation")
    forked = multiprocessing.get_context("fork")
    for _ in range(5):
        here, there = forked.Pipe()
        process = forked.Process(target=worker, args=(dsn, settings, clock, there), daemon=True)
        process.start()
        assert await asyncio.to_thread(here.poll, 60)
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == -signal.SIGKILL
        clock.advance(timedelta(minutes=2))
    for _ in range(200):  # until the server has seen that the last one is gone
        if await built(db, settings, portion=2):
            break
        await asyncio.sleep(0.05)
    found = await lines(ours, address)
    assert (found["Patient"], sorted(found["Observation"])) == ([patient], sorted(observations))
    vault = exports.vault_of(settings)
    assert len(list(vault.folder.lying())) == 10 + 5  # each kill left a file without a row
    assert await exports.sweep_orphans(db, vault, now=MONDAY + timedelta(days=10_000)) == 5
    assert await exports.sweep(db, vault, now=MONDAY + timedelta(days=10_000)) == 10
    assert list(vault.folder.lying()) == []
