"""Telling people that something awaits them (workflows.md 0.8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from maillage.kernel.ids import new_id
from maillage.messaging.types import Awaiting
from maillage.store import Into, Transaction, outbox
from maillage.store.sql import Params

_ORDER = "latest.urgent DESC, latest.created_at DESC, latest.id"
TOPIC = "notification"
_TABLE = Into(
    "notification",
    (
        *((name, "text") for name in ("id", "event", "focus_type", "focus_id", "organization_id", "role", "role_id", "patient_id")),
        ("urgent", "boolean"),
        ("created_at", "timestamptz"),
    ),
)
PATIENT = "patient-notification"
"""Outbox topic: something awaits the patient, on a channel of the patient's own (+P in workflows.md)."""
AGENDA = "breach-to-agenda"
"""Outbox topic: an item for the working group (workflows.md 0.4, the last step of the breach ladder)."""
NO_CHANNEL, NO_AGENDA = "no-channel", "no-agenda"


async def notify(
    tx: Transaction,
    event: str,
    *,
    focus: tuple[str, str],
    organizations: Sequence[str] = (),
    roles: Sequence[str] = (),
    role_id: str | None = None,
    patient: str | None = None,
    urgent: bool = False,
) -> None:
    """Write one in-app notification per organisation and role, and one outbox message each for the other channels.

    `roles` narrows to role codes of the organisation, `role_id` to one person at one place. The message holds ids only.
    """
    for organization in organizations:
        for role in roles or (None,):
            await _one(tx, event, focus, organization, role, role_id, patient, urgent)


async def _one(
    tx: Transaction,
    event: str,
    focus: tuple[str, str],
    organization: str,
    role: str | None,
    role_id: str | None,
    patient: str | None,
    urgent: bool,
) -> None:
    id = new_id()
    tx.append(_TABLE, [(id, event, *focus, organization, role, role_id, patient, urgent, tx.now)])
    await outbox.enqueue(tx, TOPIC, {"notification": id}, key=f"{focus[0]}/{focus[1]}")


async def deliver(tx: Transaction, payload: dict[str, Any]) -> None:
    """Outbox handler: mark an in-app notification as delivered, once however often the message comes."""
    await tx.execute("UPDATE notification SET delivered_at = coalesce(delivered_at, $2) WHERE id = $1", payload["notification"], tx.now)


async def tell_patient(
    tx: Transaction,
    event: str,
    *,
    focus: tuple[str, str],
    patient: str,
    due_at: datetime | None = None,
    answer_by: datetime | None = None,
) -> None:
    """Write the outbox message for the patient's own channel, to be sent now or later; ids only.

    `answer_by`: until when the patient must have answered, which decides whether the message may wait for the morning.
    """
    about = f"{focus[0]}/{focus[1]}"
    payload = {"event": event, "focus": about, "patient": patient}
    payload |= {name: at.isoformat() for name, at in (("due", due_at), ("answer_by", answer_by)) if at is not None}
    await outbox.enqueue(tx, PATIENT, payload, key=about, due_at=due_at)


async def put_on_agenda(tx: Transaction, focus: tuple[str, str], deadline: str) -> None:
    """Write the outbox message that brings a deadline long passed before the working group."""
    await outbox.enqueue(tx, AGENDA, {"focus": f"{focus[0]}/{focus[1]}", "deadline": deadline}, key=f"{focus[0]}/{focus[1]}")


async def hold_for_agenda(tx: Transaction, payload: dict[str, Any]) -> str:
    """Outbox handler: no working group has its agenda here yet; the item is held, and `doctor` says so."""
    del tx, payload
    return NO_AGENDA


async def inbox(tx: Transaction, *, limit: int = 50, place: Awaiting | None = None) -> Sequence[Any]:
    """What awaits: one row for each thing that the actor's unread notifications are about, with the latest of them; urgent first.

    They are those of the active organisation, addressed to all, to the actor's roles or to the actor. `total` says how many things await in all, `upto`
    at which of them a row stands. From a place on, whatever was read meanwhile, or back to it.
    """
    params = Params()
    mine, beyond = _mine(tx, params), _beyond(place, params)
    return await tx.fetch(
        f"""
        SELECT * FROM (SELECT * FROM (
            SELECT latest.*, count(*) OVER () AS total, row_number() OVER (ORDER BY {_ORDER}) AS upto FROM (
                SELECT DISTINCT ON (n.focus_type, n.focus_id) n.* FROM notification n WHERE {mine}
                ORDER BY n.focus_type, n.focus_id, n.urgent DESC, n.created_at DESC, n.id) AS latest) AS a
            WHERE {beyond} ORDER BY a.upto {"DESC" if place and place.back else "ASC"} LIMIT {params.add(limit)}) AS shown
        ORDER BY shown.upto
        """,
        *params,
    )


def _beyond(place: Awaiting | None, params: Params) -> str:
    """What stands after the place or, `back`, before it."""
    if place is None:
        return "true"
    urgent, at, id = params.add(place.urgent), params.add(place.at), params.add(place.id)
    here, (newest, least) = f"({urgent}::boolean, {at}::timestamptz)", (">", "<") if place.back else ("<", ">")
    return f"((a.urgent, a.created_at) {newest} {here} OR (a.urgent, a.created_at) = {here} AND a.id {least} {id}::text)"


async def mark_read(tx: Transaction, focus: tuple[str, str]) -> None:
    """The actor looked at the focus: its notifications that the actor's inbox holds are read; a colleague's own stay."""
    params = Params(focus)
    await _read(tx, params, f"n.focus_type = $1 AND n.focus_id = $2 AND {_mine(tx, params)}")


async def mark_all_read(tx: Transaction) -> None:
    """Everything that the actor's inbox holds is read, to its end."""
    params = Params()
    await _read(tx, params, _mine(tx, params))


async def _read(tx: Transaction, params: Params, where: str) -> None:
    at, by = params.add(tx.now), params.add(tx.actor.role_id or tx.actor.id)
    await tx.execute(f"UPDATE notification n SET read_at = {at}, read_by = {by} WHERE {where}", *params)


def _mine(tx: Transaction, params: Params) -> str:
    """The unread notifications of the actor's inbox."""
    organizations, roles = params.add(list(tx.actor.organizations)), params.add(sorted(tx.actor.roles))
    return (
        f"n.organization_id = ANY ({organizations}::text[]) AND n.read_at IS NULL AND (n.role IS NULL OR n.role = ANY ({roles}::text[])) "
        f"AND (n.role_id IS NULL OR n.role_id = {params.add(tx.actor.role_id)}::text)"
    )
