"""The requests of a patient go to another file of the same person, each whole: its Tasks, form, letters, visit, files and ledgers together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from maillage.codes.json import decode, encode_text
from maillage.referrals.actions.case import Work
from maillage.referrals.queries import TYPE_OF_TABLE
from maillage.store import Transaction

Row = Any
_REQUEST, _TASK = "service_request", "referral_task"
_OF_REQUEST: Final = (_TASK, "referral_form", "referral_attachment", "patient_interval")
_OF_TASK: Final = ("referral_child", "referral_letter", "referral_encounter", "capacity_failure")
BESIDE: Final = "merged-files"
"""Why a service has two open requests of one requester for one person: nobody sent the second one, two files were merged."""


_OPEN = """SELECT r.id FROM service_request r WHERE r.patient_id = $1 AND (r.status IN ('draft', 'active')
    OR EXISTS (SELECT FROM referral_task t WHERE t.request_id = r.id AND t.turn IS NOT NULL)
    OR EXISTS (SELECT FROM referral_task t JOIN referral_child c ON c.task_id = t.id WHERE t.request_id = r.id AND c.turn IS NOT NULL))
ORDER BY r.id"""


async def open_of(tx: Transaction, patient: str) -> list[str]:
    """The requests of a patient about which somebody still owes an act: open ones, and closed ones with a follow-up to come."""
    return [row["id"] for row in await tx.beyond().fetch(_OPEN, patient)]


async def lock_open_of(tx: Transaction, patient: str) -> list[str]:
    """The same, locked in order."""
    return [row["id"] for row in await tx.beyond().fetch(f"{_OPEN} FOR UPDATE OF r", patient)]


async def lock_these(tx: Transaction, patient: str, requests: Sequence[str]) -> list[str]:
    """Those of these requests that are this patient's, locked in order."""
    rows = await tx.beyond().fetch(
        "SELECT id FROM service_request WHERE id = ANY ($1::text[]) AND patient_id = $2 ORDER BY id FOR UPDATE", list(requests), patient
    )
    return [row["id"] for row in rows]


async def rows_of(tx: Transaction, requests: Sequence[str], target: str) -> list[tuple[str, str, str]]:
    """Every row that makes these requests: table, id, and what a later return has to put back. `target`: whose file they are about to join."""
    eyes, ids = tx.beyond(), list(requests)
    found: list[tuple[str, str, str]] = [(_REQUEST, id, "") for id in ids]
    beside = await _beside(eyes, ids, target)
    for table in _OF_REQUEST:
        rows = await eyes.fetch(f"SELECT id FROM {table} WHERE request_id = ANY ($1::text[]) ORDER BY id", ids)
        found += [(table, row["id"], encode_text({"duplicate_reason": None}) if row["id"] in beside else "") for row in rows]
    for table in _OF_TASK:
        rows = await eyes.fetch(
            f"SELECT x.id FROM {table} x JOIN referral_task t ON t.id = x.task_id WHERE t.request_id = ANY ($1::text[]) ORDER BY x.id", ids
        )
        found += [(table, row["id"], "") for row in rows]
    return found


async def _beside(eyes: Transaction, requests: Sequence[str], target: str) -> set[str]:
    """The open Tasks of these requests beside which the other file has one of the same requester at the same service."""
    rows = await eyes.fetch(
        """
        SELECT t.id FROM referral_task t JOIN referral_task o ON o.patient_id = $2 AND o.service_id = t.service_id
            AND o.requester_org = t.requester_org AND o.duplicate_reason IS NULL AND o.fhir_status IN ('received', 'accepted', 'in-progress')
        WHERE t.request_id = ANY ($1::text[]) AND t.patient_id <> $2 AND t.duplicate_reason IS NULL
            AND t.fhir_status IN ('received', 'accepted', 'in-progress') ORDER BY t.id
        """,
        list(requests),
        target,
    )
    return {row["id"] for row in rows}


async def move(
    tx: Transaction, verb: str, requests: Sequence[str], rows: Sequence[tuple[str, str, str]], target: str, *, joins: bool
) -> list[Row]:
    """Let these requests be of `target`, and photograph what of them is a resource; answers their Tasks. The ledger allows it, row by row.

    A Task that comes to stand beside one of the same requester at the same service says why (`BESIDE`), until it goes back: a person decides which
    of the two goes on. `joins`: the requests come to another file, they do not return to theirs.
    """
    eyes, work = tx.beyond(), Work(tx.beyond(), verb)
    if not requests:
        return []
    beside = {id: decode(was)["duplicate_reason"] for table, id, was in rows if table == _TASK and was}
    if joins:
        await _set_reasons(eyes, list(beside), BESIDE)
    ids = _by_table(rows)
    for table in (_REQUEST, *_OF_REQUEST, *_OF_TASK):
        await eyes.execute(f"UPDATE {table} SET patient_id = $2 WHERE id = ANY ($1::text[])", ids.get(table, []), target)
        for id in ids.get(table, []) if table in TYPE_OF_TABLE else ():
            work.touch(table, id)
    if not joins:
        await _set_reasons(eyes, [id for id, before in beside.items() if before is None], None)
    tx.forget()
    await work.finish(("ServiceRequest", requests[0]), target)
    return list(await eyes.fetch("SELECT * FROM referral_task WHERE id = ANY ($1::text[]) ORDER BY id", ids.get(_TASK, [])))


async def _set_reasons(eyes: Transaction, tasks: Sequence[str], reason: str | None) -> None:
    """Why each of these Tasks stands beside another one: set before it joins that one's file, taken away once it has left."""
    await eyes.execute("UPDATE referral_task SET duplicate_reason = $2 WHERE id = ANY ($1::text[])", list(tasks), reason)


def _by_table(rows: Sequence[tuple[str, str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, id, _ in rows:
        found.setdefault(table, []).append(id)
    return found
