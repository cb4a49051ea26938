"""From the diary to the request: what is booked, moved, cancelled, kept or missed on the appointment is recorded on its request."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any

from maillage import booking, record, referrals
from maillage.access import visible_to
from maillage.journeys.choice import free_others
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Conflict, Invalid, NotFound
from maillage.store import Transaction, one_by_one

Row = Any
_SENTENCE = 15
"""Characters that the request asks of the reason `other`."""


async def book(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """Book what was held or offered; whoever answers an offer says what the patient said."""
    made = await booking.book(tx, id, version=version)
    return await _booked(tx, made, answered=made["hold_kind"] == "offer")


async def book_slot(tx: Transaction, slot: str, *, patient: str, **asked: Any) -> str:
    """Book a free slot for a patient, and its request when one is named."""
    asked.pop("version", None)
    return await _booked(tx, await booking.book(tx, slot=slot, patient=patient, **await _with_request(tx, asked)))


async def hold_slot(tx: Transaction, slot: str, *, patient: str, **asked: Any) -> str:
    """Hold a free slot; an offer is an offer on the request too."""
    asked.pop("version", None)
    held = await booking.hold(tx, slot=slot, patient=patient, **await _with_request(tx, asked))
    return await record_booking(tx, held["id"])


async def hold(tx: Transaction, _id: str | None = None, *, slot: str, **asked: Any) -> str:
    """The same, asked of Appointment."""
    return await hold_slot(tx, slot, **asked)


async def record_booking(tx: Transaction, id: str) -> str:
    """Record on its request what was just held or booked; answers the appointment."""
    made = await booking.get_appointment(tx, id)
    if made["status"] == "booked":
        return await _booked(tx, made)
    if made["task_id"]:
        task = await _request_of(tx, made)
        if task["ended_at"] is not None:
            raise Conflict("not-in-table", state=task["state"], legal=[])
        if made["hold_kind"] == "offer":
            await referrals.offer(tx, made["task_id"], expires_at=made["expires_at"], **_place(made))
    return id


async def request_named(tx: Transaction, asked: dict[str, Any]) -> dict[str, Any]:
    """What the request says better than an Appointment that names it: its Task, its priority, its requester.

    A client that knows only the order names it in `basedOn`: its open Task at the service of the slot is meant.
    """
    task = asked["task"] or await _task_at(tx, asked["based_on"], asked["slot"])
    return await _with_request(tx, {"task": task}) if task else {}


async def _task_at(tx: Transaction, request: str | None, slot: str | None) -> str | None:
    """The open Task of a request, seen by the caller, at the service of a slot."""
    if not request or not slot:
        return None
    service = (await booking.get_slot(tx, slot))["healthcare_service_id"]
    for task in await referrals.tasks_of(tx, request):
        if task["service_id"] == service and task["ended_at"] is None:
            with suppress(NotFound):
                return str((await referrals.visible_task(tx, task["id"]))["id"])
    return None


async def accept_refill(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """The first of the wave to say yes gets the slot."""
    return await _booked(tx, await booking.accept_refill(tx, id, version=version), answered=True)


async def move(tx: Transaction, id: str, *, version: int | None = None, slot: str) -> str:
    """Move to another slot of the same service."""
    moved = await booking.move(tx, id, version=version, slot=slot)
    if moved["task_id"]:
        await referrals.reschedule(tx, moved["task_id"], **_place(moved))
    return id


async def cancel(
    tx: Transaction, id: str, *, version: int | None = None, reason: str, side: str | None = None, comment: str | None = None
) -> str:
    """Cancel; the request goes back to booking, or to its offer refused.

    Raises `Conflict` (request-waits): the line of a request that waits for a place ends with the request, or with its place.
    """
    cancelled = await booking.cancel(tx, id, version=version, reason=reason, side=side, comment=comment)
    if cancelled["task_id"] and cancelled["booked_at"]:
        await _back_to_booking(tx, cancelled, reason, comment)
    elif cancelled["task_id"] and cancelled["hold_kind"]:
        await _offer_ends(tx, cancelled, reason, comment)
    elif cancelled["task_id"] and (await referrals.visible_task(_follow(tx), cancelled["task_id"]))["state"] == "waiting-capacity":
        raise Conflict("request-waits")
    return id


async def fulfil(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """The visit took place: the letter is owed, unless the request was closed while the patient was there."""
    seen = await booking.fulfil(tx, id, version=version)
    if seen["task_id"] and await _goes_on(tx, seen):
        began = tx.now if seen["starts_at"] > tx.now else None
        await referrals.mark_seen(_at_hospital(tx, seen), seen["task_id"], start=began)
    return id


async def absent(tx: Transaction, id: str, *, version: int | None = None, reason: str = "unknown") -> str:
    """The patient did not come: the request goes back to the clinician."""
    missed = await booking.absent(tx, id, version=version, reason=reason)
    if missed["task_id"] and await _goes_on(tx, missed):
        await referrals.mark_not_attended(_at_hospital(tx, missed), missed["task_id"], reason=reason)
    return id


async def cancel_session(tx: Transaction, id: str, *, version: int | None = None, reason: str, comment: str | None = None) -> str:
    """Cancel a session: each of its patients goes back to booking, before new requests, with a row of the ledger."""
    done = await booking.cancel_session(tx, id, version=version, reason=reason, comment=comment)
    why = "session-cancelled" if reason == "other" else reason
    for appointment in done.appointments:
        if appointment["task_id"] and appointment["booked_at"]:
            await _back_to_booking(tx, appointment, why, comment)
        elif appointment["task_id"]:
            await _offer_ends(tx, appointment, why, comment)
    return str(done.session["id"])


async def run_clock(tx: Transaction) -> None:
    """What time does to the diary, and to the requests whose offer nobody answered: one whose slot somebody else has taken since, too."""
    report = await booking.run_clock(tx)
    await one_by_one(tx, "offer", [fallen for fallen in report.expired if fallen["task_id"]], lambda fallen: _offer_falls(tx, fallen))

    async def expire(id: str) -> None:
        held = await booking.get_appointment(tx, (await referrals.visible_task(tx, id))["appointment_id"])
        if held["status"] == "cancelled":
            await referrals.offer_expired(tx, id)

    await one_by_one(tx, "offer", await referrals.expired_offers(tx), expire)


async def _offer_ends(tx: Transaction, cancelled: Row, reason: str, comment: str | None) -> None:
    """Somebody cancelled what was offered: a house takes its offer back, or the patient's side lets it fall."""
    if cancelled["cancel_side"] not in ("hospital", "host"):
        await _offer_falls(tx, cancelled)
    elif cancelled["hold_kind"] == "offer" and await _has_request_in(tx, cancelled, "offered"):
        await referrals.offer_withdrawn(_follow(tx), cancelled["task_id"], **_why_of_service(reason, comment))


