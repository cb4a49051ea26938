"""« Qui a consulté ce dossier » on screen and on paper; the trail over FHIR, page by page; who reads it leaves a row."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.doors.fhir.conftest import caller, token
from tests.support import web as pages
from tests.support.chaining import Proof

from maillage import record
from maillage.app import Health
from maillage.doors.edge import Stance
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM, Actor
from maillage.settings import AuditSettings, Settings
from maillage.store import Database

FILL = pages.territory
pytestmark = pytest.mark.asyncio


async def rows(db: Database, sql: str, *args: Any) -> list[Any]:
    async with db.trail.transaction(SYSTEM) as tx:
        return await tx.fetch(sql, *args)


LOGIN, CENTRE = "medecin-clamart", "cms-clamart-soins"


def words(page: httpx.Response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.text.replace("\u00a0", " ").replace("\u202f", " ")).split())


async def test_promise_6_the_page_tells_who_when_for_whom_and_why(db: Database) -> None:
    login, organization, patient = LOGIN, CENTRE, pages.patient_of(CENTRE)
    stranger = Actor("person", "elsewhere", ("another-structure",), display="Dr Ailleurs")
    urgent = Actor("person", "p2", (organization,), frozenset({"medecin"}), display="Dr Urgence", purpose="ETREAT")
    for actor, outcome in ((stranger, "0"), (urgent, "0"), (urgent, "4")):
        async with db.transaction(actor, request_id=f"r-{actor.id}-{outcome}") as tx:
            await record.audit(tx, "R", "Patient", patient, patient=patient, verb="read", outcome=outcome)
    async with pages.visiting(pages.make_door(db), login) as visitor:
        await visitor.get(f"/patients/{patient}")
        shown = words(await visitor.get(f"/patients/{patient}/acces"))
        for said in (
            "Qui a consulté ce dossier",
            "16 novembre 2026",
            "médecin",
            "a ouvert le dossier",
            "Soins",
            "Dr Urgence",
            "Urgence",
            "refusé",
        ):
            assert said in shown, said
        assert "Dr Ailleurs" not in shown, "another structure answers for its own"
        again = words(await visitor.get(f"/patients/{patient}/acces"))
        assert "a consulté ce relevé d’accès" in again, "looking at the list is written down too"
        paper = words(await visitor.get(f"/patients/{patient}/acces/papier"))
        assert "à remettre au patient" in paper
        link = f'href="/patients/{patient}/acces"'
        assert link in (await visitor.get(f"/patients/{patient}")).text
    found = await rows(db, "SELECT subtype, count(*) AS n FROM audit_event WHERE verb = 'accesses' GROUP BY subtype ORDER BY subtype")
    assert [tuple(row) for row in found] == [("audit-log-used", 2), ("print", 1)]


async def test_older_accesses_are_a_page_further(db: Database) -> None:
    login, organization, patient = LOGIN, CENTRE, pages.patient_of(CENTRE)
    actor = Actor("person", "p2", (organization,), frozenset({"medecin"}), display="Dr Suite")
    for number in range(103):
        async with db.transaction(actor, request_id=f"visit-{number}") as tx:
            await record.audit(tx, "U", "Task", "t", patient=patient, verb="accept")
    async with pages.visiting(pages.make_door(db), login) as visitor:
        first = await visitor.get(f"/patients/{patient}/acces")
        following = re.search(r'href="(/patients/[^"]+\?avant=[^"]+)"', first.text)
        assert first.text.count("Dr Suite") == 100
        assert following
        second = await visitor.get(following[1].replace("&amp;", "&"))
        assert second.text.count("Dr Suite") == 3
        assert "?avant=" not in second.text
        for nonsense in ("x", "2026-11-16_1", "2026-11-16T08:00:00+00:00_x", "_"):
            assert (await visitor.get(f"/patients/{patient}/acces?avant={nonsense}")).status_code == 200


async def test_a_patient_whom_one_may_not_see_has_no_list(db: Database) -> None:
    login, organization = LOGIN, CENTRE
    async with db.transaction(SYSTEM) as tx:
        row = await tx.fetchrow(
            "SELECT p.id FROM patient p WHERE NOT EXISTS (SELECT FROM care_link l WHERE l.patient_id = p.id AND l.organization_id = $1) "
            "AND NOT $1 = ANY (p.parties) ORDER BY p.id LIMIT 1",
            organization,
        )
    async with pages.visiting(pages.make_door(db), login) as visitor:
        hidden, absent = await visitor.get(f"/patients/{row['id']}/acces"), await visitor.get("/patients/absent/acces")
        assert (hidden.status_code, absent.status_code) == (404, 404)
    [found] = await rows(db, "SELECT outcome, action FROM audit_event WHERE patient_id = $1 AND outcome <> '0' ORDER BY seq", row["id"])
    assert tuple(found) == ("4", "R")


async def test_the_data_protection_officer_sees_the_list_and_not_the_record(db: Database) -> None:
    login, organization, patient = LOGIN, CENTRE, pages.patient_of(CENTRE)
    async with db.transaction(Actor("person", "p2", (organization,), frozenset({"medecin"}), display="Dr Vu")) as tx:
        await record.audit(tx, "R", "Patient", patient, patient=patient, verb="read")
        await tx.execute("UPDATE account_exercise SET roles = '{dpo}' WHERE login = $1", login)
        name = await tx.fetchval("SELECT family FROM patient WHERE id = $1", patient)
    async with pages.visiting(pages.make_door(db), login) as visitor:
        assert (await visitor.get(f"/patients/{patient}")).status_code in (403, 404)
        shown = await visitor.get(f"/patients/{patient}/acces")
        assert (shown.status_code, "Dr Vu" in shown.text, name in shown.text) == (200, True, False)
        absent = await visitor.get("/patients/absent/acces")
        assert (absent.status_code, "Aucun accès enregistré" in absent.text) == (200, True)


async def test_class_28_signing_in_out_and_failing_to_are_written(db: Database) -> None:
    login, patient = LOGIN, pages.patient_of(CENTRE)
    [before] = await rows(db, "SELECT max(seq) AS seq FROM audit_event")
    door = pages.make_door(db)
    async with pages.visiting(door) as visitor:
        assert (await visitor.get(f"/patients/{patient}")).status_code == 303
        await visitor.sign_in("nobody-of-that-name")
        await visitor.sign_in(login)
        await visitor.post("/deconnexion")
    found = await rows(
        db,
        "SELECT subtype, outcome, actor_id = 'nobody' AS nobody, address, software FROM audit_event WHERE seq > $1 ORDER BY seq",
        before["seq"],
    )
    told = [(row["subtype"], row["outcome"], row["nobody"]) for row in found if row["subtype"] != "read" or row["nobody"]]
    assert told[:2] == [("read", "4", True), ("login", "4", True)]
    assert ("login", "0", False) in told
    assert ("logout", "0", False) in told
    assert {(row["address"], row["software"]) for row in found} == {("127.0.0.1", "web")}


async def test_the_trail_over_fhir_goes_on_page_by_page_for_its_own_caller(db: Database) -> None:
    door = FhirDoor(db, mode="test")
    async with caller(door, await token(db, "ours", "org-a")) as ours, caller(door, await token(db, "others", "org-a")) as others:
        patient = await ours.make({"resourceType": "Patient", "name": [{"family": "Essai"}]})
        for _ in range(4):
            await ours.get(f"/fhir/Patient/{patient['id']}", headers={"x-request-id": "look-1"})
        address = f"/fhir/AuditEvent?patient={patient['id']}&action=R&subtype=read&_count=3"
        first = (await ours.get(address)).json()
        links = {link["relation"]: link["url"] for link in first["link"]}
        assert len(first["entry"]) == 3
        second = (await ours.get(links["next"])).json()
        assert len(second["entry"]) == 1
        assert not {e["resource"]["id"] for e in first["entry"]} & {e["resource"]["id"] for e in second["entry"]}
        assert "next" not in {link["relation"] for link in second["link"]}
        assert (await others.get(links["next"])).status_code == 400
        assert (await ours.get(links["next"].replace("action=R", "action=C"))).status_code == 400
        told = (await ours.get("/fhir/AuditEvent?colour=red&_count=1")).json()
        assert told["entry"][-1]["search"]["mode"] == "outcome"
        assert "colour" not in told["link"][0]["url"]
        assert (await ours.get("/fhir/AuditEvent?colour=red", headers={"prefer": "handling=strict"})).status_code == 400
        read = await ours.get(f"/fhir/AuditEvent/{first['entry'][0]['resource']['id']}")
        assert read.json()["agent"][0]["network"]["address"] == "127.0.0.1"
    found = await rows(
        db, "SELECT patient_id, query FROM audit_event WHERE subtype = 'audit-log-used' AND verb = 'search' ORDER BY seq LIMIT 1"
    )
    assert [tuple(row) for row in found] == [(patient["id"], f"patient={patient['id']}&action=R&subtype=read&_count=3")]


async def test_class_28_denied_and_absent_over_fhir_are_told_with_their_patient_and_address(db: Database) -> None:
    door = FhirDoor(db, mode="test")
    async with caller(door, await token(db, "ours", "org-a", "system/Patient.rs")) as ours:
        for path in ("Patient/absent", "Patient/absent/_history", "Patient/absent/_history/1", "Observation?code=x", "Nothing/x"):
            await ours.get(f"/fhir/{path}")
        await ours.get("/fhir/Patient/absent", headers={"authorization": "Bearer wrong"})
    found = await rows(
        db,
        "SELECT subtype, res_type, res_id, patient_id, verb, outcome, actor_id, address, query FROM audit_event WHERE outcome = '4' ORDER BY seq",
    )
    told = [tuple(row)[:7] for row in found]
    assert told == [
        ("read", "Patient", "absent", "absent", "not-found", "4", "ours"),
        ("history-instance", "Patient", "absent", "absent", "not-found", "4", "ours"),
        ("vread", "Patient", "absent", "absent", "not-found", "4", "ours"),
        ("search-type", "Observation", "", None, "scope", "4", "ours"),
        ("read", "-", "", None, "type-not-served", "4", "ours"),
        ("read", "Patient", "absent", "absent", "token-unknown", "4", "nobody"),
    ]
    assert found[3]["query"] == "code=x"
    assert {row["address"] for row in found} == {"127.0.0.1"}


async def test_readiness_says_when_the_proof_is_late_or_its_key_is_away(db: Database, tmp_path: Any) -> None:
    await Proof(db, tmp_path / "before").chainer.drain()
    async with db.transaction(SYSTEM) as tx:
        await record.audit(tx, "R", "Task", "one")
    db.clock.advance(timedelta(minutes=2))  # type: ignore[attr-defined]
    health = Health(db, Settings(audit=AuditSettings(folder=str(tmp_path))), Stance())
    status, told = await health.ready()
    assert (status, told["status"], told["audit"]["waiting"]) == (200, "ready", 1)
    assert told["audit"]["problems"] == ["audit-lag"]
    (tmp_path / "checkpoints.jsonl").write_text("{}", encoding="utf-8")
    assert (await health.ready())[1]["audit"] == {"problems": ["audit-key-unreadable"]}
