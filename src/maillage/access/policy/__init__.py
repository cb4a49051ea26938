"""Who may do what with which type: one data file, the same for both doors (CSP L1110-4)."""

from __future__ import annotations

from maillage.access.policy.masking import SUBSETTED, masked, withheld_parameters
from maillage.access.policy.rules import (
    ADMINISTRATIVE,
    NOTHING,
    OWN_WORDS,
    WHOLE,
    assured,
    decide,
    is_narrowed,
    may,
    may_break_the_glass,
    policy,
    sees_whole,
    view,
)

__all__ = [
    "ADMINISTRATIVE",
    "NOTHING",
    "OWN_WORDS",
    "SUBSETTED",
    "WHOLE",
    "assured",
    "decide",
    "is_narrowed",
    "masked",
    "may",
    "may_break_the_glass",
    "policy",
    "sees_whole",
    "view",
    "withheld_parameters",
]
