"""No audit, no data: when the audit row cannot be written, both doors answer 503 and not one byte of a resource leaves; nothing is half done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import caller, token
from tests.support import postgres
from tests.support import web as pages

from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = pages.territory
pytestmark = pytest.mark.asyncio
CANARY = "Kanarek"
BREAKS = {"full": "53100", "revoked": "42501"}
Broken = Callable[[str], AbstractAsyncContextManager[None]]


@pytest.fixture
def broken(dsn: str, cluster: postgres.TestCluster) -> Broken:
    """For the length of a block, no audit row can be written: the disk is full, or the right to insert was taken away."""

    @asynccontextmanager
    async def breaking(how: str) -> AsyncIterator[None]:
        conn = await asyncpg.connect(postgres.owner(dsn))
        try:
            await conn.execute(
                f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = '{BREAKS[how]}'; END $$"
            )
            await conn.execute("CREATE TRIGGER fails BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION fail()")
            yield
        finally:
            await conn.execute("DROP FUNCTION IF EXISTS fail() CASCADE")
            await conn.close()

    return breaking


@pytest_asyncio.fixture
async def fhir(db: Database) -> AsyncIterator[Any]:
    async with caller(FhirDoor(db, mode="test"), await token(db, "ours", "org-a")) as made:
        yield made


def paths(patient: str, observation: str, event: str) -> list[tuple[str, str]]:
    """Every way to read, and every refusal, with what is asked."""
    one = f"Observation/{observation}"
    return [
        *(("GET", one), ("HEAD", one), ("GET", f"{one}/_history"), ("GET", f"{one}/_history/1"), ("GET", f"{one}?_elements=code")),
        *(
            ("GET", "Observation"),
            ("POST", "Observation/_search"),
            ("GET", "Observation/_history"),
            ("GET", "_history"),
            ("GET", "?_type=Observation"),
        ),
        *(
            ("GET", f"Observation?_id={observation}&_include=Observation:subject"),
            ("GET", f"Patient?_id={patient}&_revinclude=Observation:subject"),
        ),
        *(
            ("GET", f"Patient?family={CANARY}"),
            ("GET", "Observation?code=nothing-has-this"),
            ("GET", f"Observation?_id={observation}&_summary=true"),
        ),
        *(("GET", f"Patient/{patient}"), ("GET", f"Patient/{patient}/Observation"), ("GET", f"Patient/{patient}/*")),
        *(
            ("GET", f"Patient/{patient}/$everything"),
            ("GET", f"{one}/$meta"),
            ("GET", f"Observation/$lastn?max=1&patient={patient}&code=canary"),
        ),
        *(("GET", "AuditEvent"), ("GET", f"AuditEvent/{event}"), ("GET", f"AuditEvent?patient={patient}")),
        *(("GET", "Observation/absent"), ("GET", "Nothing/absent"), ("DELETE", f"{one}")),
    ]


async def planted(fhir: Any) -> tuple[str, str, str]:
    patient = await fhir.make({"resourceType": "Patient", "name": [{"family": CANARY}]})
    about = {"reference": f"Patient/{patient['id']}", "display": CANARY}
    code = {"text": CANARY, "coding": [{"code": "canary"}]}
    observation = await fhir.make(
        {"resourceType": "Observation", "status": "final", "code": code, "subject": about, "category": [{"text": "x"}]}
    )
    events = (await fhir.get(f"/fhir/AuditEvent?patient={patient['id']}")).json()
    return patient["id"], observation["id"], events["entry"][0]["resource"]["id"]


def silent(answer: httpx.Response, about: str, *ids: str) -> None:
    assert answer.status_code == 503, (about, answer.status_code, answer.text[:300])
    assert answer.headers["retry-after"], about
    for secret in (CANARY, *ids):
        assert secret not in answer.text + str(answer.headers), about


@pytest.mark.parametrize("how", sorted(BREAKS))
async def test_promise_6_no_byte_leaves_the_fhir_door(fhir: Any, broken: Broken, how: str) -> None:
    patient, observation, event = await planted(fhir)
    headers = {"if-match": 'W/"1"'}
    async with broken(how):
        for method, path in paths(patient, observation, event):
            silent(await fhir.request(method, f"/fhir/{path}", headers=headers), f"{method} {path}", observation)
        known = {"if-none-match": 'W/"1"'}
        silent(await fhir.get(f"/fhir/Observation/{observation}", headers=known), "conditional read", observation)
        silent(await fhir.get(f"/fhir/Observation/{observation}", headers={"authorization": "Bearer nobody"}), "401", observation)
        xml = {"accept": "application/fhir+xml"}
        silent(await fhir.get(f"/fhir/Observation/{observation}", headers=xml), "XML", observation)
        batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": f"Observation/{observation}"}}]}
        told = await fhir.post("/fhir", json=batch)
        assert [entry["response"]["status"] for entry in told.json()["entry"]] == ["503"]
        assert CANARY not in told.text
        silent(await fhir.post("/fhir", json={**batch, "type": "transaction"}), "transaction", observation)
    answer = await fhir.get(f"/fhir/Observation/{observation}", headers={"accept": "application/fhir+json"})
    assert answer.status_code == 200
    assert CANARY in answer.text


@pytest.mark.parametrize("how", sorted(BREAKS))
async def test_promise_6_no_act_is_kept_without_its_row(fhir: Any, broken: Broken, db: Database, how: str) -> None:
    patient, observation, _ = await planted(fhir)

    async def count() -> int:
        async with db.transaction(SYSTEM) as tx:
            return int(await tx.fetchval("SELECT count(*) FROM resource_version"))

    before = await count()
    body = {"resourceType": "Basic", "code": {"text": CANARY}, "subject": {"reference": f"Patient/{patient}"}}
    async with broken(how):
        silent(await fhir.post("/fhir/Basic", json=body), "create")
        silent(await fhir.post("/fhir/Basic", json=body, headers={"idempotency-key": "once"}), "create with a key")
        changed = {"resourceType": "Patient", "id": patient, "name": [{"family": CANARY, "given": ["Autre"]}]}
        silent(await fhir.put(f"/fhir/Patient/{patient}", json=changed, headers={"if-match": 'W/"1"'}), "update")
        silent(await fhir.delete(f"/fhir/Observation/{observation}", headers={"if-match": 'W/"1"'}), "delete")
        silent(await fhir.post(f"/fhir/Observation/{observation}/$meta-add", json=META), "$meta-add")
        assert await count() == before
    assert (await fhir.post("/fhir/Basic", json=body, headers={"idempotency-key": "once"})).status_code == 201


META = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "seen"}]}}]}


@pytest.mark.parametrize("how", sorted(BREAKS))
async def test_promise_6_no_byte_leaves_the_pages(db: Database, broken: Broken, how: str) -> None:
    door = pages.make_door(db)
    async with db.transaction(SYSTEM) as tx:
        row = await tx.fetchrow("SELECT id, family, given, ins FROM patient WHERE id = $1", pages.patient_of("cms-clamart-soins"))
    login = "medecin-clamart"
    async with pages.visiting(door, login) as visitor:
        shown = await visitor.get(f"/patients/{row['id']}")
        assert shown.status_code == 200
        assert row["given"] in shown.text
        csrf = pages.hidden(shown)["_csrf"]
        async with broken(how):
            for path in (
                f"/patients/{row['id']}",
                f"/patients/{row['id']}/acces",
                f"/patients/{row['id']}/acces/papier",
                "/patients/absent",
            ):
                answer = await visitor.get(path)
                assert answer.status_code == 503, path
                assert row["family"] not in answer.text, path
            fields = {"_csrf": csrf, "ins": row["ins"] or "", "family": row["family"], "given": row["given"]}
            found = await visitor.client.post("/patients", data=fields, headers=pages.SAME_SITE)
            assert (found.status_code, row["given"] in found.text) in ((503, False), (422, True)), found.text[:200]
            out = await visitor.client.post("/deconnexion", data={"_csrf": csrf}, headers=pages.SAME_SITE)
            assert out.status_code == 503
    async with pages.visiting(door) as stranger, broken(how):
        assert (await stranger.get(f"/patients/{row['id']}")).status_code == 503
        assert (await stranger.sign_in(login)).status_code == 503
        assert not [cookie for cookie in stranger.client.cookies if cookie.endswith("maillage")]
