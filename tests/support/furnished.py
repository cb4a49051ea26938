"""A territory in which something of everything is under way, reached by the real verbs: each page has something to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.factories import crossings as cross
from tests.factories import referrals as make
from tests.support.following import SCOPES
from tests.support.machines import register

from maillage import booking, directory, experiments, indicators, journeys, referrals
from maillage.access import patient_link
from maillage.kernel.actor import SYSTEM
from maillage.simulation import shipped, shipped_names, text_of
from maillage.store import Database

Resource = dict[str, Any]
HOME = f"Organization/{make.CENTRE}"
KNOWN = [one for one in directory.generate_patients(2026, 40) if one["managingOrganization"]["reference"] == HOME]
DIRECTOR = replace(
    make.person("sorbieres-direction", make.HOSPITAL, "gestionnaire", role_id="percy-direction-sorbieres"), assurance="eidas2"
)


async def request(db: Database, patient: str, service: str, *, sends: bool = True) -> str:
    """A request of the centre for one of its patients, as its town doctor makes it."""
    async with db.transaction(make.GP) as tx:
        id = await referrals.create_request(tx, patient_id=patient, service_ids=[service], requester_role_id="clamart-mg-isambert")
        await referrals.save_form(tx, id, items=await make.form(tx, service), status="completed")
        [task] = await referrals.tasks_of(tx, id)
        if sends:
            await referrals.send(tx, task["id"], **make.SEND)
        return str(task["id"])


async def booked(db: Database, patient: str) -> str:
    """A request for dermatology with its visit."""
    task = await request(db, patient, make.BOOKABLE)
    await make.act(db, make.TRIAGERS[make.BOOKABLE], referrals.accept, task)
    async with db.transaction(make.PLANNER) as tx:
        slot = (await booking.find_slots(tx, services=[make.BOOKABLE], organizations=[make.CENTRE], limit=1))[0]["id"]
    await make.act(db, make.PLANNER, journeys.book, task, slot=slot)
    return task


def _stranger() -> str:
    """A patient whom the hospital does not know."""
    everybody = directory.generate_patients(2026, 40)
    return str(next(one["id"] for one in everybody if one["managingOrganization"]["reference"] == "Organization/cds-montgeron"))


async def furnish(db: Database, known: Sequence[Resource] = KNOWN) -> None:
    """Something of everything, for two patients of the centre."""
    first, second = (one["id"] for one in known[:2])
    await request(db, first, make.OTHER_SERVICE, sends=False)
    await request(db, first, make.SERVICE)
    await booked(db, second)
    waits = await request(db, second, make.SERVICE)
    await make.act(db, make.TRIAGER, referrals.accept, waits)
    await cross.do(db, make.PLANNER, "Task/no-place", waits, reason="no-slot-in-target")
    await register(db, "imagerie-clamart", make.CENTRE, *SCOPES.split())
    async with db.transaction(DIRECTOR) as tx:
        shipped_one = shipped(shipped_names()[0])
        await experiments.ask(tx, experiments.Text(shipped_one.name, text_of(shipped_one)))
    await make.act(db, SYSTEM, indicators.keep)
    doctor = replace(make.TRIAGER, assurance="eidas2")
    why = "Malaise sur la voie publique, traitement inconnu."
    await make.act(db, doctor, journeys.break_glass, _stranger(), reason="emergency", explanation=why)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a patient was given, and where a page of the patient begins."""

    link: str
    code: str
    born: str


async def patients_link(db: Database, known: Sequence[Resource] = KNOWN) -> Opened:
    """A link and a code for the patient whose visit is booked."""
    find = "SELECT id FROM referral_task WHERE patient_id = $1 AND state = 'booked' ORDER BY id LIMIT 1"
    async with db.transaction(SYSTEM) as tx:
        task = await tx.fetchval(find, known[1]["id"])
    async with db.transaction(make.NURSE) as tx:
        given = await journeys.give_access(tx, "Task", task)
    return Opened(f"/p/{given.token}", patient_link.spelt(given.code), known[1]["birthDate"])


async def starts(db: Database, known: Sequence[Resource] = KNOWN) -> list[str]:
    """Where a walk through every page begins: what no link of a first page leads to comes first."""
    patient, stranger = known[1]["id"], _stranger()
    async with db.transaction(make.GP) as tx:
        draft = next(row["id"] for row in await referrals.worklist(tx, "to-complete", limit=5))
    first = (f"/services/{make.BOOKABLE}?patient={patient}", f"/patients/{patient}", f"/patients/{stranger}/urgence")
    own = ("/notifications", "/compte/confirmer", "/compte/applications", "/compte/facteurs/ajouter", "/affichage", "/agenda")
    lists = ("/listes/sent-by-us", "/accueil", "/attente", "/pilotage", "/simulation", "/urgences", "/partenaires", "/comptes")
    return [
        *first,
        f"/demandes/{draft}/remplir",
        f"/demandes/{draft}/verifier",
        *own,
        *lists,
        "/",
        "/components",
        "/.well-known/security.txt",
    ]
