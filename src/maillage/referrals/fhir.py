"""The FHIR face of the room: its operations, what it takes in, how it is drawn, which verbs cross into booking."""

from __future__ import annotations

from typing import Final

from maillage.kernel.operations import Operation, Param
from maillage.referrals import queries
from maillage.referrals.actions import changing, children, closing, legal, sending, shut, triage, visits
from maillage.referrals.incoming import INTAKE
from maillage.referrals.render import RENDERERS
from maillage.referrals.rules import FREES_THE_SLOT
from maillage.referrals.types import FOLLOW_UP_OUTCOMES, PRIORITIES, REASONS, RECOMMENDATIONS, RESOLUTIONS
from maillage.store import Transaction

__all__ = ["CROSSES_INTO_BOOKING", "INTAKE", "OPERATIONS", "RENDERERS"]

CROSSES_INTO_BOOKING: Final = FREES_THE_SLOT | {"offer", "book", "reschedule", "mark-not-attended", "mark-seen"}
"""Verbs that a journey plays together with the booking room, in one transaction."""


def _codes(list_name: str) -> tuple[str, ...]:
    return tuple(reason.code for reason in REASONS[list_name])


def _why(list_name: str, *, required: bool = True) -> tuple[Param, ...]:
    return Param("reason", "code", required=required, values=_codes(list_name)), Param("comment", "string")


COMMENT: Final = Param("comment", "string")
CONTACT: Final = Param("contact", "string")
SERVICE: Final = Param("service", "Reference", required=True)
SLOT: Final = (
    Param("appointment_id", "string", required=True),
    Param("start", "dateTime", required=True),
    Param("end", "dateTime", required=True),
)
SIDES: Final = ("patient", "hospital", "host")
CANCEL_REASONS: Final = tuple(dict.fromkeys(_codes("cancel-by-patient") + _codes("cancel-by-service")))
RECOMMENDATION: Final = Param(
    "recommendations",
    "string",
    many=True,
    parts=(
        Param("text", "string", required=True),
        Param("due", "dateTime", required=True, past=False),
        Param("owner", "code", values=closing.OWNERS),
    ),
)
ANSWER: Final = Param(
    "answers",
    "string",
    required=True,
    many=True,
    parts=(Param("number", "integer", required=True, low=1, high=50), Param("answer", "string"), Param("cannot", "boolean")),
)
FOLLOW_UP: Final = Param(
    "follow_ups",
    "string",
    many=True,
    parts=(
        Param("id", "string", required=True),
        Param("decision", "code", required=True, values=("accept", "hand-back")),
        Param("comment", "string"),
    ),
)


async def accept(tx: Transaction, id: str, *, version: int | None = None, **values: str) -> str:
    """`$accept` on a coordination Task, or on a follow-up: the id says which."""
    table, _, _ = await queries.find_task(tx, id)
    if table == "referral_child":
        return await children.accept_follow_up(tx, id, version=version)
    return await triage.accept(tx, id, version=version, **values)


