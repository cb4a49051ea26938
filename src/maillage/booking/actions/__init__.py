"""Everything that changes bookings: one function per verb. None commits."""

from __future__ import annotations

from maillage.booking.actions.attendance import absent, arrive, call_in, cancel, confirm, end_for_task, fulfil
from maillage.booking.actions.booking import book, hold, move
from maillage.booking.actions.clock import ClockReport, run_clock
from maillage.booking.actions.ladder import run_deadlines
from maillage.booking.actions.loading import legal_verbs
from maillage.booking.actions.planning import confirm_room, plan, publish
from maillage.booking.actions.sessions import (
    CancelledSession,
    cancel_session,
    dispute_settlement,
    finish,
    flag_absence,
    settle,
    start,
    substitute,
)
from maillage.booking.actions.vacations import add_exception, authorise_practice, create_vacation, grant_clause, update_vacation
from maillage.booking.actions.waiting import accept_refill, join_waitlist, prioritise, refuse_refill

__all__ = [
    "CancelledSession",
    "ClockReport",
    "absent",
    "accept_refill",
    "add_exception",
    "arrive",
    "authorise_practice",
    "book",
    "call_in",
    "cancel",
    "cancel_session",
    "confirm",
    "confirm_room",
    "create_vacation",
    "dispute_settlement",
    "end_for_task",
    "finish",
    "flag_absence",
    "fulfil",
    "grant_clause",
    "hold",
    "join_waitlist",
    "legal_verbs",
    "move",
    "plan",
    "prioritise",
    "publish",
    "refuse_refill",
    "run_clock",
    "run_deadlines",
    "settle",
    "start",
    "substitute",
    "update_vacation",
]
