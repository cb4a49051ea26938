"""What belongs to a request or a Task that was found: children, forms, files, questions, breaches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from maillage.referrals.queries.cases import AROUND, tasks_of, visible_task
from maillage.referrals.queries.rows import rows_of
from maillage.store import Transaction

Row = Any


async def child(tx: Transaction, id: str) -> Row:
    """One child Task."""
    return await tx.fetchrow("SELECT * FROM referral_child WHERE id = $1", id)


async def open_children(tx: Transaction, task_id: str) -> Sequence[Row]:
    """The child Tasks that somebody still owes."""
    return await tx.fetch("SELECT * FROM referral_child WHERE task_id = $1 AND turn IS NOT NULL ORDER BY authored_on, number", task_id)


async def children_of(tx: Transaction, task_id: str) -> Sequence[Row]:
    """Every child Task, the oldest first."""
    return await tx.fetch("SELECT * FROM referral_child WHERE task_id = $1 ORDER BY authored_on, number", task_id)


async def current_form(tx: Transaction, request_id: str) -> Row | None:
    """The answers to the form of a request: the latest."""
    rows = await forms_of(tx, request_id)
    return rows[-1] if rows else None


async def forms_of(tx: Transaction, request_id: str) -> Sequence[Row]:
    """Every form of a request, the oldest first."""
    sql = "SELECT * FROM referral_form WHERE request_id = $1 ORDER BY authored, id"
    return await rows_of(tx, "referral_form", request_id, sql, ("authored", "id"))


async def attachments(tx: Transaction, request_id: str) -> Sequence[Row]:
    """The files of a request, of its answers and letters, in the order in which they came. The request must be visible."""
    sql = "SELECT * FROM referral_attachment WHERE request_id = $1 ORDER BY attached_at, id"
    return await rows_of(tx, "referral_attachment", request_id, sql, ("attached_at", "id"))


async def files_of_letter(tx: Transaction, letter: str) -> list[str]:
    """The files that came with a letter: they are held back with it."""
    rows = await tx.fetch("SELECT id FROM referral_attachment WHERE letter_id = $1 ORDER BY attached_at, id", letter)
    return [row["id"] for row in rows]


async def appointment_of(tx: Transaction, task_id: str) -> str | None:
    """The appointment that a Task holds now: a journey reads it before a verb that frees the slot. Raises `NotFound`."""
    found: str | None = (await visible_task(tx, task_id))["appointment_id"]
    return found


async def form_ids(tx: Transaction, request_id: str) -> list[str]:
    """Every form of a request, the oldest first."""
    return [row["id"] for row in await forms_of(tx, request_id)]


async def service_ids(tx: Transaction, request_id: str) -> list[str]:
    """The services to which a request is or was addressed, in that order."""
    first: dict[str, datetime] = {}
    for row in await tasks_of(tx, request_id):
        first.setdefault(row["service_id"], row["authored_on"])
    return sorted(first, key=lambda service: (first[service], service))


async def questions(tx: Transaction, task_id: str, round_: int) -> Sequence[Row]:
    """The items of one round, in their order."""
    return await tx.fetch("SELECT * FROM referral_question WHERE task_id = $1 AND round = $2 ORDER BY number", task_id, round_)


async def around(tx: Transaction, task_id: str, due_at: datetime | None) -> Row:
    """What other rows say of a Task: `insisted` (its decision was reviewed once), `late` (its deadline has passed the step at which the
    requester may go elsewhere), `unsettled` (how many follow-ups the requester has neither accepted nor handed back), `no_news` (the patient said to hear
    nothing, and nobody has acted since).
    """
    return await tx.fetchrow(f"SELECT {AROUND.format(task='$1', due='$2')}", task_id, due_at)


async def unsettled_follow_ups(tx: Transaction, task_id: str) -> int:
    """Follow-ups that the requester has neither accepted nor handed back."""
    return int(
        await tx.fetchval("SELECT count(*) FROM referral_child WHERE task_id = $1 AND code = 'follow-up' AND state = 'due'", task_id)
    )


async def removed_time(tx: Transaction, task_id: str) -> Sequence[Row]:
    """The periods of a Task that belong to the patient."""
    return await tx.fetch("SELECT * FROM patient_interval WHERE task_id = $1 ORDER BY starts, id", task_id)


async def open_failures(tx: Transaction, task_id: str) -> Sequence[Row]:
    """Lines of the capacity ledger that are not resolved."""
    return await tx.fetch("SELECT * FROM capacity_failure WHERE task_id = $1 AND resolution IS NULL ORDER BY opened_at, id", task_id)


async def breach_levels(tx: Transaction, task_id: str, deadline: str, due_at: datetime) -> set[int]:
    """The steps already written for the running deadline."""
    rows = await tx.fetch(
        "SELECT level FROM referral_breach WHERE task_id = $1 AND deadline = $2 AND due_at = $3 ORDER BY level", task_id, deadline, due_at
    )
    return {row["level"] for row in rows}
