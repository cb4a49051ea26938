"""Naming who covers a service (garde, astreinte, remplacement): a role with both ends, for that service alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from maillage import record
from maillage.codes import systems
from maillage.codes.json import decode
from maillage.directory import queries
from maillage.directory.actions.entries import save
from maillage.directory.types import COVER, Cover, Role
from maillage.kernel.errors import Invalid, NotAllowed, NotFound
from maillage.kernel.ids import new_id
from maillage.store import Transaction

LONGEST: Final = timedelta(days=92)
"""Longer than a quarter, somebody works for the service: a role says so."""


async def name_cover(tx: Transaction, service_id: str, *, role: str, starts: datetime, ends: datetime, why: str = "") -> str:
    """Name a clinician of the establishment as cover of one of its services; answers the id of the new PractitionerRole.

    `why` is shown as it is (astreinte, whom it replaces). Raises `NotAllowed` for another house's service, `Invalid` for a period that is over, empty
    or too long, for somebody who is no clinician there or covers it then already.
    """
    service = await queries.get_service(tx, service_id)
    if service.organization_id not in tx.actor.organizations:
        raise NotAllowed("not-the-owner")
    _check_period(tx.now, starts, ends)
    people = await queries.roles_in(tx, service.organization_id, code="medecin")
    person = next((one for one in people if one.id == role), None)
    if person is None:
        raise Invalid.one("unknown-role", "role")
    covers = await queries.covers(tx, service_id)
    if any(one.practitioner_id == person.practitioner_id and one.starts < ends and starts < one.ends for one in covers):
        raise Invalid.one("already-covers", "role")
    id = new_id()
    await save(tx, _resource(id, person, service_id, starts, ends, why))
    return id


async def end_cover(tx: Transaction, service_id: str, id: str) -> None:
    """End a cover of this service now, or take it back when it has not begun. Raises `NotFound`, `NotAllowed`."""
    found: Cover | None = next((one for one in await queries.covers(tx, service_id) if one.id == id), None)
    if found is None:
        raise NotFound("PractitionerRole", id)
    resource: dict[str, Any] = decode(await record.current(tx, "PractitionerRole", id))
    if found.starts < tx.now:
        resource["period"]["end"] = tx.now.isoformat()
    else:
        resource["active"] = False
    await save(tx, resource)


def _check_period(now: datetime, starts: datetime, ends: datetime) -> None:
    if ends <= starts:
        raise Invalid.one("cover-ends-first", "ends")
    if ends <= now:
        raise Invalid.one("cover-over", "ends")
    if ends - starts > LONGEST:
        raise Invalid.one("cover-too-long", "ends")


def _resource(id: str, person: Role, service_id: str, starts: datetime, ends: datetime, why: str) -> dict[str, Any]:
    code = {"coding": [{"system": systems.OWN_ROLE, "code": COVER}]}
    return {
        "resourceType": "PractitionerRole",
        "id": id,
        "active": True,
        "period": {"start": starts.isoformat(), "end": ends.isoformat()},
        "practitioner": {"reference": f"Practitioner/{person.practitioner_id}", "display": person.display},
        "organization": {"reference": f"Organization/{person.organization_id}"},
        "code": [{**code, "text": why} if why else code],
        "healthcareService": [{"reference": f"HealthcareService/{service_id}"}],
    }
