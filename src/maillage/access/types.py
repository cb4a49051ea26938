"""Words of access: bases of a care link, what is public, how long things last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from maillage.kernel.actor import Actor
from maillage.store.sql import Params

DIRECTORY_TYPES = frozenset(
    {
        "Endpoint",
        "HealthcareService",
        "Location",
        "Organization",
        "OrganizationAffiliation",
        "PlanDefinition",
        "Practitioner",
        "PractitionerRole",
        "Questionnaire",
        "Schedule",
        "Slot",
    }
)
"""No patient in them: every authenticated actor sees them."""

LINKED_TYPES = frozenset({"Patient"})
"""What any live care link shows: the identity. The rest of the record goes to the parties of each resource."""

SHARED_RECORD_BASES = ("medecin-traitant", "consentement", "bris-de-glace")
"""Bases that open the shared record, not only the identity."""

SESSION_IDLE = timedelta(minutes=20)
SESSION_ABSOLUTE = timedelta(hours=10)
CLOSURE_GRACE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class VisibleTo:
    """What one actor may see of one resource type, as SQL."""

    actor: Actor
    resource_type: str

    def sql(self, alias: str, params: Params) -> str:
        """Boolean SQL over the three visibility columns of `alias`; adds its values to `params`.

        No organisation means no row, never "no filter" (security.md 13, item 6).
        """
        if self.actor.kind == "system" or self.resource_type in DIRECTORY_TYPES:
            return "true"
        organizations = params.add(list(self.actor.organizations))
        linked = "true" if self.resource_type in LINKED_TYPES else f"c.basis = ANY ({params.add(list(SHARED_RECORD_BASES))}::text[])"
        return f"""({alias}.parties && {organizations}::text[] OR EXISTS (
            SELECT 1 FROM care_link c WHERE c.patient_id = {alias}.patient_id AND c.organization_id = ANY ({organizations}::text[])
            AND {linked} AND c.starts <= app_now() AND (c.ends IS NULL OR c.ends > app_now())))"""
