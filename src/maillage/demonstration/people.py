"""The fictive territory: its structures, its people, their logins, and the patients that each place knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from maillage import access, directory
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.store import Database, Transaction

KNOWN_FOR = timedelta(weeks=13)
_ROLES_FR = {
    "medecin": "médecin",
    "infirmier": "infirmier",
    "secretaire": "secrétaire",
    "planificateur": "planification",
    "gestionnaire": "gestion",
    "gestionnaire-lits": "gestion des lits",
    "coordinateur": "coordination CPTS",
    "identitovigilance": "identitovigilance",
    "referent": "référent",
    "biologiste": "biologiste",
    "dentiste": "chirurgien-dentiste",
}


async def load(database: Database, *, patients: int, seed: int) -> dict[str, Any]:
    """Load the territory, its logins and `patients` invented people, known for three months; loading again changes nothing."""
    past = FixedClock(database.clock.now() - KNOWN_FOR)
    async with database.transaction(SYSTEM, clock=past, timeout=60) as tx:
        counts: dict[str, Any] = await directory.load_territory(tx)
        for person in directory.demo_people():
            await access.put_account(
                tx,
                person.login,
                practitioner_id=person.practitioner_id,
                role_id=person.role_id,
                organization_id=person.organization_id,
                roles=person.codes,
                display=person.display,
                demo=True,
            )
            await _other_places(tx, person)
    async with database.transaction(SYSTEM, clock=past, timeout=120) as tx:
        await directory.load_patients(tx, seed, patients)
        for resource in directory.generate_patients(seed, patients):
            await _known_at(tx, resource)
    return {**counts, "Patient": patients, "seed": seed}


async def _other_places(tx: Transaction, person: directory.DemoPerson) -> None:
    """Somebody who works elsewhere too may change places without another login."""
    for role in await directory.roles_of(tx, person.practitioner_id):
        if role.id != person.role_id:
            await access.identity.allow_exercise(
                tx, person.login, role_id=role.id, organization_id=role.organization_id, roles=role.codes, rank=1
            )


async def _known_at(tx: Transaction, resource: dict[str, Any]) -> None:
    """The place where a patient is registered, and the place of the usual doctor, know the patient."""
    home = resource["managingOrganization"]["reference"].removeprefix("Organization/")
    await access.link(tx, resource["id"], home, "presence", f"Patient/{resource['id']}")
    for doctor in resource.get("generalPractitioner", []):
        role = await directory.get_role(tx, doctor["reference"].removeprefix("PractitionerRole/"))
        await access.link(tx, resource["id"], role.organization_id, "medecin-traitant", f"Patient/{resource['id']}")


async def login_lines(database: Database) -> Sequence[str]:
    """One line per demonstration login: what to type, who it is, where."""
    async with database.transaction(SYSTEM) as tx:
        rows = await access.demo_accounts(tx)
        names = {organization.id: organization.name for organization in await directory.organizations(tx)}
    return [f"{row['login']:<28} {row['display']} ({roles_in_french(row['roles'])}), {names[row['organization_id']]}" for row in rows]


def roles_in_french(codes: Sequence[str]) -> str:
    """Role codes as a person reads them."""
    return ", ".join(_ROLES_FR.get(code, code) for code in codes)


def actor_of(login: str) -> Actor:
    """The actor behind a demonstration login."""
    person = next(person for person in directory.demo_people() if person.login == login)
    return Actor(
        kind="person",
        id=person.practitioner_id,
        organizations=(person.organization_id,),
        roles=frozenset(person.codes),
        role_id=person.role_id,
        display=person.display,
    )
