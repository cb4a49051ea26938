"""Words of access: bases of a care link, what is public, how long things last."""

from __future__ import annotations

from typing import Final

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

STRONG: Final = frozenset({"eidas1", "eidas2", "eidas3"})
"""What a patient's sign-in by a national provider proves, at the level that the house asks for: it opens the own record, a link never does."""
