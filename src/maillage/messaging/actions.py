"""Telling people that something awaits them (workflows.md 0.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from maillage.kernel.ids import new_id
from maillage.store import Transaction, outbox
from maillage.store.sql import Params

TOPIC = "notification"
_WRITE = """
INSERT INTO notification (id, event, focus_type, focus_id, organization_id, role, role_id, patient_id, urgent, created_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[],
    $10::timestamptz[])
"""
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
    tx.append(_WRITE, [(id, event, *focus, organization, role, role_id, patient, urgent, tx.now)])
    await outbox.enqueue(tx, TOPIC, {"notification": id}, key=f"{focus[0]}/{focus[1]}")


async def deliver(tx: Transaction, payload: dict[str, Any]) -> None:
    """Outbox handler: mark an in-app notification as delivered, once however often the message comes."""
    await tx.execute("UPDATE notification SET delivered_at = coalesce(delivered_at, $2) WHERE id = $1", payload["notification"], tx.now)


async def tell_patient(tx: Transaction, event: str, *, focus: tuple[str, str], patient: str) -> None:
    """Write the outbox message for the patient's own channel; ids only."""
    await outbox.enqueue(tx, PATIENT, {"event": event, "focus": f"{focus[0]}/{focus[1]}", "patient": patient}, key=f"{focus[0]}/{focus[1]}")


async def put_on_agenda(tx: Transaction, focus: tuple[str, str], deadline: str) -> None:
    """Write the outbox message that brings a deadline long passed before the working group."""
    await outbox.enqueue(tx, AGENDA, {"focus": f"{focus[0]}/{focus[1]}", "deadline": deadline}, key=f"{focus[0]}/{focus[1]}")


async def hold_for_channel(tx: Transaction, payload: dict[str, Any]) -> str:
    """Outbox handler: no SMS, e-mail or messaging of the patient's space is connected; the message is held, and `doctor` says so."""
    del tx, payload
    return NO_CHANNEL


async def hold_for_agenda(tx: Transaction, payload: dict[str, Any]) -> str:
    """Outbox handler: no working group has its agenda here yet; the item is held, and `doctor` says so."""
    del tx, payload
    return NO_AGENDA


HANDLERS: Mapping[str, outbox.Handler] = {TOPIC: deliver, PATIENT: hold_for_channel, AGENDA: hold_for_agenda}
"""What the worker does with each topic."""


async def inbox(tx: Transaction, *, limit: int = 50) -> Sequence[Any]:
    """Unread notifications of the actor's active organisation, addressed to all, to the actor's roles or to the actor; urgent first."""
    params = Params()
    organizations = params.add(list(tx.actor.organizations))
    roles, role_id, most = params.add(sorted(tx.actor.roles)), params.add(tx.actor.role_id), params.add(limit)
    return await tx.fetch(
        f"""
        SELECT n.* FROM notification n
        WHERE n.organization_id = ANY ({organizations}::text[]) AND n.read_at IS NULL AND (n.role IS NULL OR n.role = ANY ({roles}::text[]))
            AND (n.role_id IS NULL OR n.role_id = {role_id}::text)
        ORDER BY n.urgent DESC, n.created_at DESC, n.id LIMIT {most}
        """,
        *params,
    )


async def mark_read(tx: Transaction, focus: tuple[str, str]) -> None:
    """The actor looked at the focus: its notifications that the actor's inbox holds are read; a colleague's own stay."""
    await tx.execute(
        """
        UPDATE notification SET read_at = $4, read_by = $5
        WHERE focus_type = $1 AND focus_id = $2 AND organization_id = ANY ($3::text[]) AND read_at IS NULL
            AND (role IS NULL OR role = ANY ($6::text[])) AND (role_id IS NULL OR role_id = $7::text)
        """,
        *focus,
        list(tx.actor.organizations),
        tx.now,
        tx.actor.role_id or tx.actor.id,
        sorted(tx.actor.roles),
        tx.actor.role_id,
    )
