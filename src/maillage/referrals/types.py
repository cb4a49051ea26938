"""Words and values of the room: states, parties, reasons with their axis, deadlines, and the frozen facts that the rules read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from maillage.directory import Member
from maillage.kernel.transitions import State
from maillage.kernel.working_time import Delay

STATES: Final = (
    State("to-complete", "draft", "1.0", "requester"),
    State("sent", "received", "2.0", "performer"),
    State("opened", "received", "2.0", "performer"),
    State("info-requested", "received", "2.0", "requester"),
    State("info-received", "received", "2.0", "performer"),
    State("insisted", "received", "2.0", "LD"),
    State("to-book", "accepted", "3.0", "PO"),
    State("waiting-capacity", "accepted", "3.0", "PO"),
    State("offered", "accepted", "3.0", "PT"),
    State("booked", "in-progress", "5.1.1", "PO"),
    State("not-attended", "in-progress", "5.1.2", "PC"),
    State("to-rebook", "in-progress", "5.1.3", "PO"),
    State("seen", "in-progress", "5.1.4", "PC"),
    State("cancellation-requested", "in-progress", "5.2", "PO"),
    State("letter-sent", "completed", "7.0", "requester"),
    State("advised", "completed", "7.0", "requester"),
    State("declined", "rejected", "4.0", "requester"),
    State("redirected", "rejected", "4.0", "requester"),
    State("closed", "completed", "7.0"),
    State("cancelled", "cancelled", "6.0"),
    State("entered-in-error", "entered-in-error"),
)
"""The states of the coordination Task: code, Task.status, BSeR business status, whose turn (workflows.md 1)."""

UNDECIDED: Final = "sent opened info-requested info-received insisted"
ACCEPTED: Final = "to-book waiting-capacity offered booked not-attended to-rebook seen"
ANSWERED: Final = "letter-sent advised declined redirected"
"""States that wait for the requester to read what was answered."""
WITH_PERFORMER: Final = ("received", "accepted", "in-progress")
"""Task statuses during which the performing service has the request in hand: one at a time for a patient, a service and a requester."""

COW: Final[Mapping[str, str]] = {"info-requested": "awaiting-information", "booked": "visit-scheduled", "seen": "visit-complete"}
"""Third coding of businessStatus, where COW has a name."""

CHILD_OF_STATE: Final[Mapping[str, str]] = {
    "info-requested": "provide-information",
    "offered": "confirm-appointment",
    "declined": "decide-next",
    "redirected": "decide-next",
    "letter-sent": "acknowledge-letter",
    "advised": "acknowledge-letter",
}
"""The child Task through which any FHIR client finds the turn that is not the performer's."""

CHILD_STATES: Final = (
    State("due", "requested", turn="requester"),
    State("accepted", "accepted", turn="requester"),
    State("handed-back", "requested", turn="performer"),
    State("completed", "completed"),
    State("cancelled", "cancelled"),
)
"""The states of a child Task; `handed-back` is for follow-ups alone."""

