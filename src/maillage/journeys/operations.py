"""Every verb that the doors offer: those of the rooms, and in their place those that cross from one room into another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from maillage import booking, referrals
from maillage.journeys import booking_to_referral, choice, elsewhere, labels, merging, opposition_everywhere, referral_to_booking
from maillage.kernel.bounds import check_entered
from maillage.kernel.operations import Operation, Param
from maillage.store import Transaction

Call = Callable[..., Awaitable[Any]]

_SLOT, _CONTACT, _COMMENT = Param("slot", "Reference"), Param("contact", "string"), Param("comment", "string")

FROM_REFERRAL: Mapping[str, tuple[Call, tuple[Param, ...] | None]] = {
    "offer": (referral_to_booking.offer, (_SLOT, _CONTACT)),
    "book": (referral_to_booking.book, (_SLOT, _CONTACT)),
    "reschedule": (referral_to_booking.reschedule, (_SLOT, _COMMENT, _CONTACT)),
    "refuse-offer": (referral_to_booking.refuse_offer, None),
    "cancel-appointment": (referral_to_booking.cancel_appointment, None),
    "mark-not-attended": (referral_to_booking.mark_not_attended, None),
    "mark-seen": (referral_to_booking.mark_seen, None),
    "send-outcome": (referral_to_booking.send_outcome, None),
    "no-place": (referral_to_booking.no_place, None),
    "decline": (referral_to_booking.decline, None),
    "redirect": (referral_to_booking.redirect, None),
    "withdraw": (referral_to_booking.withdraw, None),
    "return-after-absence": (referral_to_booking.return_after_absence, None),
    "confirm-cancellation": (referral_to_booking.confirm_cancellation, None),
    "enter-in-error": (referral_to_booking.enter_in_error, None),
    "close-opposed": (referral_to_booking.close_opposed, None),
}
"""Verbs of the request that touch its appointment; None keeps the parameters of the room's own verb."""

ENDS: Final = ("decide-next", "send-elsewhere", "insist", "acknowledge")
"""Verbs that close a request which has no appointment: what was held for it by hand falls with it."""

CHOOSES: Final = ("accept", "advise", "book")
"""Verbs by which one of the services asked takes the request."""

FROM_BOOKING: Mapping[tuple[str, str], Call] = {
    ("Slot", "book"): booking_to_referral.book_slot,
    ("Slot", "hold"): booking_to_referral.hold_slot,
    ("Appointment", "hold"): booking_to_referral.hold,
    ("Appointment", "join-waitlist"): booking_to_referral.join_waitlist,
    ("Appointment", "book"): booking_to_referral.book,
    ("Appointment", "move"): booking_to_referral.move,
    ("Appointment", "cancel"): booking_to_referral.cancel,
    ("Appointment", "accept-refill"): booking_to_referral.accept_refill,
    ("Appointment", "fulfil"): booking_to_referral.fulfil,
    ("Appointment", "absent"): booking_to_referral.absent,
    ("Schedule", "cancel-session"): booking_to_referral.cancel_session,
}
"""Verbs of the diary that touch a request."""


def _plain(call: Call, parameters: tuple[Param, ...]) -> Call:
    """A reference is given to a verb as the id that it ends with."""
    references = {param.name.replace("-", "_") for param in parameters if param.type == "Reference"}

    async def called(tx: Transaction, id: str | None = None, *, version: int | None = None, **given: Any) -> Any:
        values = {name: _id(value) if name in references else value for name, value in given.items()}
        return await call(tx, id, version=version, **values)

    return called


def _id(value: Any) -> Any:
    return value.rpartition("/")[2] if isinstance(value, str) else value


def _of_request(operation: Operation) -> Operation:
    if operation.name == "available-actions":
        return replace(operation, call=_available_on_task)
    if operation.name in FROM_REFERRAL:
        call, parameters = FROM_REFERRAL[operation.name]
        call = elsewhere.where_the_diary_is(operation.name, call, operation.call)
    else:
        call, parameters = operation.call, None
    call = referral_to_booking.ending(call) if operation.name in ENDS else call
    call = choice.choosing(call) if operation.name in CHOOSES else call
    declared = operation.parameters if parameters is None else elsewhere.parameters_of(operation.name, parameters)
    return replace(operation, call=_plain(call, declared), parameters=declared)


def _of_diary(operation: Operation) -> Operation:
    call = FROM_BOOKING.get((operation.type, operation.name))
    return replace(operation, call=_plain(call, operation.parameters)) if call else operation


async def _available_on_task(tx: Transaction, id: str, *, version: int | None = None) -> dict[str, Any]:
    """The verbs legal now for this actor, each with the codes of what is still missing."""
    found = await referrals.available_actions(tx, id, version=version)
    return {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "action",
                "part": [{"name": "verb", "valueCode": one.verb}, *({"name": "missing", "valueCode": code} for code in one.missing)],
            }
            for one in found
        ],
    }


def _bounded(operation: Operation) -> Operation:
    """What people enter is held in its bounds before any verb reads it, whichever door it came by."""

    async def called(tx: Transaction, id: str | None = None, *, version: int | None = None, **given: Any) -> Any:
        check_entered(operation.parameters, given, tx.now)
        return await operation.call(tx, id, version=version, **given)

    return replace(operation, call=called)


OPERATIONS: tuple[Operation, ...] = (
    *(_bounded(_of_request(operation)) for operation in referrals.OPERATIONS),
    *(_bounded(_of_diary(operation)) for operation in booking.OPERATIONS),
    *(_bounded(operation) for operation in (*opposition_everywhere.OPERATIONS, *labels.OPERATIONS, *merging.OPERATIONS)),
)
"""What `POST [type]/[id]/$verb` and the buttons call: `call(tx, id, *, version, **parameters)` answers the id to show."""
