"""Words of a patient's choices: what is agreed to or refused, about whom, and who says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

READING, FEEDING, MESSAGES, EMERGENCY = "reading", "feeding", "messages", "emergency"
ACTS = (READING, FEEDING, MESSAGES, EMERGENCY)
"""What may be refused: reading what is known, feeding the shared record, messages, access in an emergency."""

CONSENT = "consent"
SCOPES = ("general", "organization", "practitioner", "document")
SPEAKERS = ("patient", "representant", "personne-de-confiance")
"""Who says the choice: the person, the legal representative, the trusted person (CSP L1111-2, L1111-5, L1111-6)."""


@dataclass(frozen=True, slots=True)
class Target:
    """About whom or what a choice is: an organisation, one professional, one document; nothing named is everybody."""

    organization: str | None = None
    practitioner: str | None = None
    document: tuple[str, str] | None = None

    @property
    def scope(self) -> str:
        """The scope of an opposition about this target."""
        if self.document:
            return "document"
        return "practitioner" if self.practitioner else "organization" if self.organization else "general"

    @property
    def document_columns(self) -> tuple[str | None, str | None]:
        """The type and id of the document, or nothing twice."""
        return self.document or (None, None)


@dataclass(frozen=True, slots=True)
class Choice:
    """A consent or an opposition as it is recorded."""

    id: str
    patient_id: str
    act: str
    target: Target
    said_by: str
    starts: datetime
    ends: datetime | None
    recorded_at: datetime
    owner_org: str
    purpose: str = "TREAT"
    ended_at: datetime | None = None

    @property
    def is_consent(self) -> bool:
        """Whether something is agreed to rather than refused."""
        return self.act == CONSENT

    def in_force(self, now: datetime) -> bool:
        """Whether it counts at this instant."""
        over = self.ended_at or self.ends
        return self.starts <= now and (over is None or over > now)
