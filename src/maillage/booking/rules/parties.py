"""What an actor is to a session or an appointment (workflows.md 0.2)."""

from __future__ import annotations

from dataclasses import dataclass

from maillage.kernel.actor import Actor

OFFICE_ROLES = frozenset({"secretaire", "planificateur", "gestionnaire", "logiciel"})
"""Roles that act for the hospital's office; a machine client of the hospital is one."""
CARE_ROLES = frozenset({"medecin", "sage-femme", "infirmier", "biologiste", "chirurgien-dentiste", "dentiste", "logiciel"})


@dataclass(frozen=True, slots=True)
class Sides:
    """Whose object it is: hospital, host site, requesting organisation, the practitioner of the session, the patient."""

    owner_org: str
    host_org: str | None = None
    requester_org: str | None = None
    practitioner_id: str | None = None
    patient_id: str | None = None


def parties_of(actor: Actor, sides: Sides) -> frozenset[str]:
    """The parties that this actor plays; several at once when one organisation holds several sides."""
    if actor.kind == "system":
        return frozenset({"SY"})
    if actor.is_one_of("patient"):
        return frozenset({"PT"} if sides.patient_id and actor.id == sides.patient_id else ())
    found = set()
    inside = sides.owner_org in actor.organizations
    if inside and actor.is_one_of(*OFFICE_ROLES):
        found.add("PO")
    if _is_performer(actor, sides, inside=inside):
        found.add("PC")
    if sides.host_org and sides.host_org in actor.organizations:
        found.add("HO")
    if sides.requester_org and sides.requester_org in actor.organizations:
        found.add("RO")
    return frozenset(found)


def _is_performer(actor: Actor, sides: Sides, *, inside: bool) -> bool:
    """The practitioner of the session, at either of the two places; a machine client of the hospital speaks for its practitioners."""
    if not sides.practitioner_id:
        return False
    return actor.id == sides.practitioner_id if actor.kind == "person" else inside and actor.is_one_of(*CARE_ROLES)
