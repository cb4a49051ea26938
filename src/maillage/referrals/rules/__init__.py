"""The rule book of the room: pure, no clock, no SQL, no HTTP."""

from __future__ import annotations

from maillage.referrals.rules.answers import wrong_answers
from maillage.referrals.rules.checks import (
    NEEDS,
    available,
    axis_of,
    check,
    explained,
    find_line,
    is_there,
    parties,
    reasons_for,
    serves,
    speaking_for_patient,
    unmet,
)
from maillage.referrals.rules.deadlines import Dates, Delays, clock_for, delay_of, left_of, rescaled
from maillage.referrals.rules.form import calls_instead, missing_items, permission, unavailabilities
from maillage.referrals.rules.intervals import Interval, after_absence, refused_offer, removed, unanswered_offer
from maillage.referrals.rules.partner import read_partner
from maillage.referrals.rules.request import request_status
from maillage.referrals.rules.table import BY_HAND, CHILD_TABLE, FREES_THE_SLOT, READ_ONLY_ROWS, RESOLVED_ROWS, TABLE, emitted_rows

__all__ = [
    "BY_HAND",
    "CHILD_TABLE",
    "FREES_THE_SLOT",
    "NEEDS",
    "READ_ONLY_ROWS",
    "RESOLVED_ROWS",
    "TABLE",
    "Dates",
    "Delays",
    "Interval",
    "after_absence",
    "available",
    "axis_of",
    "calls_instead",
    "check",
    "clock_for",
    "delay_of",
    "emitted_rows",
    "explained",
    "find_line",
    "is_there",
    "left_of",
    "missing_items",
    "parties",
    "permission",
    "read_partner",
    "reasons_for",
    "refused_offer",
    "removed",
    "request_status",
    "rescaled",
    "serves",
    "speaking_for_patient",
    "unanswered_offer",
    "unavailabilities",
    "unmet",
    "wrong_answers",
]
