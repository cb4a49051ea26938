"""The patient's part of a wait, written by the verbs that cause it (workflows.md 0.9)."""

from __future__ import annotations

from maillage.kernel.ids import new_id
from maillage.referrals import rules
from maillage.referrals.actions.case import Case
from maillage.referrals.actions.rows import insert


async def write(case: Case, interval: rules.Interval | None, verb: str, contact: str = "") -> None:
    """Keep an interval, if there is one."""
    if interval is None:
        return
    tx, task = case.tx, case.task
    await insert(
        tx,
        "patient_interval",
        id=new_id(),
        request_id=case.request["id"],
        task_id=case.id,
        patient_id=task["patient_id"],
        owner_org=task["owner_org"],
        requester_org=task["requester_org"],
        kind=interval.kind,
        starts=interval.start,
        ends=interval.end,
        verb=verb,
        contact=contact,
        written_at=tx.now,
        written_by=tx.actor.role_id or tx.actor.id,
    )


async def reached(case: Case) -> None:
    """The patient was reached again, or the clinician decided: the time after an absence ends here."""
    await case.tx.execute(
        "UPDATE patient_interval SET ends = greatest(starts, $2) WHERE task_id = $1 AND kind = 'P4' AND ends > $2", case.id, case.tx.now
    )
