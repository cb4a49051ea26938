"""Words of an emergency access (bris de glace): why, for how long, what comes of its review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

REASONS = ("vital", "emergency", "unconscious", "continuity", "regulation")
VITAL = "vital"
"""The one reason that goes past what the patient refused (CSP L1111-17)."""

DECISIONS = ("justified", "not-justified", "to-be-heard")
SHORTEST_EXPLANATION = 15


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an access lasts, when it must have been reviewed, when the patient is told, and how many a day raise an alarm."""

    lasts: timedelta
    review: timedelta
    tell_patient_after: timedelta
    alarm_above: int
    patients_an_hour: int


@dataclass(frozen=True, slots=True)
class Glass:
    """One emergency access."""

    id: str
    patient_id: str
    practitioner_id: str
    role_id: str | None
    organization_id: str
    reason: str
    explanation: str
    refused_before: bool
    starts: datetime
    ends: datetime
    review_due: datetime
    decision: str | None = None
    reviewed_at: datetime | None = None

    @property
    def vital(self) -> bool:
        """Whether a life was said to be at stake."""
        return self.reason == VITAL
