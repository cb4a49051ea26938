"""Words of the patient's link: what it is about, what it opened, and for how long each counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from maillage.kernel.actor import Actor

FOCUSES: Final = ("Task", "Appointment", "BreakGlass", "AccessQuestion")
"""What a link may be about: a request, an appointment, an emergency access that the patient is told of, an answer to a question."""
VALID: Final = timedelta(days=30)
"""How long a link may be used, once."""
OPEN: Final = timedelta(minutes=15)
"""How long a page stays open (workflow rule book 15)."""
RECORD_OPEN: Final = timedelta(hours=1)
"""How long the own record stays open after a strong sign-in, however busy."""
RECORD_IDLE: Final = timedelta(minutes=15)
"""And how long unused."""
KEPT: Final = timedelta(days=90)
"""How long a used or old link can still ask for a new one; then it is forgotten."""
BETWEEN_LINKS: Final = timedelta(minutes=10)
WRONG_CODES: Final = 10
"""After so many wrong codes another one must be given, by somebody who knows the patient."""
CODE_DIGITS: Final = 6
ASSURANCE: Final = "lien"
"""What a link and a code prove: little. It opens a request or an appointment, never a document."""
ROLE: Final = "patient"

Focus = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """A link that can still be used: whose, about what, and what must be shown with it."""

    patient_id: str
    focus: Focus
    code_hash: str | None
    birth_date: date | None


@dataclass(frozen=True, slots=True)
class PatientVisit:
    """A page that a link opened, about its `focus`; or the own record after a strong sign-in, about all that is the patient's."""

    id: str
    patient_id: str
    focus: Focus | None
    csrf: str
    began_at: datetime
    ends_at: datetime
    assurance: str = ASSURANCE
    provider_token: bytes | None = None

    def actor(self, only: frozenset[Focus]) -> Actor:
        """The patient, who sees and acts on these resources and nothing else; `only` is empty for the own record."""
        return Actor(
            ROLE, self.patient_id, (), frozenset({ROLE}), assurance=self.assurance, purpose="PATRQT", patient=self.patient_id, only=only
        )
