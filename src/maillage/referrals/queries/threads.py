"""What a page shows of a request: what happened to it, who reads it, the others of the patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maillage.access import visible_to
from maillage.codes.json import decode
from maillage.record import Visible
from maillage.referrals.queries.cases import visible_request, visible_task
from maillage.referrals.queries.parts import current_form
from maillage.store import Params, Transaction

Row = Any


async def form_of(tx: Transaction, request_id: str) -> list[Any]:
    """The answers to the form of a request that the actor may see, as items of a QuestionnaireResponse."""
    await visible_request(tx, request_id)
    row = await current_form(tx, request_id)
    items: list[Any] = decode(row["items"]) if row and row["status"] != "entered-in-error" else []
    return items


async def readers(tx: Transaction, task_id: str) -> Sequence[Row]:
    """Who else has this Task on screen now."""
    return await tx.fetch(
        "SELECT * FROM referral_reading WHERE task_id = $1 AND expires_at > $2 AND reader_id <> $3 ORDER BY display",
        task_id,
        tx.now,
        tx.actor.id,
    )


async def thread(tx: Transaction, task_id: str) -> dict[str, Sequence[Row]]:
    """What happened to a Task, for its page: statuses, questions, children, letters, breaches, ledger, intervals. The Task must be visible.

    Of one that was entered in error nothing is told but that it was, and why.
    """
    masked = (await visible_task(tx, task_id))["state"] == "entered-in-error"
    orders = {
        "referral_status": "seq",
        "referral_question": "round, number",
        "referral_child": "authored_on, number",
        "referral_letter": "signed_at, id",
        "referral_breach": "at, level",
        "capacity_failure": "opened_at, id",
        "patient_interval": "starts, id",
    }
    found: dict[str, Sequence[Row]] = {
        table: await tx.fetch(f"SELECT * FROM {table} WHERE task_id = $1 ORDER BY {order}", task_id) for table, order in orders.items()
    }
    return _masked(found) if masked else found


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