async def _offer_falls(tx: Transaction, fallen: Row) -> None:
    """The patient has no offer any more; a request that has gone on without it stays where it is."""
    if fallen["hold_kind"] == "offer" and await _has_request_in(tx, fallen, "offered"):
        await referrals.offer_expired(_follow(tx), fallen["task_id"])


async def _back_to_booking(tx: Transaction, cancelled: Row, reason: str, comment: str | None) -> None:
    """The visit falls, the request is owed another one; a request that is being cancelled stays so."""
    if not await _has_request_in(tx, cancelled, "booked"):
        return
    side = cancelled["cancel_side"] if cancelled["cancel_side"] in ("hospital", "host") else "patient"
    why = _why(reason, booking.CANCEL_REASONS["patient"], comment) if side == "patient" else _why_of_service(reason, comment)
    await referrals.cancel_appointment(_follow(tx), cancelled["task_id"], side=side, **why)


def _why_of_service(reason: str, comment: str | None) -> dict[str, Any]:
    return _why(reason, (*booking.SESSION_REASONS, "session-cancelled"), comment)


def _why(reason: str, known: Collection[str], comment: str | None) -> dict[str, Any]:
    """A reason of the diary in the words of the request: one that it does not know becomes a sentence."""
    told = comment if comment and len(comment.strip()) >= _SENTENCE else f"appointment cancelled: {reason} {comment or ''}".rstrip()
    return {"reason": reason if reason in known else "other", "comment": told}


