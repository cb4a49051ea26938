"""The rules of the room: transition tables and pure checks. No I/O, no clock, no SQL."""

from maillage.booking.rules.appointments import (
    ABSENCE_PROPOSED_AFTER,
    answer_time,
    call_from,
    check_absence,
    check_cancel_reason,
    check_comment,
    check_day,
    check_session_reason,
    confirm_from,
    contact_channel,
    hold_ends,
    is_late,
    next_wave,
    waiting_order,
)
from maillage.booking.rules.recurrence import occurrences, read_rrule, recurrence_days, write_rrule
from maillage.booking.rules.slots import Claim, check_quota, check_reservation, cut, kinds_open_to, release_at, reserve, session_period
from maillage.booking.rules.tables import APPOINTMENT, SESSION

__all__ = [
    "ABSENCE_PROPOSED_AFTER",
    "APPOINTMENT",
    "SESSION",
    "Claim",
    "answer_time",
    "call_from",
    "check_absence",
    "check_cancel_reason",
    "check_comment",
    "check_day",
    "check_quota",
    "check_reservation",
    "check_session_reason",
    "confirm_from",
    "contact_channel",
    "cut",
    "hold_ends",
    "is_late",
    "kinds_open_to",
    "next_wave",
    "occurrences",
    "read_rrule",
    "recurrence_days",
    "release_at",
    "reserve",
    "session_period",
    "waiting_order",
    "write_rrule",
]
