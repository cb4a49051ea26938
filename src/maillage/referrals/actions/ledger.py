"""The ledger of lacking capacity (workflows.md 0.10): a line each time a place lacks, and how it ended."""

from __future__ import annotations

from datetime import datetime

from maillage.kernel.ids import new_id
from maillage.kernel.working_time import add_delay
from maillage.referrals import queries, rules
from maillage.referrals.actions.case import Case
from maillage.referrals.actions.rows import insert, update


async def write(case: Case, step: str, reason: str, *, wanted_by: datetime | None = None, resolution: str | None = None) -> str:
    """Add a line for this Task, linked to the status just written; answers its id."""
    tx, task, id = case.tx, case.task, new_id()
    await insert(
        tx,
        "capacity_failure",
        id=id,
        task_id=case.id,
        patient_id=task["patient_id"],
        owner_org=task["owner_org"],
        requester_org=task["requester_org"],
        service_id=task["service_id"],
        priority=task["priority"],
        step=step,
        reason=reason,
        wanted_by=wanted_by or visit_target(case),
        opened_at=tx.now,
        decision_seq=await queries.next_seq(tx, "referral_status", "task_id", case.id) - 1,
        resolution=resolution,
        resolved_at=tx.now if resolution else None,
    )
    case.work.touch("capacity_failure", id)
    return id


def visit_target(case: Case) -> datetime:
    """By when the visit should take place, from the first sending."""
    since = case.task["first_sent_at"] or case.tx.now
    return add_delay(since, rules.delay_of("visit", case.task["priority"], case.delays), case.calendar)


async def resolve(case: Case, resolution: str) -> None:
    """Say how the open lines of this Task ended."""
    for row in await queries.open_failures(case.tx, case.id):
        await update(case.tx, "capacity_failure", row["id"], resolution=resolution, resolved_at=case.tx.now)
        case.work.touch("capacity_failure", row["id"])
