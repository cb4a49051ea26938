"""Every SELECT of the room, each starting from what the actor may see. Schedules and slots hold no patient: all actors see them."""

from __future__ import annotations

from maillage.booking.queries.appointments import (
    absences_of,
    appointment_history,
    appointments,
    get_appointment,
    refills,
    waiter_of,
    waiting_list,
)
from maillage.booking.queries.rows import knows, row
from maillage.booking.queries.sessions import (
    authorisation_for,
    clause_for,
    get_session,
    get_vacation,
    session_slots,
    sessions,
    vacation_exceptions,
    vacations,
)
from maillage.booking.queries.slots import (
    MAX_SLOTS,
    SlotSearch,
    check_known,
    find_slots,
    fresh_choices,
    get_slot,
    next_free,
    search_slots,
    third_next_available,
)
from maillage.booking.queries.worklists import (
    absences_to_decide,
    at_risk,
    rooms_to_confirm,
    to_call,
    to_settle,
    unconfirmed,
    under_filled,
    unpublished,
)

__all__ = [
    "MAX_SLOTS",
    "SlotSearch",
    "absences_of",
    "absences_to_decide",
    "appointment_history",
    "appointments",
    "at_risk",
    "authorisation_for",
    "check_known",
    "clause_for",
    "find_slots",
    "fresh_choices",
    "get_appointment",
    "get_session",
    "get_slot",
    "get_vacation",
    "knows",
    "next_free",
    "refills",
    "rooms_to_confirm",
    "row",
    "search_slots",
    "session_slots",
    "sessions",
    "third_next_available",
    "to_call",
    "to_settle",
    "unconfirmed",
    "under_filled",
    "unpublished",
    "vacation_exceptions",
    "vacations",
    "waiter_of",
    "waiting_list",
]
