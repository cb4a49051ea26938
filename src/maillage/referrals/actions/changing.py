"""What changes on the way without moving the request: its priority, and when the patient is not free."""

from __future__ import annotations

from datetime import datetime

from maillage.kernel.errors import Invalid
from maillage.kernel.working_time import Delay, add_delay
from maillage.referrals import queries, rules
from maillage.referrals.actions import intervals, turns
from maillage.referrals.actions.case import Case, Work, load
from maillage.referrals.actions.engine import finish, move
from maillage.referrals.actions.rows import update
from maillage.referrals.actions.sharing import shared
from maillage.referrals.types import PRIORITIES, Act
from maillage.store import Transaction

NEWS = Delay(1, "wd")
"""Until when whoever holds the turn answers a patient who hears nothing (workflow rule book 15)."""


@shared("change-priority")
async def change_priority(
    tx: Transaction, id: str, *, version: int | None = None, priority: str, reason: str | None = None, comment: str = ""
) -> str:
    """Change the priority with a reason; both sides are told. Only the requester's side changes the request itself."""
    case = await load(Work(tx, "change-priority"), id, version)
    act = Act(priority=priority, reason=reason, comment=comment)
    runs = case.task["due_at"] is not None and priority in PRIORITIES  # a request that has ended has no clock; the move refuses it
    clock = rules.rescaled(turns.clock_of(case.task), priority, tx.now, case.calendar, case.delays) if runs else None
    await move(case, "change-priority", act, priority=priority, **(turns.clock_columns(clock, case) if clock else {}))
    await carry_priority(case, priority)
    return await finish(case)


async def carry_priority(case: Case, priority: str) -> None:
    """Child Tasks follow the priority of their Task; the request follows when its own side changed it."""
    tx = case.tx
    for child in await queries.open_children(tx, case.id):
        await update(tx, "referral_child", child["id"], priority=priority)
        case.work.touch("referral_child", child["id"])
    if "RC" in case.parties:
        case.request = await update(tx, "service_request", case.request["id"], priority=priority)
        case.work.touch("service_request", case.request["id"])


@shared("declare-unavailable")
async def declare_unavailable(
    tx: Transaction, id: str, *, version: int | None = None, start: datetime, end: datetime, contact: str | None = None
) -> str:
    """The patient will not be free in a period (P1); afterwards only with a logged contact."""
    case = await load(Work(tx, "declare-unavailable"), id, version)
    if start < tx.now and not (contact or "").strip():
        raise Invalid.one("contact-missing", "Parameters.parameter.where(name='contact')")
    await move(case, "declare-unavailable", Act(slot=(start, end), comment=contact or ""))
    await intervals.write(case, rules.Interval("P1", start, end), "declare-unavailable", contact or "")
    return await finish(case)


@shared("say-no-news")
async def say_no_news(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """The patient hears nothing: a task for whoever holds the turn, due in one working day; it ends when the request moves."""
    case = await load(Work(tx, "say-no-news"), id, version)
    task = case.task
    why = {name: task[name] for name in ("reason_list", "reason", "reason_axis", "comment")}
    await move(case, "say-no-news", Act(), **why)
    await turns.open_child(case, "no-news", task["turn"], task["holder"], add_delay(tx.now, NEWS, case.calendar))
    return await finish(case)
