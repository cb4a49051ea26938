"""What a patient agrees to and refuses: consent outside the care team, oppositions, and their ends (CSP L1110-4, L1111-17)."""

from __future__ import annotations

from maillage.access.choices.actions import consent, drawn, oppose, withdraw
from maillage.access.choices.queries import choice, choices_of, consents_to, is_choice, opposed_organizations, own_choices, refuses
from maillage.access.choices.types import ACTS, EMERGENCY, FEEDING, MESSAGES, READING, SCOPES, SPEAKERS, Choice, Target

__all__ = [
    "ACTS",
    "EMERGENCY",
    "FEEDING",
    "MESSAGES",
    "READING",
    "SCOPES",
    "SPEAKERS",
    "Choice",
    "Target",
    "choice",
    "choices_of",
    "consent",
    "consents_to",
    "drawn",
    "is_choice",
    "oppose",
    "opposed_organizations",
    "own_choices",
    "refuses",
    "withdraw",
]
