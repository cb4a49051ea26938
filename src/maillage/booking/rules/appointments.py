"""Pure checks and dates of appointments: holds, confirmations, absences, late cancellations, the waiting list and its refill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from maillage.booking.rules.slots import RELEASE_HOUR
from maillage.booking.types import ABSENCE_REASONS, CANCEL_REASONS, PRIORITIES, SESSION_REASONS, HoldKind, Waiter
from maillage.kernel.answers import Allowed, Answer, Refused
from maillage.kernel.period import day_in_paris, wall_to_utc

SCREEN_HOLD = timedelta(minutes=10)
OFFER_HOLD = timedelta(hours=48)
ASAP_OFFER_HOLD = timedelta(hours=4)
LATE_CANCELLATION = timedelta(hours=48)
ABSENCE_PROPOSED_AFTER = timedelta(minutes=30)
CONFIRM_ASKED_DAYS = 7
CALL_LIST_DAYS = 3
MIN_COMMENT = 15
ABSENCES_BEFORE_CALL = 2
WAVE = 3


def hold_ends(kind: str, priority: str, now: datetime, start: datetime) -> datetime:
    """When a hold falls: 10 minutes on screen, 48 hours for an offer, 4 for a very urgent one, never after the slot begins."""
    length = SCREEN_HOLD if kind == HoldKind.SCREEN else ASAP_OFFER_HOLD if priority in PRIORITIES[:2] else OFFER_HOLD
    return min(now + length, start)


def is_late(now: datetime, start: datetime) -> bool:
    """Whether a cancellation comes within 48 hours of the appointment."""
    return start - now < LATE_CANCELLATION


def confirm_from(start: datetime) -> datetime:
    """When the patient is asked to confirm: D-7 in the morning."""
    return wall_to_utc(day_in_paris(start) - timedelta(days=CONFIRM_ASKED_DAYS), RELEASE_HOUR)


def call_from(start: datetime) -> datetime:
    """When an unconfirmed appointment goes to the call list: D-3 in the morning."""
    return wall_to_utc(day_in_paris(start) - timedelta(days=CALL_LIST_DAYS), RELEASE_HOUR)


def contact_channel(absences: int) -> str:
    """How the patient is reminded: by message, by a call after the second absence."""
    return "call" if absences >= ABSENCES_BEFORE_CALL else "message"


def check_comment(comment: str | None) -> Answer:
    """Whether a free reason says something."""
    return Allowed() if len((comment or "").strip()) >= MIN_COMMENT else Refused("comment-too-short")


def check_cancel_reason(side: str, reason: str, comment: str | None) -> Answer:
    """Whether the reason belongs to the list of this side; `other` needs a sentence."""
    if reason not in CANCEL_REASONS.get(side, ()):
        return Refused("unknown-reason")
    return check_comment(comment) if reason == "other" else Allowed()


def check_session_reason(reason: str, comment: str | None) -> Answer:
    """Whether the reason may cancel a session."""
    if reason not in SESSION_REASONS:
        return Refused("unknown-reason")
    return check_comment(comment) if reason == "other" else Allowed()


def check_absence(reason: str, now: datetime, start: datetime) -> Answer:
    """Whether an absence may be recorded: a known reason, and the hour of the appointment has passed."""
    if reason not in ABSENCE_REASONS:
        return Refused("unknown-reason")
    return Allowed() if now >= start else Refused("too-early")


def check_day(now: datetime, start: datetime) -> Answer:
    """Whether a patient may be there: on the day of the appointment, or later. Another day, it is moved or cancelled first."""
    return Allowed() if day_in_paris(now) >= day_in_paris(start) else Refused("before-its-day")


def waiting_order(waiters: Iterable[Waiter], now: datetime) -> tuple[Waiter, ...]:
    """The waiting list in order: a manual change, priority, breached target, oldest net wait; the id settles equals."""

    def key(waiter: Waiter) -> tuple[int, int, bool, timedelta, str]:
        breached = waiter.target is not None and waiter.target <= now
        net = now - waiter.since - waiter.removed
        return (-waiter.boost, PRIORITIES.index(waiter.priority), not breached, -net, waiter.id)

    return tuple(sorted(waiters, key=key))


def answer_time(now: datetime, start: datetime) -> timedelta | None:
    """How long a refill offer stays: 2 h at D-1, 4 h to D-3, 12 h to D-7, 24 h before; None when the slot comes too soon."""
    lead = start - now
    if lead < timedelta(hours=2):
        return None
    for days, hours in ((1, 2), (3, 4), (7, 12)):
        if lead <= timedelta(days=days):
            return timedelta(hours=hours)
    return timedelta(hours=24)


def next_wave(waiters: Sequence[Waiter], asked: Iterable[str], now: datetime, start: datetime) -> tuple[Waiter, ...]:
    """The next three to ask for a freed slot: in order, not asked yet for this slot, able to come in the time that is left."""
    done = frozenset(asked)
    able = [waiter for waiter in waiting_order(waiters, now) if waiter.id not in done and waiter.notice <= start - now]
    return tuple(able[:WAVE]) if answer_time(now, start) is not None else ()
