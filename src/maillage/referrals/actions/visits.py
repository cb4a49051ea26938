"""Appointments as the referral sees them: plain values, because the booking room is crossed by a journey in the same transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from maillage.kernel.actor import SYSTEM
from maillage.kernel.bounds import date_problem
from maillage.kernel.errors import Invalid
from maillage.kernel.ids import new_id
from maillage.referrals import queries, rules
from maillage.referrals.actions import intervals, ledger, telling, turns
from maillage.referrals.actions.case import Case, Work, load, speaking
from maillage.referrals.actions.engine import finish, move
from maillage.referrals.actions.rows import insert
from maillage.referrals.actions.sharing import shared
from maillage.referrals.actions.triage import drop_others
from maillage.referrals.types import Act
from maillage.store import Transaction

LATE_CANCELLATION: Final = timedelta(hours=48)
RESCHEDULES_BEFORE_TELLING: Final = 3
REFUSALS_BEFORE_TELLING: Final = 2
LONGEST_VISIT: Final = timedelta(days=1)


def _slot(appointment_id: str, start: datetime, end: datetime) -> dict[str, Any]:
    return {"appointment_id": appointment_id, "slot_start": start, "slot_end": end}


@shared("offer")
async def offer(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    appointment_id: str,
    start: datetime,
    end: datetime,
    expires_at: datetime | None = None,
    contact: str | None = None,
) -> str:
    """Offer a held slot to the patient, who has until the hold expires."""
    case = speaking(await load(Work(tx, "offer"), id, version), contact)
    held = {"offered_at": tx.now, "hold_expires_at": expires_at}
    await move(case, "offer", Act(slot=(start, end), comment=contact or ""), **_slot(appointment_id, start, end), **held)
    await intervals.reached(case)
    return await finish(case)


@shared("book")
async def book(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    appointment_id: str,
    start: datetime,
    end: datetime,
    resolution: str = "slot-added",
    contact: str | None = None,
) -> str:
    """Book the visit. Straight from `sent` it is the requester's office, under the standing acceptance of a bookable service."""
    case = speaking(await load(Work(tx, "book"), id, version), contact)
    before = case.task
    decided = {"decided_at": tx.now} if before["state"] == "sent" else {}
    cleared = {"offered_at": None, "hold_expires_at": None}
    await move(case, "book", Act(slot=(start, end), comment=contact or ""), **_slot(appointment_id, start, end), **cleared, **decided)
    if before["state"] == "offered":
        await intervals.write(case, rules.unanswered_offer(before["offered_at"], tx.now, before["priority"]), "book")
    await intervals.reached(case)
    await ledger.resolve(case, resolution)
    if start > ledger.visit_target(case):
        await ledger.write(case, "visit", "no-slot-in-target", resolution=None)
    if decided:
        await drop_others(case)
    return await finish(case)


@shared("refuse-offer")
async def refuse_offer(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    reason: str | None = None,
    comment: str = "",
    contact: str | None = None,
    inside_constraints: bool = True,
) -> str:
    """The patient says no to an offer; a refused reasonable offer is the patient's part of the wait. Frees the slot."""
    case = speaking(await load(Work(tx, "refuse-offer"), id, version), contact)
    before = case.task
    await move(case, "refuse-offer", Act(reason=reason, comment=comment), refusals=before["refusals"] + 1, **turns.WITHOUT_SLOT)
    await intervals.write(case, rules.unanswered_offer(before["offered_at"], tx.now, before["priority"]), "refuse-offer", contact or "")
    refused = rules.refused_offer(
        before["offered_at"],
        before["slot_start"],
        before["priority"],
        refused_before=before["refusals"],
        inside_constraints=inside_constraints,
    )
    await intervals.write(case, refused, "refuse-offer", contact or "")
    await _tell_again(case)
    return await finish(case)


