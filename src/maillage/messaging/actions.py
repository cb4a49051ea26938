"""Telling people that something awaits them (workflows.md 0.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maillage.kernel.ids import new_id
from maillage.store import Transaction, outbox
from maillage.store.sql import Params

TOPIC = "notification"


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
    await tx.execute(
        """
        INSERT INTO notification (id, event, focus_type, focus_id, organization_id, role, role_id, patient_id, urgent, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        id,
        event,
        *focus,
        organization,
        role,
        role_id,
        patient,
        urgent,
        tx.now,
    )
    await outbox.enqueue(tx, TOPIC, {"notification": id}, key=f"{focus[0]}/{focus[1]}")


async def deliver(tx: Transaction, payload: dict[str, Any]) -> None:
    """Outbox handler: mark an in-app notification as delivered, once however often the message comes."""
    await tx.execute("UPDATE notification SET delivered_at = coalesce(delivered_at, $2) WHERE id = $1", payload["notification"], tx.now)


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
