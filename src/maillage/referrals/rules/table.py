"""The transition table of the referral and the one of its child Tasks (workflows.md 1)."""

from __future__ import annotations

from typing import Final

from maillage.kernel.transitions import NOWHERE, SAME, TransitionTable, line
from maillage.referrals.types import ACCEPTED, ANSWERED, CHILD_STATES, STATES, UNDECIDED

_WHY: Final = "reason-missing unknown-reason comment-too-short"
_DECLINE: Final = "reason-missing capacity-is-not-refusal unknown-reason comment-missing comment-too-short no-unanswered-round"
_SENDING: Final = (
    "call-instead no-care-link identity-unconfirmed patient-not-informed patient-opposed service-closed own-request duplicate-open "
    "item-missing"
)
_TRIAGE: Final = "sent opened info-received"


def each(row: str, states: str) -> str:
    """The same published row from several states."""
    return " ".join(f"{state}={row}" for state in states.split())


TABLE: Final = TransitionTable(
    "referral",
    STATES,
    [
        line("send", "to-complete", "sent", "RC RO", needs=_SENDING, tells="PT", rows="01"),
        line("open", "sent", "opened", "PC PO"),
        line("ask-info", _TRIAGE, "info-requested", "PC", needs="no-item call-the-requester"),
        line("ask-info", _TRIAGE, "info-requested", "PO", needs="no-item completeness-only call-the-requester"),
        line("answer-info", "info-requested", "info-received", "RC RO", needs="item-unanswered"),
        line("accept", _TRIAGE, "to-book", "PC", needs="own-request call-instead priority-reason", tells="PT", rows="02"),
        line("accept", "insisted", "to-book", "LD", needs="own-request call-instead priority-reason", tells="PT", rows="02"),
        line(
            "advise",
            _TRIAGE,
            "advised",
            "PC",
            needs="own-request unknown-recommendation comment-missing date-missing",
            tells="PT",
            rows="02+09",
        ),
        line(
            "advise",
            "insisted",
            "advised",
            "LD",
            needs="own-request unknown-recommendation comment-missing date-missing",
            tells="PT",
            rows="02+09",
        ),
        line(
            "redirect",
            "sent opened info-requested info-received to-book waiting-capacity",
            "redirected",
            "PC",
            needs=f"redirect-not-allowed target-missing target-closed {_WHY}",
            tells="PT",
            rows=f"{each('03', 'sent opened info-requested info-received')} {each('05', 'to-book waiting-capacity')}",
        ),
        line("decline", "sent opened info-requested info-received", "declined", "PC", needs=_DECLINE, tells="PT", rows="03"),
        line("decline", "insisted", "declined", "LD", needs=_DECLINE, tells="PT", rows="03"),
        line(
            "decline",
            ACCEPTED,
            "declined",
            "PC",
            needs=f"{_DECLINE} only-if-impossible",
            tells="PT",
            rows=f"{each('05', 'to-book waiting-capacity offered')} booked=10 not-attended=17 to-rebook=33 seen=25",
        ),
        line("no-place", "to-book", "waiting-capacity", "PO SY", needs=_WHY, tells="PT"),
        line("offer", "to-book waiting-capacity to-rebook not-attended", "offered", "PO PT", needs="slot-missing", tells="PT"),
        line("book", "sent", "booked", "RO", needs="not-bookable own-request slot-missing", tells="PT", rows="02+06"),
        line(
            "book",
            "to-book waiting-capacity offered not-attended to-rebook seen",
            "booked",
            "PO PT",
            needs="slot-missing",
            tells="PT",
            rows=f"{each('06', 'to-book waiting-capacity offered')} not-attended=18 to-rebook=21 seen=26",
        ),
        line("refuse-offer", "offered", "to-book", "PT", needs=_WHY),
        line("offer-expired", "offered", "to-book", "SY"),
        line("offer-withdrawn", "offered", "to-book", "SY", needs=_WHY, tells="PT"),
        line("reschedule", "booked", "booked", "PO PT", needs="slot-missing", tells="PT", rows="11"),
        line(
            "cancel-appointment",
            "booked not-attended seen",
            "to-rebook",
            "PO PT",
            needs=f"side-missing {_WHY}",
            tells="PT",
            rows="booked=13 not-attended=19 seen=27",
        ),
        line("mark-not-attended", "booked", "not-attended", "PO PC", needs=f"too-early {_WHY}", tells="RC", rows="12"),
        line(
            "return-after-absence",
            "not-attended",
            "declined",
            "PC",
            needs="record-not-reviewed no-contact comment-missing",
            tells="PT",
            rows="17",
        ),
        line(
            "mark-seen",
            "to-book booked seen",
            "seen",
            "PC PO",
            needs="before-its-day encounter-missing",
            rows="to-book=08 booked=15 seen=29",
        ),
        line(
            "send-outcome",
            "to-book booked seen cancellation-requested",
            "letter-sent",
            "PC",
            needs="seen-before-its-day letter-missing",
            tells="GP PT",
            rows="to-book=09 booked=16 seen=30 cancellation-requested=24",
        ),
        line(
            "send-outcome",
            "not-attended to-rebook",
            "letter-sent",
            "PC",
            needs="done-otherwise letter-missing",
            tells="GP PT",
            rows="not-attended=D1 to-rebook=D2",
        ),
        line("acknowledge", "letter-sent advised", "closed", "RC", needs="follow-ups-unsettled", tells="PC"),
        line("acknowledge", "letter-sent advised", "closed", "RO", needs="too-early-to-file", tells="PC"),
        line("dispute", "letter-sent", "seen", "RC", needs=_WHY, tells="PC"),
        line("withdraw", UNDECIDED, "cancelled", "RC RO", needs=_WHY, tells="PT", rows="04+23"),
        line(
            "request-cancellation",
            ACCEPTED,
            "cancellation-requested",
            "RC RO",
            needs=_WHY,
            rows=f"{each('07', 'to-book waiting-capacity offered')} booked=14 not-attended=20 to-rebook=22 seen=28",
        ),
        line("confirm-cancellation", "cancellation-requested", "cancelled", "PO PC", tells="PT", rows="23"),
        line(
            "close-opposed",
            f"{UNDECIDED} {ACCEPTED} cancellation-requested",
            "cancelled",
            "RC RO PC PO",
            needs="not-opposed",
            tells="PT PC PO",
        ),
        line("close-opposed", "to-complete", "cancelled", "RC RO", needs="not-opposed"),
        line(
            "close-opposed",
            ANSWERED,
            "closed",
            "RC RO PC PO",
            needs="not-opposed",
            tells="PT",
            quiet=True,
        ),
        line("decide-next", "declined redirected", "closed", "RC", needs=_WHY, quiet=True),
        line("send-elsewhere", "declined redirected", "closed", "RC", needs=f"target-missing target-closed {_WHY}", tells="PT", quiet=True),
        line(
            "send-elsewhere", UNDECIDED, "cancelled", "RC", needs=f"not-late target-missing target-closed {_WHY}", tells="PT", rows="04+23"
        ),
        line("insist", "declined redirected advised", "closed", "RC", needs="already-insisted text-too-short", tells="LD", quiet=True),
        line("not-selected", UNDECIDED, "cancelled", "SY", rows="C3"),
        line(
            "change-priority",
            f"to-complete {UNDECIDED} {ACCEPTED}",
            SAME,
            "RC PC",
            needs=f"call-instead priority-unchanged {_WHY}",
            tells="RC PC",
        ),
        line("declare-unavailable", f"{UNDECIDED} {ACCEPTED}", SAME, "PT RO PO", needs="period-missing"),
        line(
            "say-no-news",
            f"{UNDECIDED} to-book waiting-capacity not-attended to-rebook seen cancellation-requested",
            SAME,
            "PT",
            needs="already-said",
        ),
        line(
            "enter-in-error",
            f"to-complete {UNDECIDED} to-book waiting-capacity offered booked not-attended to-rebook",
            "entered-in-error",
            "RC PC",
            needs=_WHY,
            tells="LD",
        ),
    ],
)
"""Every line of workflows.md 1, in its order, and the way out of a request that its patient's refusal has shut (ADR 0028)."""

