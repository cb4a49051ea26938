"""What the record speaks of: stored photographs, and the visibility that every read starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from maillage.store.sql import Params

SERVED = (
    "AllergyIntolerance",
    "Appointment",
    "AppointmentResponse",
    "Basic",
    "CareTeam",
    "Communication",
    "CommunicationRequest",
    "Composition",
    "Condition",
    "Consent",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Endpoint",
    "EpisodeOfCare",
    "Group",
    "HealthcareService",
    "List",
    "Location",
    "Media",
    "MedicationStatement",
    "Observation",
    "Organization",
    "OrganizationAffiliation",
    "Patient",
    "PlanDefinition",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "Schedule",
    "ServiceRequest",
    "Slot",
    "Subscription",
    "Task",
)
"""The resource types that have an index table and may be stored."""


class Stored(msgspec.Struct, frozen=True, gc=False):
    """One version of a resource, as written. A page makes twenty of them: a frozen dataclass takes ten times as long."""

    type: str
    id: str
    version: int
    at: datetime
    content: str
    deleted: bool = False
    patient_id: str | None = None
    owner_org: str | None = None
    parties: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """The last version of a resource, and when it was written."""

    version: int
    at: datetime


class Visible(Protocol):
    """The part of a WHERE clause that keeps what an actor may see; `access` makes it."""

    def sql(self, alias: str, params: Params) -> str:
        """A boolean SQL expression over `alias.patient_id`, `alias.owner_org` and `alias.parties`."""
        ...
