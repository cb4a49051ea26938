"""The bytes of a document by the API: to who may read its DocumentReference, and as if absent to everybody else (vulnerability classes 1 and 9)."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from tests.doors.fhir.conftest import caller
from tests.factories import referrals as make
from tests.factories.referrals import GP, act, territory

from maillage import journeys, referrals
from maillage.access import issue_token
from maillage.documents import Checked
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.settings import DataSettings, Settings
from maillage.store import Database
from maillage.store.blobs import Vault

FILL = territory
pytestmark = pytest.mark.asyncio
CANARY = b"CANARI-RADIO"


async def test_class_01_the_parties_of_a_request_read_its_files_and_nobody_else(db: Database, tmp_path: Path) -> None:
    settings = Settings(data=DataSettings(folder=tmp_path))
    [task] = await make.draft(db)
    async with db.transaction(GP) as tx:
        [id] = await referrals.attach(tx, Vault.of(settings), task, [Checked("f", "radio.txt", "text/plain", CANARY)], "request")
    door = FhirDoor(db, operations=journeys.OPERATIONS, intake=journeys.INTAKE, settings=settings, mode="test")
    hospital, elsewhere, narrow = [
        await _token(db, *who) for who in (("h", make.HOSPITAL, "*"), ("e", make.OTHER_HOSPITAL, "*"), ("n", make.HOSPITAL, "Task"))
    ]
    async with caller(door, hospital) as ours, caller(door, elsewhere) as theirs, caller(door, narrow) as scoped:
        assert (await ours.get(f"/fhir/Binary/{id}")).status_code == 404, "a draft is its author's alone"
        await act(db, GP, referrals.send, task, **make.SEND)
        told = (await ours.get(f"/fhir/DocumentReference/{id}")).json()["content"][0]["attachment"]
        given = (await ours.get(f"/fhir/{told['url']}")).json()
        assert (base64.b64decode(given["data"]), given["contentType"]) == (CANARY, "text/plain")
        hidden, absent = await theirs.get(f"/fhir/Binary/{id}"), await theirs.get("/fhir/Binary/absent-0")
        assert (hidden.status_code, absent.status_code) == (404, 404)
        assert hidden.json()["issue"][0]["code"] == absent.json()["issue"][0]["code"]
        assert (await scoped.get(f"/fhir/Binary/{id}")).status_code == 403
        assert (await ours.delete(f"/fhir/Binary/{id}")).status_code == 405
    async with db.trail.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM audit_event WHERE verb = 'download' AND res_id = $1", id) == 1


async def _token(db: Database, client: str, organization: str, kind: str) -> str:
    async with db.transaction(SYSTEM) as tx:
        return await issue_token(tx, client, (f"system/{kind}.cruds",), [organization], timedelta(hours=1))
