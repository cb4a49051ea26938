"""A patient is registered at an organisation: the directory keeps who it is, the event makes the care link."""

from __future__ import annotations

from typing import Any

from maillage import access, directory
from maillage.directory import Mode
from maillage.store import Transaction


async def register_patient(tx: Transaction, resource: dict[str, Any], *, mode: Mode = "production", patient_id: str | None = None) -> str:
    """Keep a new patient and link it to the organisation that registers it; answers the id.

    The organisation is `managingOrganization` when the actor acts for it, else the active one. Raises `Invalid`, `Conflict("patient-exists")`.
    """
    made = await directory.create_patient(tx, resource, mode=mode, patient_id=patient_id)
    named = str(resource.get("managingOrganization", {}).get("reference", "")).removeprefix("Organization/")
    organization = named if named in tx.actor.organizations else tx.actor.organization
    if organization:
        await access.link(tx, made, organization, "presence", f"Patient/{made}", first=True)
    return made
