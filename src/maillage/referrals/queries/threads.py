"""What a page shows of a request: what happened to it, who reads it, the others of the patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from maillage.access import visible_to
from maillage.codes.json import decode
from maillage.record import Visible
from maillage.referrals.queries.cases import visible_request
from maillage.referrals.queries.parts import current_form
from maillage.store import Params, Transaction

Row = Any


async def form_of(tx: Transaction, request_id: str) -> list[Any]:
    """The answers to the form of a request that the actor may see, as items of a QuestionnaireResponse."""
    await visible_request(tx, request_id)
    row = await current_form(tx, request_id)
    return items_of([row] if row else ())


def items_of(forms: Sequence[Row]) -> list[Any]:
    """The answers of the latest of these forms."""
    items: list[Any] = decode(forms[-1]["items"]) if forms and forms[-1]["status"] != "entered-in-error" else []
    return items


_ORDERS: Final = {
    "referral_status": "seq",
    "referral_question": "round, x.number",
    "referral_child": "authored_on, x.number",
    "referral_letter": "signed_at, x.id",
    "referral_breach": "at, x.level",
    "capacity_failure": "opened_at, x.id",
    "patient_interval": "starts, x.id",
}
_PARTS: Final = [
    *(f"(SELECT array_agg(x ORDER BY x.{order}) FROM {table} x WHERE x.task_id = $1) AS {table}" for table, order in _ORDERS.items()),
    "(SELECT array_agg(x ORDER BY x.authored, x.id) FROM referral_form x WHERE x.request_id = $2) AS referral_form",
    "(SELECT array_agg(x ORDER BY x.display) FROM referral_reading x WHERE x.task_id = $1 AND x.expires_at > $3 AND x.reader_id <> $4) AS readers",
]


async def thread(tx: Transaction, task: Row) -> dict[str, Sequence[Row]]:
    """What happened to a Task, for its page: statuses, questions, children, letters, breaches, ledger, intervals, forms, and who else has it on screen.

    One statement, whatever happened. The Task must be visible. Of one that was entered in error nothing is told but that it was, and why.
    """
    row = await tx.fetchrow(f"SELECT {', '.join(_PARTS)}", task["id"], task["request_id"], tx.now, tx.actor.id)
    found: dict[str, Sequence[Row]] = {part: rows or () for part, rows in row.items()} if row else {}
    return _masked(found) if task["state"] == "entered-in-error" else found


def _masked(found: dict[str, Sequence[Row]]) -> dict[str, Sequence[Row]]:
    """The same rows without what people wrote; the last status says why."""
    *before, last = found["referral_status"]
    children = [{**row, "description": "", "comment": ""} for row in found["referral_child"]]
    statuses = [*({**row, "comment": ""} for row in before), last]
    masked: dict[str, Sequence[Row]] = dict(found)
    masked["referral_status"], masked["referral_child"], masked["referral_question"] = statuses, children, ()
    return masked


async def open_tasks_of_patient(tx: Transaction, patient_id: str) -> Sequence[Row]:
    """The open Tasks of a patient with their two sides, whoever asks: to tell them, not to show."""
    return await tx.fetch(
        "SELECT id, requester_org, owner_org FROM referral_task WHERE patient_id = $1 AND turn IS NOT NULL AND sent_at IS NOT NULL ORDER BY number",
        patient_id,
    )


async def last_request_of(tx: Transaction, role_id: str) -> str | None:
    """The request that somebody sent last in this role, as far as the actor may see it."""
    seen = visible_to(tx.actor, "ServiceRequest").sql("r", params := Params([role_id]))
    where = f"r.requester_role_id = $1 AND r.first_sent_at IS NOT NULL AND {seen}"
    row = await tx.fetchrow(f"SELECT r.id FROM service_request r WHERE {where} ORDER BY r.first_sent_at DESC LIMIT 1", *params)
    return row and str(row["id"])


async def patient_requests(tx: Transaction, patient_id: str, visible: Visible) -> Sequence[Row]:
    """The Tasks of one patient that the actor may see, the newest first."""
    params = Params([patient_id])
    return await tx.fetch(
        f"""
        SELECT t.*, s.name AS service_name FROM referral_task t JOIN healthcare_service s ON s.id = t.service_id
        WHERE t.patient_id = $1 AND {visible.sql("t", params)} ORDER BY t.authored_on DESC, t.number
        """,
        *params,
    )


async def untold(tx: Transaction, task_id: str) -> Row:
    """How many steps of a shared Task the peer was not told yet, and how many it refused. The Task must be visible."""
    return await tx.fetchrow(
        """
        SELECT count(*) FILTER (WHERE told_at IS NULL AND refused_at IS NULL) AS waiting, count(refused_at) AS refused
        FROM referral_step WHERE task_id = $1
        """,
        task_id,
    )
