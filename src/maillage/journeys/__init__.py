"""What crosses two rooms, and the lists that the doors are given: verbs, writes taken in, tables, what time does."""

from __future__ import annotations

from maillage import booking, referrals
from maillage.journeys import asking_why, booking_to_referral, emergency
from maillage.journeys.asking_why import answer_why, ask_why
from maillage.journeys.drift import rerender
from maillage.journeys.emergency import break_glass
from maillage.journeys.intake import INTAKE
from maillage.journeys.labels import KINDS as LABELLED
from maillage.journeys.labels import lift_label, put_label, release_late
from maillage.journeys.merging import counted, keep_apart, merge, unmerge
from maillage.journeys.operations import OPERATIONS
from maillage.journeys.opposition_everywhere import consent, oppose, revoke
from maillage.journeys.patient_page import Given, OpenedPage, give_access, opened_page, patient_of, take_access_back
from maillage.journeys.queries import INVARIANTS, breaches
from maillage.journeys.referral_to_booking import book, decline, mark_not_attended, mark_seen, no_place, run_deadlines, send_outcome
from maillage.journeys.registration import register_patient

TABLES = (referrals.TABLE, referrals.CHILD_TABLE, *booking.TABLES)
"""Every transition table: for the diagrams, the labels and the exhaustive tests."""

CLOCK = (booking_to_referral.run_clock, run_deadlines, booking.run_deadlines, emergency.watch, asking_why.watch, release_late)
"""What the scheduler plays, in order; each step is a transaction of its own."""

__all__ = [
    "CLOCK",
    "INTAKE",
    "INVARIANTS",
    "LABELLED",
    "OPERATIONS",
    "TABLES",
    "Given",
    "OpenedPage",
    "answer_why",
    "ask_why",
    "book",
    "breaches",
    "break_glass",
    "consent",
    "counted",
    "decline",
    "give_access",
    "keep_apart",
    "lift_label",
    "mark_not_attended",
    "mark_seen",
    "merge",
    "no_place",
    "opened_page",
    "oppose",
    "patient_of",
    "put_label",
    "register_patient",
    "rerender",
    "revoke",
    "send_outcome",
    "take_access_back",
    "unmerge",
]