async def _goes_on(tx: Transaction, appointment: Row) -> bool:
    return (await referrals.visible_task(_follow(tx), appointment["task_id"]))["ended_at"] is None


async def _has_request_in(tx: Transaction, appointment: Row, state: str) -> bool:
    task = await referrals.visible_task(_follow(tx), appointment["task_id"])
    return bool(task["state"] == state and task["appointment_id"] == appointment["id"])


async def _booked(tx: Transaction, made: Row, *, answered: bool = False) -> str:
    """Record a booking on its request; an offer that was still open falls, another slot was taken."""
    if made["task_id"]:
        task = await _request_of(tx, made)
        if task["state"] == "offered" and task["appointment_id"] != made["id"]:
            await _withdraw(tx, task["appointment_id"])
        await referrals.book(tx, made["task_id"], contact="answered the offer" if answered else None, **_place(made))
        await free_others(tx, made["task_id"])
    return str(made["id"])


async def _withdraw(tx: Transaction, offer: str) -> None:
    if (await booking.get_appointment(tx, offer))["status"] == "pending":
        await booking.cancel(tx, offer, side="hospital", reason="other", comment="another slot was taken", decided=True)


async def _request_of(tx: Transaction, made: Row) -> Row:
    """The Task that an appointment names: of the same patient, at the same service. Raises `Invalid` (other-patient, other-service)."""
    task = await referrals.visible_task(tx, made["task_id"])
    for code, column, name in (("other-patient", "patient_id", "patient_id"), ("other-service", "healthcare_service_id", "service_id")):
        if made[column] != task[name]:
            raise Invalid.one(code, "Appointment.supportingInformation", "the request is for another one")
    return task


async def join_waitlist(tx: Transaction, _id: str | None = None, *, service: str, patient: str, **asked: Any) -> str:
    """Put a patient on the waiting list, for the request that is named."""
    asked.pop("version", None)
    line = await booking.join_waitlist(tx, service=service, patient=patient, **await _with_request(tx, asked))
    if line["task_id"]:
        await _request_of(tx, line)
    return str(line["id"])


async def _with_request(tx: Transaction, asked: dict[str, Any]) -> dict[str, Any]:
    """The requester, the request and the priority of the Task that is named; what the caller says of them is not needed.

    Raises `NotFound` for a Task, `Invalid` (request-unknown) for an order, that the caller does not see.
    """
    if not asked.get("task"):
        order = asked.get("based_on")
        if order and not await record.existing(tx, "ServiceRequest", [order], visible_to(tx.actor, "ServiceRequest")):
            raise Invalid.one("request-unknown", "Parameters.parameter.where(name='based-on')", order)
        return asked
    task = await referrals.visible_task(tx, asked["task"])
    if task["peer_side"] == "performer":
        raise Conflict("diary-elsewhere")
    return {**asked, "based_on": task["request_id"], "requester_org": task["requester_org"], "priority": task["priority"]}


def _follow(tx: Transaction) -> Transaction:
    """The same transaction, for the act that follows in the other room: the right to it was checked where it was decided."""
    return tx.acting_as(SYSTEM)


def _at_hospital(tx: Transaction, appointment: Row) -> Transaction:
    """The same transaction, for a practitioner on a vacation: the visit is the hospital's, whichever house it is held in."""
    actor = tx.actor
    if actor.kind != "person" or actor.organization == appointment["owner_org"]:
        return tx
    return tx.acting_as(replace(actor, organizations=(appointment["owner_org"],)))


def _place(appointment: Row) -> dict[str, Any]:
    return {"appointment_id": appointment["id"], "start": appointment["starts_at"], "end": appointment["ends_at"]}
