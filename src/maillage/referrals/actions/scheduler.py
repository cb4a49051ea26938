"""What the scheduler does: reminders, breaches, the senior, the working group. It never accepts, refuses or closes anything."""

from __future__ import annotations

from typing import Any, Final

from maillage import messaging
from maillage.kernel.actor import SYSTEM
from maillage.kernel.breach import (
    BREACH,
    GROUP,
    LEAD,
    OFFICE,
    PERFORMER,
    REMINDER,
    REQUESTER,
    SENIOR,
    TOLD,
    Clock,
    next_step,
    steps_to_write,
)
from maillage.kernel.errors import NotAllowed
from maillage.referrals import queries
from maillage.referrals.actions import telling, turns
from maillage.referrals.actions.case import Case, Work, case_of
from maillage.referrals.actions.engine import append_status, finish
from maillage.referrals.actions.rows import insert, update
from maillage.referrals.actions.sharing import tell_peer
from maillage.referrals.actions.triage import park
from maillage.store import Transaction, one_by_one

Row = Any

EVENTS: Final = {REMINDER: "referral-reminder", BREACH: "referral-breach", SENIOR: "referral-breach-senior", GROUP: "referral-breach-group"}
PARTY_OF: Final = {REQUESTER: "RC", PERFORMER: "PC", OFFICE: "PO", LEAD: "LD"}


async def run_deadlines(tx: Transaction, *, limit: int = 200) -> int:
    """Climb the breach ladder for every running deadline; answers how many steps were written. Run by the scheduler's own actor."""
    if tx.actor != SYSTEM:
        raise NotAllowed("scheduler-only")

    async def climb(row: Row) -> int:
        request = await queries.try_lock_request(tx, row["request_id"])
        task = await queries.task(tx, row["id"])
        if request is None or task["ladder_at"] is None or task["ladder_at"] > tx.now:
            return 0
        return await _climb(await case_of(Work(tx, "deadline"), request, task))

    return sum(await one_by_one(tx, "deadline", await queries.running_tasks(tx, limit), climb))


async def _climb(case: Case) -> int:
    clock = turns.clock_of(case.task)
    known = await queries.breach_levels(case.tx, case.id, clock.deadline, clock.due)
    levels = steps_to_write(clock, case.tx.now, case.calendar, known)
    for level in levels:
        await _write(case, clock, level)
        await _tell(case, level)
    await update(case.tx, "referral_task", case.id, ladder_at=next_step(clock, case.tx.now, case.calendar))
    if BREACH in levels:
        await _at_breach(case)
    if case.work.touched:
        await finish(case)
    return len(levels)


async def _write(case: Case, clock: Clock, level: int) -> None:
    task = case.task
    await insert(
        case.tx,
        "referral_breach",
        task_id=case.id,
        deadline=clock.deadline,
        due_at=clock.due,
        level=level,
        at=case.tx.now,
        state=task["state"],
        turn=task["turn"],
        holder=task["holder"],
    )


async def _tell(case: Case, level: int) -> None:
    """Whom the ladder names, as parties of this Task."""
    holder = {"requester": "RC", "performer": "PC"}.get(case.task["turn"], case.task["turn"])
    for party in dict.fromkeys(PARTY_OF.get(told, holder) for told in TOLD[level]):
        await telling.tell_party(case, EVENTS[level], party)
    if level == GROUP:
        await messaging.put_on_agenda(case.tx, ("Task", case.id), case.task["deadline"])


async def _at_breach(case: Case) -> None:
    """At the offer deadline the request waits for a place, in the open; a place that does not come is the senior's turn."""
    if case.task["peer_side"] == "performer":
        return  # its diary is at the peer, whose clock says this
    if case.task["state"] == "to-book":
        await park(case, "no-slot-in-target", "")
        await tell_peer(case.tx, "no-place", case.id, {"reason": "no-slot-in-target"})
    elif case.task["state"] == "waiting-capacity":
        changed = {"turn": "LD", "holder": turns.holder("LD", case), "changed_at": case.tx.now}
        case.task = await update(case.tx, "referral_task", case.id, **changed)
        await append_status(case, "breach", None, None, party="SY")
        case.work.touch("referral_task", case.id)
