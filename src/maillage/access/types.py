"""Words of access: bases of a care link, what is public, how long things last."""

from __future__ import annotations

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
