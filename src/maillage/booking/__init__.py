"""The face of the room: vacations, sessions, slots, appointments, the waiting list."""

from __future__ import annotations

from functools import partial

from maillage.booking import queries
from maillage.booking.actions import (
    CancelledSession,
    ClockReport,
    absent,
    accept_refill,
    add_exception,
    arrive,
    authorise_practice,
    book,
    call_in,
    cancel,
    cancel_session,
    confirm,
    confirm_room,
    create_vacation,
    dispute_settlement,
    finish,
    flag_absence,
    fulfil,
    grant_clause,
    hold,
    join_waitlist,
    legal_verbs,
    move,
    plan,
    prioritise,
    publish,
    refuse_refill,
    run_clock,
    settle,
    start,
    substitute,
    update_vacation,
)
from maillage.booking.fhir import slot_state
from maillage.booking.intake import INTAKE
from maillage.booking.operations import OPERATIONS
from maillage.booking.queries import (
    absences_of,
    appointment_history,
    appointments,
    find_slots,
    get_appointment,
    get_session,
    get_slot,
    get_vacation,
    next_free,
    refills,
    session_slots,
    sessions,
    third_next_available,
    vacation_exceptions,
    vacations,
    waiting_list,
)
from maillage.booking.render import RENDERERS
from maillage.booking.rules import APPOINTMENT, SESSION, contact_channel
from maillage.booking.types import ABSENCE_REASONS, CANCEL_REASONS, PRIORITIES, SESSION_REASONS, Share
from maillage.kernel.errors import Conflict, Invalid
from maillage.store import register

TABLES = (SESSION, APPOINTMENT)
"""The two transition tables of the room."""

_CONFLICTS = {
    "appointment_one_live_per_slot": "already-booked",
    "appointment_waits_once": "already-waiting",
    "vacation_session_practitioner_free": "practitioner-busy",
    "vacation_session_room_free": "room-busy",
    "vacation_session_once_a_day": "already-planned",
}
_UNKNOWN = {
    "appointment_requester_org_fkey": "unknown-organization",
    "appointment_location_id_fkey": "unknown-location",
    "appointment_wait_location_id_fkey": "unknown-location",
    "vacation_quota_organization_id_fkey": "unknown-organization",
    "vacation_clause_location_id_fkey": "unknown-location",
    "vacation_clause_owner_org_fkey": "unknown-organization",
    "vacation_clause_host_org_fkey": "unknown-organization",
    "practice_authorisation_location_id_fkey": "unknown-location",
    "vacation_location_id_fkey": "unknown-location",
    "appointment_pkey": "id-taken",
    "vacation_pkey": "id-taken",
    "vacation_clause_pkey": "id-taken",
    "practice_authorisation_pkey": "id-taken",
    "vacation_period": "period-ends-before-start",
    "vacation_clause_period": "period-ends-before-start",
    "practice_authorisation_period": "period-ends-before-start",
    "vacation_buffers": "bad-buffer",
    "vacation_reserved": "bad-reservation",
    "vacation_slot_minutes": "bad-slot-length",
    "vacation_quota_slots": "bad-reservation",
    "vacation_quota_at_most": "bad-reservation",
}


for _name, _reason in _CONFLICTS.items():
    register(_name, partial(Conflict, _reason))
for _name, _reason in _UNKNOWN.items():
    register(_name, partial(Invalid.one, _reason))

__all__ = [
    "ABSENCE_REASONS",
    "APPOINTMENT",
    "CANCEL_REASONS",
    "INTAKE",
    "OPERATIONS",
    "PRIORITIES",
    "RENDERERS",
    "SESSION",
    "SESSION_REASONS",
    "TABLES",
    "CancelledSession",
    "ClockReport",
    "Share",
    "absences_of",
    "absent",
    "accept_refill",
    "add_exception",
    "appointment_history",
    "appointments",
    "arrive",
    "authorise_practice",
    "book",
    "call_in",
    "cancel",
    "cancel_session",
    "confirm",
    "confirm_room",
    "contact_channel",
    "create_vacation",
    "dispute_settlement",
    "find_slots",
    "finish",
    "flag_absence",
    "fulfil",
    "get_appointment",
    "get_session",
    "get_slot",
    "get_vacation",
    "grant_clause",
    "hold",
    "join_waitlist",
    "legal_verbs",
    "move",
    "next_free",
    "plan",
    "prioritise",
    "publish",
    "queries",
    "refills",
    "refuse_refill",
    "run_clock",
    "session_slots",
    "sessions",
    "settle",
    "slot_state",
    "start",
    "substitute",
    "third_next_available",
    "update_vacation",
    "vacation_exceptions",
    "vacations",
    "waiting_list",
]
