"""The worklists of each role as the home page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage.codes import labels
from maillage.doors.web.catalogue import say, sentences, word
from maillage.doors.web.referrals.presenters import patient_name
from maillage.doors.web.typography import NARROW
from maillage.kernel.actor import Actor
from maillage.referrals import Total

SHOWN, NEWEST = 10, 12
REQUESTER = ("to-complete", "my-turn", "silent", "waiting-place", "absences", "letters", "follow-ups", "sent-by-us")
CLINICIAN = ("to-triage", "information-received", "insisted", "letters-owed", "to-see", "follow-ups")
OFFICE = ("to-book", "no-place-yet", "unanswered-offers", "to-see", "cancellations", "information-received", "to-triage")


@dataclass(frozen=True, slots=True)
class Worklist:
    """One list: its lines (the first ones), how many there are, how many are late."""

    name: str
    title: str
    empty: str
    lines: tuple[Any, ...]
    total: int
    late: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.lines)


def names_for(actor: Actor, kind: str) -> tuple[str, ...]:
    """The lists of an actor, the most pressing kind of work first."""
    if kind != "hospital":
        return REQUESTER
    if actor.is_one_of("medecin", "biologiste", "sage-femme"):
        return (*CLINICIAN, *(name for name in OFFICE if name not in CLINICIAN))
    return (*OFFICE, *(name for name in CLINICIAN if name not in OFFICE))


def worklist(name: str, lines: Sequence[Any], total: Total) -> Worklist:
    """A list from the lines that are shown and from what it holds to its end."""
    return Worklist(name, say(f"list.{name}"), say(f"list.{name}.empty"), tuple(lines), total.count, total.late)


def range_said(total: int, first: int, last: int) -> str:
    """Which lines of how many stand on a page: `51 à 100 sur 213`."""
    return say("list.range", first=first, last=last, total=f"{total:,}".replace(",", NARROW)) if total else ""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A follow-up in a list."""

    id: str
    referral: str
    patient_id: str
    patient: str
    what: str
    label: str
    due_at: datetime


def follow_up(row: Any, *, whole: bool = True) -> FollowUp:
    """From a row of the open follow-ups; what is to be done is told to who reads the whole."""
    what = (
        say("say.follow-up")
        if not whole
        else row["description"] or (word("recommendation", row["recommendation"]) if row["recommendation"] else "")
    )
    patient = patient_name(row)
    return FollowUp(row["id"], row["task_id"], row["patient_id"], patient, what, word("state", row["state"]), row["due_at"])


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification: something awaits you, no name, no reason."""

    kind: str
    id: str
    text: str
    at: datetime
    urgent: bool


@dataclass(frozen=True, slots=True)
class Inbox:
    """What awaits: the first things, and how many in all."""

    notices: tuple[Notice, ...]
    total: int


def inbox(rows: Sequence[Any]) -> Inbox:
    """From the rows of the inbox, one for each thing that awaits."""
    shown = (Notice(row["focus_type"], row["focus_id"], event_words(row["event"]), row["created_at"], row["urgent"]) for row in rows)
    return Inbox(tuple(shown), rows[0]["total"] if rows else 0)


def event_words(event: str) -> str:
    """What happened, without saying to whom: our sentence of the event, else its label, else the sentence of its kind."""
    kind, _, verb = event.partition("-")
    if f"event.{verb}" in sentences():
        return say(f"event.{verb}")
    if labels.entry("event", event):
        return word("event", event)
    return say(f"event.{kind}") if f"event.{kind}" in sentences() else say("event.other")
