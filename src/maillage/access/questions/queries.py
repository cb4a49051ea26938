"""Questions of patients: the patient's own, and those that await an answer in a house."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maillage.access.questions.types import Look, Question
from maillage.store import Transaction

_QUESTION = """SELECT q.id, q.patient_id, q.look_id, q.looked_at, q.practitioner_id, q.display, q.organization_id, q.text, q.asked_at, q.due_at,
    a.text AS answer, a.at AS answered_at FROM access_question q LEFT JOIN access_answer a ON a.question_id = q.id"""


def read(row: Any) -> Question:
    """A row as a question."""
    look = Look(row["look_id"], row["looked_at"], row["practitioner_id"], row["display"], row["organization_id"])
    told = {name: row[name] for name in ("id", "patient_id", "text", "asked_at", "due_at", "answer", "answered_at")}
    return Question(look=look, **told)


async def own(tx: Transaction) -> Sequence[Question]:
    """What the patient who asks has asked, the newest first: all of it after a strong sign-in, behind a link the one that it is about."""
    if tx.actor.kind != "patient":
        return []
    rows = await tx.fetch(f"{_QUESTION} WHERE q.patient_id = $1 ORDER BY q.asked_at DESC, q.id", tx.actor.id)
    found = [read(row) for row in rows]
    return [one for one in found if not tx.actor.only or ("AccessQuestion", one.id) in tx.actor.only]


async def question(tx: Transaction, id: str) -> Question | None:
    """One question put to the actor's organisations."""
    row = await tx.fetchrow(f"{_QUESTION} WHERE q.id = $1 AND q.organization_id = ANY ($2::text[])", id, list(tx.actor.organizations))
    return read(row) if row else None


async def to_answer(tx: Transaction) -> Sequence[Question]:
    """What awaits an answer in the actor's organisations, the first due first; questions about one's own looks are not among them."""
    rows = await tx.fetch(
        f"{_QUESTION} WHERE a.question_id IS NULL AND q.organization_id = ANY ($1::text[]) AND q.practitioner_id <> $2 ORDER BY q.due_at, q.id",
        list(tx.actor.organizations),
        tx.actor.id,
    )
    return [read(row) for row in rows]
