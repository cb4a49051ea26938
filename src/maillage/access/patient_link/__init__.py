"""The patient's link: one page, without an account, for a quarter of an hour (workflow rule book 15).

A link (144 random bits, used once, thirty days) asks for the birth date and for the code of six digits that the patient was given another way.
Guesses are slowed by
`access.identity.begin_attempt` under `attempt_name(link)`, and ten of them take the code away.
"""

from __future__ import annotations

from maillage.access.patient_link.actions import (
    ask_again,
    close_page,
    give_code,
    give_link,
    note_wrong_code,
    open_page,
    open_record,
    purge,
    take_back,
)
from maillage.access.patient_link.queries import has_code, live_link, visit_of, visit_of_id
from maillage.access.patient_link.rules import opens, spelt, typed
from maillage.access.patient_link.types import ASSURANCE, FOCUSES, OPEN, RECORD_OPEN, Focus, Link, PatientVisit

__all__ = [
    "ASSURANCE",
    "FOCUSES",
    "OPEN",
    "RECORD_OPEN",
    "Focus",
    "Link",
    "PatientVisit",
    "ask_again",
    "attempt_name",
    "close_page",
    "give_code",
    "give_link",
    "has_code",
    "live_link",
    "note_wrong_code",
    "open_page",
    "open_record",
    "opens",
    "purge",
    "spelt",
    "take_back",
    "typed",
    "visit_of",
    "visit_of_id",
]


def attempt_name(link: Link | None) -> str:
    """Under which name the guesses at a link are counted: no login has a space."""
    return f"lien {link.patient_id if link else 'inconnu'}"
