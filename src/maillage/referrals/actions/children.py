"""Follow-ups: the requester accepts them or hands them back, somebody does them (hazards H18, H24)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maillage.kernel.answers import Refused
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from maillage.referrals import queries, rules
from maillage.referrals.actions import telling, turns
from maillage.referrals.actions.case import Case, Work, case_of
from maillage.referrals.actions.engine import refuse
from maillage.referrals.actions.rows import update
from maillage.referrals.actions.sharing import shared
from maillage.referrals.types import FOLLOW_UP_OUTCOMES, PARTIES
from maillage.store import Transaction

Row = Any


@shared("accept")
async def accept_follow_up(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """The requester takes the follow-up."""
    case, child = await _load(tx, "accept", id, version)
    await _move(case, child, "accept")
    return await _finish(case, id)


@shared("hand-back")
async def hand_back(tx: Transaction, id: str, *, version: int | None = None, comment: str = "") -> str:
    """The requester gives the follow-up back: the service that recommended it books it."""
    case, child = await _load(tx, "hand-back", id, version)
    await _move(case, child, "hand-back", comment)
    return await _finish(case, id)


@shared("done")
async def done(tx: Transaction, id: str, *, version: int | None = None, outcome: str = "done", comment: str = "") -> str:
    """The follow-up is over: done, not-needed, patient-declined, or lost after two contacts."""
    case, child = await _load(tx, "done", id, version)
    await _move(case, child, "done", comment, outcome)
    return await _finish(case, id)


@shared("give-news")
async def give_news(tx: Transaction, id: str, *, version: int | None = None, comment: str = "") -> str:
    """Whoever holds the turn told the patient: what was said is kept."""
    case, child = await _load(tx, "give-news", id, version)
    await _move(case, child, "give-news", comment)
    return await _finish(case, id)


def holds(case: Case, child: Row, verb: str) -> bool:
    """Whether the actor is of the side that the patient waits for; a follow-up passes from one side to the other by its own verbs."""
    side = {"RC", "RO"} if child["turn"] == "requester" else {"PC", "PO", "LD"}
    return verb != "give-news" or bool(side & case.parties)


async def settle_follow_up(case: Case, decision: Mapping[str, Any], number: int) -> None:
    """One of the follow-ups of a letter that is being acknowledged: accepted, or handed back with a word."""
    where = f"Parameters.parameter.where(name='follow_ups')[{number}]"
    child = await queries.child(case.tx, str(decision.get("id") or ""))
    if child is None or child["task_id"] != case.id:
        raise NotFound("Task", str(decision.get("id") or ""))
    verb, comment = str(decision.get("decision") or ""), str(decision.get("comment") or "")
    if verb not in ("accept", "hand-back"):
        raise Invalid.one("unknown-decision", f"{where}.part.where(name='decision')", verb)
    if verb == "hand-back" and not comment.strip():
        raise Invalid.one("comment-missing", f"{where}.part.where(name='comment')")
    if (child["state"], verb) != ("accepted", "accept"):
        await _move(case, child, verb, comment)


async def _load(tx: Transaction, verb: str, id: str, version: int | None) -> tuple[Case, Row]:
    table, task_id, request_id = await queries.find_task(tx, id)
    if table != "referral_child":
        raise Conflict("not-a-follow-up")
    request = await queries.lock_request(tx, request_id)
    child = await queries.child(tx, id)
    if version is not None and version != child["version"]:
        raise Stale(child["version"])
    return await case_of(Work(tx, verb), request, await queries.task(tx, task_id)), child


async def _move(case: Case, child: Row, verb: str, comment: str = "", outcome: str | None = None) -> None:
    line = rules.CHILD_TABLE.check(child["state"], verb, [party for party in PARTIES if party in case.parties])
    if isinstance(line, Refused):
        refuse(rules.explained(line, rules.CHILD_TABLE, child["state"], verb, case.tx.actor, case.facts), child["state"])
    if verb not in rules.BY_HAND.get(child["code"], ()):
        raise Conflict("follows-its-task")
    if not holds(case, child, verb):
        raise NotAllowed("not-the-holder")
    if "comment-missing" in line.needs and not comment.strip():
        raise Invalid.one("comment-missing", "Parameters.parameter.where(name='comment')")
    if outcome is not None and outcome not in FOLLOW_UP_OUTCOMES:
        raise Invalid.one("unknown-outcome", "Parameters.parameter.where(name='outcome')", outcome)
    turn = rules.CHILD_TABLE.states[line.target].turn
    held = {"holder": turns.holder(turn, case)} if turn else {}
    values = {"state": line.target, "turn": turn, "entered_at": case.tx.now, "outcome": outcome, "comment": comment.strip(), **held}
    await update(case.tx, "referral_child", child["id"], **values)
    await turns.child_status(case, child["id"], verb, line.target, comment.strip())
    case.work.touch("referral_child", child["id"])
    for party in line.tells:
        await telling.tell_party(case, f"referral-follow-up-{verb}", party)


async def _finish(case: Case, id: str) -> str:
    await case.work.finish(("Task", id), case.task["patient_id"])
    return id
