"""The way back: letter, acknowledgement, dispute, cancellation, and what the requester decides after a no."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from maillage import record
from maillage.access import labels
from maillage.kernel.errors import Invalid, TooLarge
from maillage.kernel.ids import new_id
from maillage.referrals import queries
from maillage.referrals.actions import attaching, children, intervals, ledger, telling, turns
from maillage.referrals.actions.case import Case, Work, load
from maillage.referrals.actions.engine import finish, move, settle_request
from maillage.referrals.actions.rows import insert, update
from maillage.referrals.actions.sending import forward
from maillage.referrals.actions.sharing import shared
from maillage.referrals.actions.triage import open_target
from maillage.referrals.types import Act
from maillage.store import Transaction

TEXT: Final = "text/plain"
PDF: Final = "application/pdf"
LARGEST_LETTER: Final = 5_000_000
OWNERS: Final = ("requester", "performer")


@shared("send-outcome")
async def send_outcome(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    text: str = "",
    document: str | None = None,
    title: str = "Compte rendu",
    recommendations: Sequence[Mapping[str, Any]] = (),
    done_otherwise: bool = False,
    document_id: str = "",
) -> str:
    """Send the signed letter (a text, or a PDF in base64) with its recommendations: `text`, `due`, `owner` (requester or performer)."""
    case = await load(Work(tx, "send-outcome"), id, version)
    content_type, content = read_letter(text, document)
    previous, letter_id = case.task["document_id"], document_id or new_id()
    act = Act(letter=bool(content), done_otherwise=done_otherwise)
    await move(case, "send-outcome", act, document_id=letter_id, seen_at=_seen_at(case, done_otherwise=done_otherwise))
    await _letter(case, letter_id, content_type, content, title.strip() or "Compte rendu", previous)
    for number, recommendation in enumerate(recommendations):
        await _follow_up(case, recommendation, number)
    await intervals.reached(case)
    await ledger.resolve(case, "other-site" if done_otherwise else "overbooked")
    return await finish(case)


def _seen_at(case: Case, *, done_otherwise: bool) -> datetime | None:
    """When the visit of the letter took place, though nobody had marked it; None when it was done otherwise, or not at all."""
    known: datetime | None = case.task["seen_at"]
    slot: datetime | None = case.task["slot_start"]
    if known or done_otherwise:
        return known
    return min(slot, case.tx.now) if slot else case.tx.now


def read_letter(text: str, document: str | None) -> tuple[str, bytes]:
    """The content of a letter and its type. Raises `Invalid` unless the document is a PDF, `TooLarge` beyond 5 MB."""
    if document is None:
        return TEXT, text.strip().encode()
    try:
        content = base64.b64decode(document, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid.one("attachment-unsafe", "Parameters.parameter.where(name='document')", "not base64") from error
    if not content.startswith(b"%PDF-"):
        raise Invalid.one("attachment-unsafe", "Parameters.parameter.where(name='document')", "not a PDF")
    if len(content) > LARGEST_LETTER:
        raise TooLarge("letter-too-large")
    return PDF, content


async def _letter(case: Case, id: str, content_type: str, content: bytes, title: str, previous: str | None) -> None:
    tx, task = case.tx, case.task
    await insert(
        tx,
        "referral_letter",
        id=id,
        task_id=case.id,
        patient_id=task["patient_id"],
        owner_org=task["owner_org"],
        requester_org=task["requester_org"],
        status="current",
        encounter_id=task["encounter_id"],
        title=title,
        content_type=content_type,
        content=content,
        author_role_id=tx.actor.role_id,
        author_display=tx.actor.display or tx.actor.id,
        signed_at=tx.now,
        replaces=previous,
    )
    case.work.touch("referral_letter", id)
    if previous:
        await update(tx, "referral_letter", previous, status="superseded")
        await labels.follow(tx, "DocumentReference", previous, id)
        case.work.touch("referral_letter", previous)


async def _follow_up(case: Case, recommendation: Mapping[str, Any], number: int) -> None:
    """A recommendation with its owner and date becomes a child Task, which its owner accepts or hands back."""
    where = f"Parameters.parameter.where(name='recommendations')[{number}]"
    text, due, owner = str(recommendation.get("text") or "").strip(), recommendation.get("due"), recommendation.get("owner") or "requester"
    if not text:
        raise Invalid.one("comment-missing", f"{where}.part.where(name='text')")
    if not isinstance(due, datetime):
        raise Invalid.one("date-missing", f"{where}.part.where(name='due')")
    if owner not in OWNERS:
        raise Invalid.one("unknown-owner", f"{where}.part.where(name='owner')", str(owner))
    state = "due" if owner == "requester" else "handed-back"
    await turns.open_child(case, "follow-up", owner, turns.holder(owner, case), due, text, state=state)


@shared("acknowledge")
async def acknowledge(
    tx: Transaction, id: str, *, version: int | None = None, follow_ups: Sequence[Mapping[str, Any]] = (), comment: str = ""
) -> str:
    """Close the loop: the letter was read and each follow-up is accepted or handed back (`id`, `decision`, `comment`).

    The office may file it unread after 60 days.
    """
    case = await load(Work(tx, "acknowledge"), id, version)
    for number, decision in enumerate(follow_ups):
        await children.settle_follow_up(case, decision, number)
    case.facts = replace(case.facts, unsettled_follow_ups=await queries.unsettled_follow_ups(tx, id))
    unread = "" if "RC" in case.parties else "filed-unread"
    await move(case, "acknowledge", Act(comment=comment or unread))
    return await finish(case)


@shared("dispute")
async def dispute(tx: Transaction, id: str, *, version: int | None = None, reason: str | None = None, comment: str = "") -> str:
    """« Il me manque... »: the letter lacks something coded; it is owed again, and its follow-ups wait for the next one."""
    case = await load(Work(tx, "dispute"), id, version)
    await move(case, "dispute", Act(reason=reason, comment=comment), ended_at=None)
    return await finish(case)


@shared("withdraw")
async def withdraw(
    tx: Transaction, id: str, *, version: int | None = None, reason: str | None = None, comment: str = "", abort_id: str = ""
) -> str:
    """Take the request back before any decision: rows 04 and 23 in one transaction."""
    case = await load(Work(tx, "withdraw"), id, version)
    await move(case, "withdraw", Act(reason=reason, comment=comment))
    if abort_id:
        await turns.open_child(case, "abort", "performer", turns.holder("PO", case), tx.now, comment.strip(), id=abort_id)
        await turns.settle(case, await queries.child(tx, abort_id), "settle")
    return await finish(case)


@shared("request-cancellation")
async def request_cancellation(
    tx: Transaction, id: str, *, version: int | None = None, reason: str | None = None, comment: str = "", abort_id: str = ""
) -> str:
    """Ask the service to stop what it accepted: an abort Task whose focus is the Task."""
    case = await load(Work(tx, "request-cancellation"), id, version)
    await move(case, "request-cancellation", Act(reason=reason, comment=comment))
    task = case.task
    await turns.open_child(case, "abort", "performer", turns.holder("PO", case), task["due_at"], comment.strip(), id=abort_id)
    return await finish(case)


@shared("confirm-cancellation")
async def confirm_cancellation(tx: Transaction, id: str, *, version: int | None = None, comment: str = "") -> str:
    """The service stops. Frees the slot."""
    case = await load(Work(tx, "confirm-cancellation"), id, version)
    before = case.task
    await move(case, "confirm-cancellation", Act(comment=comment), **turns.WITHOUT_SLOT)
    await update(tx, "referral_task", id, reason_list=before["reason_list"], reason=before["reason"], reason_axis=before["reason_axis"])
    await ledger.resolve(case, "withdrawn")
    return await finish(case)


@shared("decide-next")
async def decide_next(tx: Transaction, id: str, *, version: int | None = None, reason: str | None = None, comment: str = "") -> str:
    """After a refusal or a redirection the requester closes. The other two ways are `send_elsewhere` and `insist`."""
    case = await load(Work(tx, "decide-next"), id, version)
    await move(case, "decide-next", Act(reason=reason, comment=comment))
    return await finish(case)


@shared("send-elsewhere")
async def send_elsewhere(
    tx: Transaction, id: str, *, version: int | None = None, service: str, reason: str | None = None, comment: str = ""
) -> str:
    """Address the same request to another service, content carried; answers the new Task."""
    case = await load(Work(tx, "send-elsewhere"), id, version)
    target = await open_target(tx, service, case.task["service_id"])
    await move(case, "send-elsewhere", Act(reason=reason, comment=comment, target_open=target is not None))
    new = await forward(case, target or case.service, "send-elsewhere")  # the move refuses a closed target
    await finish(case)
    return new.id


@shared("insist")
async def insist(tx: Transaction, id: str, *, version: int | None = None, text: str = "") -> str:
    """« Je maintiens ma demande »: once per decision, to the named senior, who upholds or overturns; answers the new Task."""
    case = await load(Work(tx, "insist"), id, version)
    await move(case, "insist", Act(comment=text))
    carried = {"insists_on": case.id, "decided_by": case.task["decided_by"], "comment": text.strip()}
    new = await forward(case, case.service, "insist", state="insisted", **carried)
    await telling.tell_party(new, "referral-insist", "LD")
    await finish(case)
    return new.id


@shared("enter-in-error")
async def enter_in_error(tx: Transaction, id: str, *, version: int | None = None, reason: str | None = None, comment: str = "") -> str:
    """This should never have been: before the visit, both copies are masked, in every version, and the senior is told. Frees the slot."""
    case = await load(Work(tx, "enter-in-error"), id, version)
    await move(case, "enter-in-error", Act(reason=reason, comment=comment), **turns.WITHOUT_SLOT)
    await settle_request(case)
    if case.request["status"] == "entered-in-error":
        for form_id in await queries.form_ids(tx, case.request["id"]):
            await update(tx, "referral_form", form_id, status="entered-in-error")
            case.work.touch("referral_form", form_id)
        await attaching.hide(case.work, case.request["id"])
    for child in await queries.children_of(tx, id):
        case.work.touch("referral_child", child["id"])
    await ledger.resolve(case, "withdrawn")
    await finish(case)
    await _mask(case)
    return id


async def _mask(case: Case) -> None:
    """Older versions say no more than the last one, but to the named senior, who must find out what happened (hazard H3)."""
    readers = [case.facts.lead_id] if case.facts.lead_id else []
    whole = case.request["status"] == "entered-in-error"
    tables = {"referral_task", "referral_child"} | ({"service_request", "referral_form", "referral_attachment"} if whole else set())
    for table, id in case.work.touched:
        if table in tables:
            await record.mask(case.tx, queries.TYPE_OF_TABLE[table], id, readers)
