"""Words of a question: a patient asks why somebody looked, and by when the answer is owed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FOCUS: Final = "AccessQuestion"
ANSWER_WITHIN: Final = timedelta(days=30)
"""How long the data protection officer has (GDPR 12)."""
LONGEST: Final = 500
SHORTEST_ANSWER: Final = 15


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the record, as the trail told it to its patient."""

    id: str
    at: datetime
    practitioner_id: str
    display: str
    organization_id: str


@dataclass(frozen=True, slots=True)
class Question:
    """« Pourquoi ? » : about which look, what the patient wrote, until when it waits, and the answer once there is one."""

    id: str
    patient_id: str
    look: Look
    text: str
    asked_at: datetime
    due_at: datetime
    answer: str | None = None
    answered_at: datetime | None = None
