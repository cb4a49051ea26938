"""The referral: ask, triage, accept, redirect, see, write back, close. The face of the room."""

from __future__ import annotations

from maillage.kernel.errors import Conflict, Invalid
from maillage.referrals.actions import merging
from maillage.referrals.actions.attaching import attach, detach, shown_attachments
from maillage.referrals.actions.changing import change_priority, declare_unavailable, say_no_news
from maillage.referrals.actions.children import accept_follow_up, done, give_news, hand_back
from maillage.referrals.actions.closing import (
    acknowledge,
    confirm_cancellation,
    decide_next,
    dispute,
    enter_in_error,
    insist,
    request_cancellation,
    send_elsewhere,
    send_outcome,
    withdraw,
)
from maillage.referrals.actions.legal import available_actions
from maillage.referrals.actions.scheduler import run_deadlines
from maillage.referrals.actions.sending import create_request, save_form, send
from maillage.referrals.actions.sharing import tell_refused
from maillage.referrals.actions.shut import check_close_opposed, close_opposed, may_close_opposed, own_side
from maillage.referrals.actions.triage import accept, advise, answer_info, ask_info, decline, look, no_place, open_, redirect
from maillage.referrals.actions.visits import (
    book,
    cancel_appointment,
    mark_not_attended,
    mark_seen,
    offer,
    offer_expired,
    offer_withdrawn,
    refuse_offer,
    reschedule,
    return_after_absence,
)
from maillage.referrals.fhir import CROSSES_INTO_BOOKING, INTAKE, OPERATIONS, RENDERERS
from maillage.referrals.queries import (
    WORKLISTS,
    Place,
    Total,
    appointment_of,
    current_form,
    expired_offers,
    files_of_letter,
    follow_up_total,
    follow_ups,
    form_of,
    ids_of,
    items_of,
    last_request_of,
    open_tasks_of_patient,
    parked_now,
    patient_requests,
    shut_task,
    tasks_of,
    thread,
    untold,
    visible_case,
    visible_request,
    visible_task,
    worklist,
    worklist_totals,
    worklists,
)
from maillage.referrals.rules import CHILD_TABLE, FREES_THE_SLOT, TABLE
from maillage.referrals.types import CLINICIANS, RESOLUTIONS
from maillage.store import register

__all__ = [
    "CHILD_TABLE",
    "CLINICIANS",
    "CROSSES_INTO_BOOKING",
    "FREES_THE_SLOT",
    "INTAKE",
    "OPERATIONS",
    "RENDERERS",
    "RESOLUTIONS",
    "TABLE",
    "WORKLISTS",
    "Place",
    "Total",
    "accept",
    "accept_follow_up",
    "acknowledge",
    "advise",
    "answer_info",
    "appointment_of",
    "ask_info",
    "attach",
    "available_actions",
    "book",
    "cancel_appointment",
    "change_priority",
    "check_close_opposed",
    "close_opposed",
    "confirm_cancellation",
    "create_request",
    "current_form",
    "decide_next",
    "declare_unavailable",
    "decline",
    "detach",
    "dispute",
    "done",
    "enter_in_error",
    "expired_offers",
    "files_of_letter",
    "follow_up_total",
    "follow_ups",
    "form_of",
    "give_news",
    "hand_back",
    "ids_of",
    "insist",
    "items_of",
    "last_request_of",
    "look",
    "mark_not_attended",
    "mark_seen",
    "may_close_opposed",
    "merging",
    "no_place",
    "offer",
    "offer_expired",
    "offer_withdrawn",
    "open_",
    "open_tasks_of_patient",
    "own_side",
    "parked_now",
    "patient_requests",
    "redirect",
    "refuse_offer",
    "request_cancellation",
    "reschedule",
    "return_after_absence",
    "run_deadlines",
    "save_form",
    "say_no_news",
    "send",
    "send_elsewhere",
    "send_outcome",
    "shown_attachments",
    "shut_task",
    "tasks_of",
    "tell_refused",
    "thread",
    "untold",
    "visible_case",
    "visible_request",
    "visible_task",
    "withdraw",
    "worklist",
    "worklist_totals",
    "worklists",
]

register("referral_task_one_open", lambda: Conflict("duplicate-open"))
register("referral_task_insist_once", lambda: Conflict("already-insisted"))
register("referral_task_capacity_never_declines", lambda: Invalid.one("capacity-is-not-refusal"))
register("referral_status_capacity_never_declines", lambda: Invalid.one("capacity-is-not-refusal"))
register("service_request_stat", lambda: Invalid.one("call-instead", "ServiceRequest.priority"))
register("service_request_active_is_sent", lambda: Invalid.one("form-missing", "ServiceRequest.status"))
register("service_request_pkey", lambda: Conflict("already-exists"))
register("referral_task_seen_happened", lambda: Invalid.one("date-in-the-future", "Parameters.parameter.where(name='start')"))
register("referral_encounter_period", lambda: Invalid.one("period-ends-before-start", "Parameters.parameter.where(name='end')"))
register("referral_child_due", lambda: Invalid.one("date-in-the-past"))
for _name in ("referral_task_dates", "referral_child_dates", "referral_form_dates", "capacity_failure_dates", "patient_interval_period"):
    register(_name, lambda: Invalid.one("date-out-of-range"))
register("referral_task_pkey", lambda: Conflict("already-exists"))
register("referral_form_pkey", lambda: Conflict("already-exists"))