OPERATIONS: Final = (
    Operation("available-actions", "Task", legal.available_actions, writes=False),
    Operation(
        "send",
        "Task",
        sending.send,
        (
            Param("identity_confirmed", "boolean"),
            Param("patient_informed", "boolean"),
            Param("outside_criteria", "boolean"),
            Param("duplicate_reason", "code", values=_codes("duplicate-override")),
        ),
    ),
    Operation("open", "Task", triage.open_),
    Operation("look", "Task", triage.look),
    Operation(
        "ask-info", "Task", triage.ask_info, (Param("items", "string", required=True, many=True), Param("clinical", "boolean"), COMMENT)
    ),
    Operation("answer-info", "Task", triage.answer_info, (ANSWER, COMMENT)),
    Operation("accept", "Task", accept, (Param("priority", "code", values=PRIORITIES), *_why("priority", required=False))),
    Operation(
        "advise",
        "Task",
        triage.advise,
        (
            Param("recommendation", "code", required=True, values=RECOMMENDATIONS),
            Param("text", "string", required=True),
            Param("due", "dateTime", past=False),
        ),
    ),
    Operation("redirect", "Task", triage.redirect, (SERVICE, *_why("redirect"))),
    Operation("decline", "Task", triage.decline, (Param("reason", "code", required=True), COMMENT)),
    Operation("no-place", "Task", triage.no_place, (*_why("capacity"), Param("wanted_by", "dateTime", past=False))),
    Operation("offer", "Task", visits.offer, (*SLOT, Param("expires_at", "dateTime"), CONTACT)),
    Operation("book", "Task", visits.book, (*SLOT, Param("resolution", "code", values=RESOLUTIONS), CONTACT)),
    Operation("refuse-offer", "Task", visits.refuse_offer, (*_why("refuse-offer"), CONTACT, Param("inside_constraints", "boolean"))),
    Operation("offer-expired", "Task", visits.offer_expired),
    Operation("offer-withdrawn", "Task", visits.offer_withdrawn, _why("cancel-by-service")),
    Operation("reschedule", "Task", visits.reschedule, (*SLOT, COMMENT, CONTACT)),
    Operation(
        "cancel-appointment",
        "Task",
        visits.cancel_appointment,
        (
            Param("side", "code", required=True, values=SIDES),
            Param("reason", "code", required=True, values=CANCEL_REASONS),
            COMMENT,
            CONTACT,
        ),
    ),
    Operation("mark-not-attended", "Task", visits.mark_not_attended, _why("absence", required=False)),
    Operation(
        "return-after-absence",
        "Task",
        visits.return_after_absence,
        (Param("record_reviewed", "boolean"), Param("contacts", "integer", high=100), COMMENT),
    ),
    Operation(
        "mark-seen",
        "Task",
        visits.mark_seen,
        (
            Param("start", "dateTime", future=False),
            Param("end", "dateTime"),
            Param("encounter_id", "string"),
            Param("encounter_class", "code", values=("AMB", "VR", "HH")),
        ),
    ),
    Operation(
        "send-outcome",
        "Task",
        closing.send_outcome,
        (
            Param("text", "string", longest=100_000),
            Param("document", "base64Binary"),
            Param("title", "string", longest=200),
            RECOMMENDATION,
            Param("done_otherwise", "boolean"),
        ),
    ),
    Operation("acknowledge", "Task", closing.acknowledge, (FOLLOW_UP, COMMENT)),
    Operation("dispute", "Task", closing.dispute, _why("dispute")),
    Operation("withdraw", "Task", closing.withdraw, _why("withdraw")),
    Operation("request-cancellation", "Task", closing.request_cancellation, _why("request-cancellation")),
    Operation("confirm-cancellation", "Task", closing.confirm_cancellation, (COMMENT,)),
    Operation("close-opposed", "Task", shut.close_opposed),
    Operation("decide-next", "Task", closing.decide_next, _why("decide-next")),
    Operation("send-elsewhere", "Task", closing.send_elsewhere, (SERVICE, *_why("send-elsewhere"))),
    Operation("insist", "Task", closing.insist, (Param("text", "string", required=True),)),
    Operation(
        "change-priority",
        "Task",
        changing.change_priority,
        (Param("priority", "code", required=True, values=PRIORITIES), *_why("priority")),
    ),
    Operation(
        "declare-unavailable",
        "Task",
        changing.declare_unavailable,
        (Param("start", "dateTime", required=True), Param("end", "dateTime", required=True), CONTACT),
    ),
    Operation("say-no-news", "Task", changing.say_no_news),
    Operation("enter-in-error", "Task", closing.enter_in_error, _why("enter-in-error")),
    Operation("hand-back", "Task", children.hand_back, (Param("comment", "string", required=True),)),
    Operation("give-news", "Task", children.give_news, (Param("comment", "string", required=True),)),
    Operation("done", "Task", children.done, (Param("outcome", "code", values=FOLLOW_UP_OUTCOMES), COMMENT)),
)
"""Every verb as an operation on Task. `offer-expired` and `offer-withdrawn` are a peer's, whose diary says so.

`decline` leaves its reasons open: a capacity code must be answered by its own refusal."""