CHILD_TABLE: Final = TransitionTable(
    "referral-child",
    CHILD_STATES,
    [
        line("open-child", NOWHERE, "due", "SY"),
        line("accept", "due", "accepted", "RC RO"),
        line("hand-back", "due accepted", "handed-back", "RC", needs="comment-missing", tells="PC"),
        line("done", "due accepted", "completed", "RC RO", needs="unknown-outcome", tells="PC"),
        line("done", "handed-back", "completed", "PC PO", needs="unknown-outcome", tells="RC"),
        line("give-news", "due", "completed", "RC RO PC PO LD", needs="comment-missing not-the-holder"),
        line("settle", "due accepted handed-back", "completed", "SY"),
        line("cancel-child", "due accepted handed-back", "cancelled", "SY"),
    ],
)
"""Child Tasks. Only a follow-up is accepted, handed back or done by hand, and news are given by who holds the turn; the others follow the turn of
their Task (SY)."""

BY_HAND: Final = {"follow-up": ("accept", "hand-back", "done"), "no-news": ("give-news",)}
"""What people do with a child Task, by its code."""

FREES_THE_SLOT: Final = frozenset(
    {
        *("decline", "return-after-absence", "refuse-offer", "offer-expired", "offer-withdrawn"),
        *("cancel-appointment", "confirm-cancellation", "enter-in-error", "close-opposed"),
    }
)
"""Verbs after which a held or booked slot must be given back in the same transaction (by the journey that crosses into booking)."""

READ_ONLY_ROWS: Final = {
    "31": "book",
    "32": "mark-seen",
    "34": "request-cancellation",
    "D4": "send-outcome",
    "C2": "withdraw",
    "C4": "not-selected",
    "C5": "decline",
    "C6": "decline",
    "C7": "decline",
    "C8": "decline",
}
"""Rows of the published table and of its additions that are never emitted, with the verb that a partner's move is read as."""

RESOLVED_ROWS: Final = {"31": "06", "32": "08", "D3": "33", "C1": "04+23"}
"""Rows with the same start and trigger as another, and the row that stands for both."""


def emitted_rows() -> frozenset[str]:
    """The row numbers that the table plays; `04+23` plays both."""
    played = {part for transition in TABLE.transitions for row in transition.rows.values() for part in row.split("+")}
    return frozenset(played)
