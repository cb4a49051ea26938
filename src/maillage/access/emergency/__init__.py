"""Emergency access (bris de glace): one person, one patient, four hours, told and reviewed (CSP L1111-17); and what looks like curiosity."""

from __future__ import annotations

from maillage.access.emergency.actions import break_glass, call_for_reviews, hidden_patient, note_browsing, review
from maillage.access.emergency.queries import glass, limits, open_glass, opened_today, to_review
from maillage.access.emergency.rules import may_review
from maillage.access.emergency.types import DECISIONS, REASONS, VITAL, Glass, Limits

__all__ = [
    "DECISIONS",
    "REASONS",
    "VITAL",
    "Glass",
    "Limits",
    "break_glass",
    "call_for_reviews",
    "glass",
    "hidden_patient",
    "limits",
    "may_review",
    "note_browsing",
    "open_glass",
    "opened_today",
    "review",
    "to_review",
]