@shared("offer-expired")
async def offer_expired(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """Nobody answered the offer in time (the scheduler alone). Frees the slot."""
    case = await load(Work(tx, "offer-expired"), id, version)
    before = case.task
    await move(case, "offer-expired", Act(), refusals=before["refusals"] + 1, **turns.WITHOUT_SLOT)
    await intervals.write(case, rules.unanswered_offer(before["offered_at"], tx.now, before["priority"]), "offer-expired")
    await _tell_again(case)
    return await finish(case)


@shared("offer-withdrawn")
async def offer_withdrawn(tx: Transaction, id: str, *, version: int | None = None, reason: str | None = None, comment: str = "") -> str:
    """The service takes its offer back (a cancelled session): nobody refused and no time is the patient's (workflows.md 0.9). Frees the slot."""
    case = await load(Work(tx, "offer-withdrawn"), id, version)
    await move(case, "offer-withdrawn", Act(reason=reason, comment=comment), **turns.WITHOUT_SLOT)
    if case.task["reason_axis"] == "capacity":
        await ledger.write(case, "cancelled-by-service", case.task["reason"])
    return await finish(case)


async def _tell_again(case: Case) -> None:
    if case.task["refusals"] >= REFUSALS_BEFORE_TELLING:
        await telling.tell_party(case, "referral-offers-refused", "RC")


@shared("reschedule")
async def reschedule(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    appointment_id: str,
    start: datetime,
    end: datetime,
    comment: str = "",
    contact: str | None = None,
) -> str:
    """Move the visit to another slot; beyond three times the requester is told."""
    case = speaking(await load(Work(tx, "reschedule"), id, version), contact)
    times = case.task["reschedules"] + 1
    await move(case, "reschedule", Act(slot=(start, end), comment=comment), **_slot(appointment_id, start, end), reschedules=times)
    if times > RESCHEDULES_BEFORE_TELLING:
        await telling.tell_party(case, "referral-rescheduled-often", "RC")
    return await finish(case)


@shared("cancel-appointment")
async def cancel_appointment(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    side: str | None = None,
    reason: str | None = None,
    comment: str = "",
    contact: str | None = None,
) -> str:
    """Cancel the visit, not the request: `side` is patient, hospital or host. Frees the slot.

    What the diary decided (a cancelled session) comes as the scheduler's act, for the office.
    """
    case = speaking(await load(Work(tx, "cancel-appointment"), id, version), contact)
    if tx.actor == SYSTEM:
        case.parties = frozenset({"PO"})
    before = case.task
    await move(case, "cancel-appointment", Act(side=side, reason=reason, comment=comment), **turns.WITHOUT_SLOT)
    if side == "patient" and before["slot_start"] and before["slot_start"] - tx.now < LATE_CANCELLATION:
        await intervals.write(case, rules.after_absence(tx.now), "cancel-appointment", contact or "")
    if case.task["reason_axis"] == "capacity":
        await ledger.write(case, "cancelled-by-service", case.task["reason"])
    return await finish(case)


@shared("mark-not-attended")
async def mark_not_attended(tx: Transaction, id: str, *, version: int | None = None, reason: str = "unknown", comment: str = "") -> str:
    """The patient did not come: a person says so, with a reason or `unknown`."""
    case = await load(Work(tx, "mark-not-attended"), id, version)
    await move(case, "mark-not-attended", Act(reason=reason, comment=comment))
    if case.task["reason_axis"] == "patient":
        await intervals.write(case, rules.after_absence(case.task["slot_start"] or tx.now), "mark-not-attended")
    return await finish(case)


@shared("return-after-absence")
async def return_after_absence(
    tx: Transaction, id: str, *, version: int | None = None, record_reviewed: bool = False, contacts: int = 0, comment: str = ""
) -> str:
    """Give the request back after an absence: the clinician looked at the record, and two contacts were tried."""
    case = await load(Work(tx, "return-after-absence"), id, version)
    act = Act(record_reviewed=record_reviewed, contacts=contacts, comment=comment, reason="after-absence")
    decided = {"decided_at": tx.now, "decided_by": tx.actor.id}
    await move(case, "return-after-absence", act, **decided, **turns.WITHOUT_SLOT)
    await intervals.reached(case)
    return await finish(case)


@shared("mark-seen")
async def mark_seen(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    encounter_id: str | None = None,
    encounter_class: str = "AMB",
) -> str:
    """The visit took place: an Encounter is linked, made here from the slot unless its id is given. The letter is owed from now on.

    Raises `Invalid` for a visit to come, one that ends before it starts or lasts more than a day, an Encounter that is not the patient's here.
    """
    case = await load(Work(tx, "mark-seen"), id, version)
    task = case.task
    since, until = _visit(case, start, end)
    made = encounter_id or new_id()
    if encounter_id is not None:
        await _check_encounter(case, encounter_id)
    first = task["seen_at"] or since or tx.now  # a wait ends at the first visit
    await move(case, "mark-seen", Act(encounter=since is not None or encounter_id is not None), seen_at=first, encounter_id=made)
    if encounter_id is None:
        await _encounter(case, made, since, until, encounter_class)
    await intervals.reached(case)
    await ledger.resolve(case, "overbooked")
    return await finish(case)


def _visit(case: Case, start: datetime | None, end: datetime | None) -> tuple[datetime | None, datetime | None]:
    """From when to when: as told, else as planned; a patient who was seen earlier that day was seen now."""
    task, now = case.task, case.tx.now
    since: datetime | None = start or (min(task["slot_start"], now) if task["slot_start"] else None)
    if since is None:
        return None, None
    if problem := date_problem(since, now, future=False):
        raise Invalid.one(problem, "Parameters.parameter.where(name='start')", since.isoformat())
    planned = task["slot_end"] if start is None and since == task["slot_start"] else None
    until: datetime = end or planned or since + timedelta(minutes=case.service.minutes)
    if until <= since:
        raise Invalid.one("period-ends-before-start", "Parameters.parameter.where(name='end')", until.isoformat())
    if until - since > LONGEST_VISIT:
        raise Invalid.one("visit-too-long", "Parameters.parameter.where(name='end')", until.isoformat())
    return since, until


async def _check_encounter(case: Case, id: str) -> None:
    """An Encounter that is named is here, of this patient, and of the organisation that saw the patient."""
    where = "Parameters.parameter.where(name='encounter_id')"
    found = await queries.encounter_named(case.tx, id)
    if found is None or case.task["owner_org"] not in {found["owner_org"], *found["parties"]}:
        raise Invalid.one("encounter-unknown", where, id)
    if found["patient_id"] != case.task["patient_id"]:
        raise Invalid.one("patient-differs", where, id)


async def _encounter(case: Case, id: str, start: Any, end: Any, encounter_class: str) -> None:
    task = case.task
    await insert(
        case.tx,
        "referral_encounter",
        id=id,
        task_id=case.id,
        patient_id=task["patient_id"],
        owner_org=task["owner_org"],
        requester_org=task["requester_org"],
        **{"class": encounter_class, "starts": start, "ends": end},
        appointment_id=task["appointment_id"],
        role_id=case.tx.actor.role_id,
    )
    case.work.touch("referral_encounter", id)
