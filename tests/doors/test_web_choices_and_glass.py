"""The desk records what a patient refuses; a doctor breaks the glass, every page says so, somebody else reviews it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make
from tests.support import postgres
from tests.support.web import SAME_SITE, Visitor, hidden, make_door, territory, visiting

from maillage import access
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
WHY = "Malaise sur la voie publique, traitement inconnu."


async def patient_known_at(db: Database, *organizations: str) -> dict[str, str]:
    """A patient whom these places know, and nobody else."""
    async with db.transaction(SYSTEM) as tx:
        row = await tx.fetchrow("SELECT id, family, given, birth_date FROM patient ORDER BY id LIMIT 1")
    await postgres.unknown(db._dsn, row["id"])
    async with db.transaction(SYSTEM) as tx:
        for organization in organizations:
            await access.link(tx, row["id"], organization, "presence", f"Patient/{row['id']}")
    return {name: f"{row[name]:%d/%m/%Y}" if name == "birth_date" else row[name] for name in ("id", "family", "given", "birth_date")}


async def searched(visitor: Visitor, patient: dict[str, str]) -> str:
    asked = {name: patient[name] for name in ("family", "given", "birth_date")}
    return (await visitor.post("/patients", asked)).text


async def proved(visitor: Visitor) -> None:
    """Show a factor again, as the page of a grave act asks."""
    page = await visitor.get("/compte/confirmer")
    await visitor.client.post("/compte/confirmer", data=hidden(page), headers=SAME_SITE)


async def test_a_desk_records_an_opposition_and_lifts_it(db: Database) -> None:
    patient = await patient_known_at(db, make.CENTRE, make.HOSPITAL)
    place = f"/patients/{patient['id']}"
    async with visiting(make_door(db), "secretaire-clamart") as desk, visiting(make_door(db), "hge-percy") as doctor:
        assert (await doctor.get(place)).status_code == 200
        page = await desk.get(f"{place}/choix")
        assert page.status_code == 200
        assert "checked" not in page.text, "nothing is chosen beforehand"
        empty = await desk.post(f"{place}/choix/opposition", {}, shown=f"{place}/choix")
        assert empty.status_code == 422
        given = {"act": "reading", "target": f"organization:{make.HOSPITAL}", "said-by": "patient"}
        made = await desk.post(f"{place}/choix/opposition", given, shown=f"{place}/choix")
        assert (made.status_code, made.headers["location"]) == (303, f"{place}/choix?fait=oppose")
        assert (await doctor.get(place)).status_code == 404
        listed = await desk.get(f"{place}/choix")
        end = listed.text.partition(f'action="{place}/choix/')[2].partition('"')[0]
        await desk.post(f"{place}/choix/{end}", {"said-by": "patient"}, shown=f"{place}/choix")
        assert (await doctor.get(place)).status_code == 200


async def test_a_desk_records_a_consent(db: Database) -> None:
    patient = await patient_known_at(db, make.CENTRE)
    place = f"/patients/{patient['id']}"
    async with visiting(make_door(db), "secretaire-clamart") as desk, visiting(make_door(db), "hge-percy") as doctor:
        assert (await doctor.get(place)).status_code == 404
        given = {"organization": make.HOSPITAL, "until": "31/12/2026", "said-by": "patient"}
        made = await desk.post(f"{place}/choix/consentement", given, shown=f"{place}/choix")
        assert made.status_code == 303, made.text
        assert (await doctor.get(place)).status_code == 200
        late = await desk.post(f"{place}/choix/consentement", {**given, "until": "31/12/2020"}, shown=f"{place}/choix")
        assert late.status_code == 422
        assert "La fin doit suivre le début." in late.text


async def test_only_listed_roles_learn_that_somebody_is_there(db: Database) -> None:
    patient = await patient_known_at(db, make.CENTRE)
    async with visiting(make_door(db), "hge-percy") as doctor, visiting(make_door(db), "secretaire-percy") as desk:
        assert f"/patients/{patient['id']}/urgence" in await searched(doctor, patient)
        shown = await searched(desk, patient)
        assert (patient["id"] in shown, "Aucun dossier visible" in shown) == (False, True)
        assert (await desk.get(f"/patients/{patient['id']}/urgence")).status_code == 404
        several = await searched(doctor, {**patient, "family": "Personne"})
        assert "Un dossier existe" not in several


async def test_a_glass_is_broken_with_a_fresh_proof_shown_on_each_page_and_reviewed(db: Database, clock: FixedClock) -> None:
    patient = await patient_known_at(db, make.CENTRE)
    place = f"/patients/{patient['id']}"
    given = {"reason": "emergency", "explanation": WHY}
    async with visiting(make_door(db), "hge-percy") as doctor, visiting(make_door(db), "referent-hge") as senior:
        clock.advance(timedelta(minutes=15))
        asked = await doctor.get(f"{place}/urgence")
        assert asked.headers["location"].startswith("/compte/confirmer")
        await proved(doctor)
        short = await doctor.post(f"{place}/urgence", {**given, "explanation": "court"}, shown=f"{place}/urgence")
        assert short.status_code == 422
        opened = await doctor.post(f"{place}/urgence", given, shown=f"{place}/urgence")
        assert (opened.status_code, opened.headers["location"]) == (303, f"{place}?fait=break-glass")
        shown = await doctor.get(place)
        assert shown.status_code == 200
        assert "Chaque consultation est tracée" in shown.text
        clock.advance(timedelta(minutes=1))
        await senior.sign_in("referent-hge")
        queue = await senior.get("/urgences")
        assert "Urgence" in queue.text
        glass = queue.text.partition('href="/urgences/')[2].partition('"')[0]
        assert WHY in (await senior.get(f"/urgences/{glass}")).text
        done = await senior.post(f"/urgences/{glass}/revue", {"decision": "justified"}, shown=f"/urgences/{glass}")
        assert done.status_code == 303
        assert "Aucun accès à examiner" in (await senior.get("/urgences")).text
        assert (await doctor.get("/urgences")).status_code == 403
    async with db.trail.transaction(SYSTEM) as tx:
        purposes = await tx.fetch(
            "SELECT DISTINCT purpose FROM audit_event WHERE patient_id = $1 AND verb = 'read' AND action = 'R'", patient["id"]
        )
    assert [row["purpose"] for row in purposes] == ["BTG"]
