"""Every role x every type x every state of the link, over the real API; every page of a patient x role x state, over the real pages (promise 4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.factories import referrals as make
from tests.support import postgres
from tests.support.web import make_door, territory, visiting

from maillage import access, journeys, record
from maillage.access import Holder, choices, policy
from maillage.access.choices import Target
from maillage.access.identity.secret import digest
from maillage.access.types import DIRECTORY_TYPES
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM, Actor
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
FAR = datetime(2099, 1, 1, tzinfo=UTC)
CANARY = "canari-du-dossier"
STATES = ("none", "live", "ended", "opposed")
KINDS = tuple(kind for kind in record.SERVED if kind not in DIRECTORY_TYPES and kind != "Provenance")
FEW = ("Patient", "Observation", "Basic", "Consent", "Encounter")
ROLES = sorted(policy.policy().roles - {"systeme"})
READER = "reader"
PAGES = ("", "/choix", "/rendez-vous")
LOGINS = {
    "medecin-clamart": "medecin",
    "infirmier-clamart": "infirmier",
    "secretaire-clamart": "secretaire",
    "gestionnaire-clamart": "gestionnaire planificateur",
}


async def four_patients(db: Database) -> dict[str, str]:
    """One patient for each state of the centre's link, with one resource of each type, kept by the hospital."""
    found = dict(zip(STATES, await make.patients(db), strict=False))
    for patient in found.values():
        await postgres.unknown(db._dsn, patient, make.HOSPITAL)
    async with db.transaction(SYSTEM) as tx:
        for state, patient in found.items():
            for kind in KINDS:
                if kind != "Patient":
                    resource = {
                        "resourceType": kind,
                        "id": f"{kind.lower()}-{state}",
                        "text": {"status": "generated", "div": f"<div>{CANARY}</div>"},
                    }
                    await record.first_photograph(tx, resource, patient=patient, owner=make.HOSPITAL)
            if state != "none":
                ends = tx.now + timedelta(minutes=1) if state == "ended" else None
                await access.link(tx, patient, make.CENTRE, "medecin-traitant", f"Patient/{patient}", ends=ends)
        await choices.oppose(tx, found["opposed"], act="reading", said_by="patient", target=Target(organization=make.CENTRE))
    return found


@asynccontextmanager
async def door_of(db: Database) -> AsyncIterator[tuple[FhirDoor, httpx.AsyncClient]]:
    door = FhirDoor(db, mode="test", operations=journeys.OPERATIONS, intake=journeys.INTAKE)
    headers = {"authorization": "Bearer token"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://testserver", headers=headers) as client:
        yield door, client


def place(kind: str, state: str, patients: dict[str, str]) -> str:
    return f"/fhir/{kind}/{patients[state] if kind == 'Patient' else f'{kind.lower()}-{state}'}"


def expected(actor: Actor, kind: str, state: str) -> tuple[int, bool]:
    """The status, and whether the clinical text is in the answer: from the matrix and the state of the link, nothing else."""
    shown = policy.view(actor, kind)
    if shown == policy.NOTHING:
        return 403, False
    return (200, shown == policy.WHOLE and kind != "Patient") if state == "live" else (404, False)


@pytest.mark.drifts  # resources of every type are photographed here without rows behind them
async def test_each_role_reads_each_type_in_each_state_of_the_link_as_the_matrix_says(db: Database, clock: object) -> None:
    patients = await four_patients(db)
    clock.advance(timedelta(minutes=2))  # type: ignore[attr-defined]  # the fixed clock of the fixture
    wrong: list[str] = []
    async with door_of(db) as (door, client):
        for role in ROLES:
            actor = Actor("person", READER, (make.CENTRE,), frozenset({role}), scopes=("user/*.cruds",), assurance="eidas2")
            door._tokens[digest("token")] = (db.clock.now(), Holder(actor, FAR))
            for state in STATES:
                for kind in KINDS if state == "live" else FEW:
                    answer = await client.get(place(kind, state, patients))
                    found = (answer.status_code, CANARY in answer.text)
                    if found != expected(actor, kind, state):
                        wrong.append(f"{role} {kind} {state}: {found}, not {expected(actor, kind, state)}")
    assert wrong == []


@pytest.mark.drifts  # as above
async def test_each_page_of_a_patient_opens_by_role_and_link_alone(db: Database, clock: object) -> None:
    patients = await four_patients(db)
    clock.advance(timedelta(minutes=2))  # type: ignore[attr-defined]  # the fixed clock of the fixture
    wrong: list[str] = []
    for login, roles in LOGINS.items():
        actor = Actor("person", login, (make.CENTRE,), frozenset(roles.split()), assurance="demo")
        async with visiting(make_door(db), login) as visitor:
            for state, patient in patients.items():
                for page in PAGES:
                    answer = await visitor.get(f"/patients/{patient}{page}")
                    kind, action = {"": ("Patient", "read"), "/choix": ("Consent", "read")}.get(page, ("Appointment", "verb"))
                    allowed = policy.decide(actor, action, kind) == policy.decide(SYSTEM, action, kind)
                    status = 403 if not allowed else 200 if state == "live" else 404
                    if answer.status_code != status:
                        wrong.append(f"{login} {page or '/'} {state}: {answer.status_code}, not {status}")
    assert wrong == []