PARTIES: Final = ("RC", "RO", "PC", "PO", "LD", "PT", "SY")
PRIORITIES: Final = ("stat", "asap", "urgent", "routine")
AXES: Final = ("clinical", "capacity", "completeness", "organisation", "patient", "error")
CLINICIANS: Final = frozenset({"medecin", "sage-femme", "biologiste", "dentiste"})
REQUESTER_OFFICE: Final = frozenset({"secretaire", "infirmier"})
PERFORMER_OFFICE: Final = frozenset({"secretaire", "planificateur"})


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason code and the one axis on which it is counted."""

    code: str
    axis: str


def _reasons(**axes: str) -> tuple[Reason, ...]:
    """A list of reasons from its axes; `other` closes every list."""
    found = [Reason(code, axis) for axis, codes in axes.items() for code in codes.split()]
    return (*found, Reason("other", "organisation"))


REASONS_VERSION: Final = "2026-1"
_ENDING: Final = _reasons(
    clinical="resolved", patient="seen-elsewhere patient-declines died", error="duplicate wrong-patient wrong-service"
)
_ABSENCE: Final = "forgot ill late cancelled-late transport hospitalised died unknown"
REASONS: Final[Mapping[str, tuple[Reason, ...]]] = {
    "decline": _reasons(
        clinical="no-indication wrong-specialty contraindication already-followed became-impossible",
        completeness="prerequisites-missing",
        patient="patient-declines after-absence",
        error="duplicate wrong-patient",
    ),
    "redirect": _reasons(
        clinical="age sub-specialty priority", organisation="closer-site confidentiality equipment", capacity="practitioner-absent"
    ),
    "capacity": _reasons(capacity="no-slot-in-target session-cancelled quota-exhausted practitioner-absent no-room-or-kit"),
    "absence": _reasons(patient=_ABSENCE, organisation="not-informed"),
    "cancel-by-patient": _reasons(patient="forgot ill late transport hospitalised died declined unknown", organisation="not-informed"),
    "cancel-by-service": _reasons(capacity="leave ill deployment strike room kit no-help session-cancelled"),
    "refuse-offer": _reasons(patient="date-unsuitable too-far transport patient-declines seen-elsewhere", organisation="too-short-notice"),
    "dispute": _reasons(completeness="no-conclusion treatment-unclear who-does-what pending-result"),
    "withdraw": _ENDING,
    "request-cancellation": _ENDING,
    "decide-next": _ENDING,
    "send-elsewhere": _reasons(
        clinical="other-specialty", capacity="too-late", organisation="closer-site service-closed", patient="patient-choice"
    ),
    "priority": _reasons(clinical="worsened improved new-result triage-assessment", patient="patient-situation", error="entered-wrongly"),
    "enter-in-error": _reasons(error="wrong-patient wrong-service duplicate entered-by-mistake"),
    "duplicate-override": _reasons(clinical="other-problem second-opinion", completeness="previous-lost"),
}
"""One versioned list per verb, at most twelve codes each (workflows.md 0.6)."""

LISTS_OF_VERB: Final[Mapping[str, str]] = {
    "decline": "decline",
    "return-after-absence": "decline",
    "redirect": "redirect",
    "no-place": "capacity",
    "mark-not-attended": "absence",
    "refuse-offer": "refuse-offer",
    "offer-withdrawn": "cancel-by-service",
    "dispute": "dispute",
    "withdraw": "withdraw",
    "close-opposed": "withdraw",
    "request-cancellation": "request-cancellation",
    "decide-next": "decide-next",
    "send-elsewhere": "send-elsewhere",
    "change-priority": "priority",
    "enter-in-error": "enter-in-error",
}
RECOMMENDATIONS: Final = ("advice-only", "treat-and-watch", "refer-if", "to-be-seen", "to-be-tested", "admit")
DATED_RECOMMENDATIONS: Final = frozenset({"to-be-seen", "to-be-tested", "admit"})
"""Recommendations that open a follow-up with a date (workflows.md 3)."""
RESOLUTIONS: Final = ("slot-added", "overbooked", "other-service", "other-site", "went-to-ed", "patient-gave-up", "withdrawn")
FOLLOW_UP_OUTCOMES: Final = ("done", "not-needed", "patient-declined", "lost")
COMMENT_FLOOR: Final = 15
"""Characters that `other` needs, and that the comment of a decline needs."""
INSIST_FLOOR: Final = 30


def _delays(asap: str, urgent: str, routine: str) -> Mapping[str, Delay]:
    return {"asap": Delay.parse(asap), "urgent": Delay.parse(urgent), "routine": Delay.parse(routine)}


DEADLINES: Final[Mapping[str, Mapping[str, Delay]]] = {
    "completed": _delays("1 wd", "2 wd", "5 wd"),
    "opened": _delays("4 bh", "1 wd", "2 wd"),
    "decided": _delays("1 wd", "2 wd", "5 wd"),
    "information-answered": _delays("1 wd", "2 wd", "5 wd"),
    "insist-answered": _delays("1 wd", "1 wd", "3 wd"),
    "first-offer": _delays("1 wd", "3 wd", "10 wd"),
    "visit": _delays("7 d", "21 d", "60 d"),
    "offer-answered": _delays("4 h", "48 h", "48 h"),
    "attendance": _delays("24 h", "24 h", "24 h"),
    "rebooked": _delays("1 wd", "3 wd", "3 wd"),
    "cancellation-answered": _delays("1 wd", "2 wd", "2 wd"),
    "letter": _delays("1 wd", "3 wd", "8 d"),
    "acknowledged": _delays("2 wd", "5 wd", "10 wd"),
    "next-decided": _delays("2 wd", "5 wd", "10 wd"),
}
"""Default deadlines by priority. Those that workflows.md 1 does not give are decided in the README of the room."""

DEADLINE_OF_STATE: Final[Mapping[str, str]] = {
    "to-complete": "completed",
    "sent": "opened",
    "opened": "decided",
    "info-requested": "information-answered",
    "info-received": "decided",
    "insisted": "insist-answered",
    "to-book": "first-offer",
    "waiting-capacity": "visit",
    "offered": "offer-answered",
    "booked": "attendance",
    "not-attended": "rebooked",
    "to-rebook": "rebooked",
    "seen": "letter",
    "cancellation-requested": "cancellation-answered",
    "letter-sent": "acknowledged",
    "advised": "acknowledged",
    "declined": "next-decided",
    "redirected": "next-decided",
}


@dataclass(frozen=True, slots=True)
class Missing:
    """An item of the form that is not answered as the form asks."""

    link_id: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """What the rules read about one coordination Task, as plain values. `now` is the instant of the transaction."""

    state: str
    now: datetime
    priority: str = "routine"
    requester_org: str = ""
    requester_id: str = ""
    performer_org: str = ""
    lead_id: str | None = None
    team: tuple[Member, ...] = ()
    decided_by: str | None = None
    patient_id: str = ""
    bookable: bool = False
    redirect_allowed: bool = True
    rounds: int = 0
    unanswered_round: bool = False
    already_insisted: bool = False
    late: bool = False
    unsettled_follow_ups: int = 0
    no_news: bool = False
    entered_state_at: datetime | None = None
    slot_start: datetime | None = None
    sending: frozenset[str] = frozenset()
    peer: str = ""
    opposed: bool = False
    """The patient refuses that one of the two sides read, or, between two houses, that anything be shared."""
    asker_opposed: bool = False
    """The same, and it is the requester's side that reads no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What the caller brings with a verb. Everything is optional: the preconditions say what is missing."""

    reason: str | None = None
    comment: str = ""
    side: str | None = None
    items: tuple[str, ...] = ()
    clinical_items: bool = False
    unanswered: tuple[str, ...] = ()
    recommendation: str | None = None
    recommendation_due: datetime | None = None
    target_open: bool | None = None
    slot: tuple[datetime, datetime] | None = None
    wanted_by: datetime | None = None
    encounter: bool = False
    letter: bool = False
    done_otherwise: bool = False
    contacts: int = 0
    record_reviewed: bool = False
    priority: str | None = None


@dataclass(frozen=True, slots=True)
class Available:
    """A verb that is legal now, and the codes of what it still needs."""

    verb: str
    missing: tuple[str, ...] = field(default=())
