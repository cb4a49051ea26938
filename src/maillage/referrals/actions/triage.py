"""Deciding: look, ask for what is missing, accept, advise, redirect, decline, say that no place is left, review an insisted request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from maillage import directory
from maillage.kernel.errors import NotFound
from maillage.referrals import queries
from maillage.referrals.actions import ledger, turns
from maillage.referrals.actions.case import Case, Work, case_of, load
from maillage.referrals.actions.changing import carry_priority
from maillage.referrals.actions.engine import finish, move
from maillage.referrals.actions.rows import insert
from maillage.referrals.actions.sending import forward
from maillage.referrals.actions.sharing import shared, tell_peer
from maillage.referrals.types import DATED_RECOMMENDATIONS, Act
from maillage.store import Transaction

READING_LASTS: Final = timedelta(minutes=15)


@shared("open")
async def open_(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """The first display in the triage role: the request is read."""
    case = await load(Work(tx, "open"), id, version)
    await move(case, "open", Act(), opened_at=tx.now)
    return await finish(case)


async def look(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """Show a Task to its reader: "read by X" for 15 minutes, which blocks nobody; opens it when the triage sees it first."""
    del version  # whoever looks has decided nothing yet
    row = await queries.visible_task(tx, id)
    case = await case_of(Work(tx, "look"), await queries.visible_request(tx, row["request_id"]), row)
    if not case.parties & {"PC", "PO", "LD"}:
        return id
    await _note_reader(tx, id)
    if row["state"] != "sent" or not case.parties & {"PC", "PO"}:
        return id
    await queries.lock_request(tx, row["request_id"])  # of two who look at once, the second finds it open
    return await open_(tx, id) if (await queries.task(tx, id))["state"] == "sent" else id


async def _note_reader(tx: Transaction, id: str) -> None:
    await tx.execute(
        """
        INSERT INTO referral_reading (task_id, reader_id, display, organization, expires_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT ON CONSTRAINT referral_reading_pkey DO UPDATE SET expires_at = excluded.expires_at
        """,
        id,
        tx.actor.id,
        tx.actor.display or tx.actor.id,
        tx.actor.organization,
        tx.now + READING_LASTS,
    )


@shared("ask-info")
async def ask_info(
    tx: Transaction, id: str, *, version: int | None = None, items: Sequence[str], clinical: bool = False, comment: str = ""
) -> str:
    """Ask for named items; the office for completeness only. The third round is a telephone call."""
    case = await load(Work(tx, "ask-info"), id, version)
    named = tuple(item.strip() for item in items if item.strip())
    round_ = case.task["rounds"] + 1
    await move(case, "ask-info", Act(items=named, clinical_items=clinical, comment=comment), rounds=round_)
    axis = "clinical" if clinical else "completeness"
    for number, item in enumerate(named, start=1):
        await insert(tx, "referral_question", task_id=id, round=round_, number=number, axis=axis, item=item)
    return await finish(case)


@shared("answer-info")
async def answer_info(
    tx: Transaction, id: str, *, version: int | None = None, answers: Sequence[Mapping[str, Any]], comment: str = ""
) -> str:
    """Answer each item asked, or say that it cannot be: `answers` holds `number`, and `answer` or `cannot`."""
    case = await load(Work(tx, "answer-info"), id, version)
    asked = await queries.questions(tx, id, case.task["rounds"])
    given = {int(answer["number"]): answer for answer in answers}
    unanswered = tuple(str(row["number"]) for row in asked if not _is_answered(given.get(row["number"])))
    cannot = any(given.get(row["number"], {}).get("cannot") for row in asked)
    await move(case, "answer-info", Act(unanswered=unanswered, comment=comment), unanswered_round=case.task["unanswered_round"] or cannot)
    for row in asked:
        answer = given[row["number"]]
        await tx.execute(
            "UPDATE referral_question SET answer = $4, cannot = $5, answered_at = $6 WHERE task_id = $1 AND round = $2 AND number = $3",
            id,
            row["round"],
            row["number"],
            str(answer.get("answer") or "").strip(),
            bool(answer.get("cannot")),
            tx.now,
        )
    return await finish(case)


def _is_answered(answer: Mapping[str, Any] | None) -> bool:
    return answer is not None and bool(str(answer.get("answer") or "").strip() or answer.get("cannot"))


@shared("accept")
async def accept(
    tx: Transaction, id: str, *, version: int | None = None, priority: str | None = None, reason: str | None = None, comment: str = ""
) -> str:
    """Accept, keeping the priority or changing it with a reason. Of several services asked, the first to accept is the only one.

    From `insisted` it is the senior who overturns the decision.
    """
    case = await load(Work(tx, "accept"), id, version)
    changed = priority if priority not in (None, case.task["priority"]) else None
    act = Act(priority=changed, reason=reason if changed else None, comment=comment)
    await move(case, "accept", act, **_decided(case), **({"priority": changed} if changed else {}))
    if changed:
        await carry_priority(case, changed)
    await drop_others(case)
    return await finish(case)


def _decided(case: Case) -> dict[str, Any]:
    return {"decided_at": case.tx.now, "decided_by": case.tx.actor.id}


async def drop_others(case: Case) -> None:
    """The first acceptance takes the request away from the other services that were asked (row C3)."""
    for row in await queries.tasks_of(case.tx, case.request["id"]):
        if row["id"] != case.id and row["fhir_status"] == "received":
            case.work.tx = case.tx.beyond()  # the other service's Task is not in sight of this one
            other = await case_of(case.work, case.request, row)
            await move(replace(other, parties=frozenset({"SY"})), "not-selected", Act())
            await tell_peer(case.work.tx, "withdraw", row["id"], {"reason": "seen-elsewhere"})


@shared("advise")
async def advise(
    tx: Transaction, id: str, *, version: int | None = None, recommendation: str, text: str, due: datetime | None = None
) -> str:
    """Answer without a visit: a coded recommendation and a text; one that has a date opens a follow-up."""
    case = await load(Work(tx, "advise"), id, version)
    act = Act(recommendation=recommendation, recommendation_due=due, comment=text)
    given = {"recommendation": recommendation, "recommendation_due": due, "advice": text.strip()}
    await move(case, "advise", act, **_decided(case), **given)
    if recommendation in DATED_RECOMMENDATIONS and due is not None:
        holder = turns.holder("requester", case)
        await turns.open_child(case, "follow-up", "requester", holder, due, text.strip(), recommendation=recommendation)
    await drop_others(case)
    return await finish(case)


@shared("redirect")
async def redirect(
    tx: Transaction, id: str, *, version: int | None = None, service: str, reason: str | None = None, comment: str = ""
) -> str:
    """Hand the request to another service with its content: this Task is redirected, a new one is sent there."""
    case = await load(Work(tx, "redirect"), id, version)
    target = await open_target(tx, service, case.task["service_id"])
    act = Act(reason=reason, comment=comment, target_open=target is not None)
    await move(case, "redirect", act, **_decided(case))
    if case.task["reason_axis"] == "capacity":
        await ledger.write(case, "redirection", case.task["reason"], resolution="other-service")
    await ledger.resolve(case, "other-service")
    await forward(case, target or case.service, "redirect")  # the move refuses a closed target
    return await finish(case)


async def open_target(tx: Transaction, service_id: str, current: str) -> directory.Service | None:
    """The service to which a request may be handed; None when it is unknown, closed, or the same."""
    try:
        service = await directory.get_service(tx, service_id.rpartition("/")[2])
    except NotFound:
        return None
    return service if service.active and service.id != current else None


@shared("decline")
async def decline(tx: Transaction, id: str, *, version: int | None = None, reason: str | None = None, comment: str = "") -> str:
    """Say no, for a reason that is never a lack of capacity. From `insisted` it is the senior who upholds the decision.

    Frees the slot: the journey gives it back in the same transaction.
    """
    case = await load(Work(tx, "decline"), id, version)
    await move(case, "decline", Act(reason=reason, comment=comment), **_decided(case), **turns.WITHOUT_SLOT)
    await ledger.resolve(case, "withdrawn")
    return await finish(case)


@shared("no-place")
async def no_place(
    tx: Transaction, id: str, *, version: int | None = None, reason: str | None = None, comment: str = "", wanted_by: datetime | None = None
) -> str:
    """No slot within the target: the request waits for a place, and the ledger keeps it. Nobody is refused for lack of capacity."""
    case = await load(Work(tx, "no-place"), id, version)
    await park(case, reason, comment, wanted_by)
    return await finish(case)


async def park(case: Case, reason: str | None, comment: str, wanted_by: datetime | None = None) -> None:
    """Move to waiting-capacity with its line in the ledger; the visit target from the first sending becomes the deadline."""
    await move(case, "no-place", Act(reason=reason, comment=comment))
    await ledger.write(case, "first-offer", case.task["reason"], wanted_by=wanted_by)
