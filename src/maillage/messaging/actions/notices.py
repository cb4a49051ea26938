"""Telling colleagues beside the pages: who wants it, by what, when; many things in one message, each thing once."""

from __future__ import annotations

from typing import Any

from maillage.kernel.errors import Conflict
from maillage.messaging import rules
from maillage.messaging.actions.inapp import NO_CHANNEL
from maillage.messaging.types import EMAIL, NONE, NOTICE, SMS, UNREAD, Message, Post, Setting
from maillage.store import Transaction, outbox

TELL = "notice"
"""Outbox topic: one message to a colleague, that so many things await."""


async def setting_of(tx: Transaction, role_id: str, organization_id: str) -> Setting:
    """How somebody wants to be told; nothing said is the pages alone."""
    row = await tx.fetchrow("SELECT * FROM notification_setting WHERE role_id = $1", role_id)
    return _setting(row) if row else Setting(role_id, organization_id)


async def save_setting(tx: Transaction, setting: Setting) -> None:
    """Keep what somebody chose; what was to leave by another channel leaves no more."""
    quiet = setting.quiet or (None, None)
    await tx.execute(
        """
        INSERT INTO notification_setting (role_id, organization_id, roles, channel, email, phone, digest_at, quiet_from, quiet_to, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (role_id) DO UPDATE SET organization_id = excluded.organization_id,
            roles = excluded.roles, channel = excluded.channel, email = excluded.email, phone = excluded.phone, digest_at = excluded.digest_at,
            quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, changed_at = excluded.changed_at
        """,
        *(setting.role_id, setting.organization_id, list(setting.roles), setting.channel, setting.email, setting.phone),
        *(setting.digest, *quiet, tx.now),
    )
    await tx.beyond().execute(
        "DELETE FROM notice WHERE role_id = $1 AND sent_in IS NULL AND channel <> $2", setting.role_id, setting.channel
    )


async def spread(tx: Transaction, notification_id: str) -> None:
    """Write for each colleague whom a notification awaits, and who wants it, when it is to be told; once however often it is asked."""
    rows = await tx.fetch(
        """
        SELECT s.*, n.urgent FROM notification n JOIN notification_setting s ON s.organization_id = n.organization_id
        WHERE n.id = $1 AND s.channel <> $2 AND (n.role_id IS NULL OR n.role_id = s.role_id) AND (n.role IS NULL OR n.role = ANY (s.roles))
        ORDER BY s.role_id
        """,
        notification_id,
        NONE,
    )
    for row in rows:
        due = rules.notice_at(tx.now, _setting(row), urgent=row["urgent"])
        await _add(tx, notification_id, row["role_id"], row["channel"], row["urgent"], due)


async def _add(tx: Transaction, notification_id: str, role_id: str, channel: str, urgent: bool, due: Any) -> None:
    await tx.execute(
        "INSERT INTO notice (notification_id, role_id, channel, urgent, due_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        *(notification_id, role_id, channel, urgent, due),
    )


async def gather(tx: Transaction) -> int:
    """Put what is due for each colleague into one message, and let what nobody looked at climb; how many messages were written."""
    await _escalate(tx)
    due = await tx.fetch(
        """
        SELECT role_id, channel, array_agg(notification_id ORDER BY notification_id) AS ids FROM notice
        WHERE sent_in IS NULL AND due_at <= $1 GROUP BY role_id, channel ORDER BY role_id, channel LIMIT 200
        """,
        tx.now,
    )
    for row in due:
        id = await outbox.enqueue(tx, TELL, {"role": row["role_id"], "channel": row["channel"]})
        await tx.execute(
            "UPDATE notice SET sent_in = $4, sent_at = $5 WHERE role_id = $1 AND channel = $2 AND notification_id = ANY ($3::text[])",
            *(row["role_id"], row["channel"], row["ids"], id, tx.now),
        )
    return len(due)


async def _escalate(tx: Transaction) -> None:
    """An urgent thing that was told by e-mail half an hour ago, and that nobody has looked at, goes by SMS to who gave a number."""
    silent = await tx.fetch(
        """
        SELECT m.notification_id, m.role_id FROM notice m JOIN notification n ON n.id = m.notification_id AND n.read_at IS NULL
        JOIN notification_setting s ON s.role_id = m.role_id AND s.phone <> '' AND s.channel = $2
        WHERE m.urgent AND m.channel = $2 AND m.sent_at <= $1
            AND NOT EXISTS (SELECT FROM notice t WHERE t.notification_id = m.notification_id AND t.role_id = m.role_id AND t.channel = $3)
        ORDER BY m.notification_id, m.role_id LIMIT 200
        """,
        tx.now - UNREAD,
        EMAIL,
        SMS,
    )
    for row in silent:
        await _add(tx, row["notification_id"], row["role_id"], SMS, True, tx.now)


async def tell(tx: Transaction, payload: dict[str, Any], post: Post) -> str | None:
    """Outbox handler of `notice`: say how many things await, of those that are still unread; nothing is sent when there are none."""
    channel = post.channels.get(payload["channel"])
    if channel is None:
        return NO_CHANNEL
    row = await tx.fetchrow("SELECT email, phone FROM notification_setting WHERE role_id = $1 AND channel <> $2", payload["role"], NONE)
    count = await tx.fetchval(
        """
        SELECT count(DISTINCT (n.focus_type, n.focus_id)) FROM notice m JOIN notification n ON n.id = m.notification_id
        WHERE m.sent_in = $1 AND n.read_at IS NULL
        """,
        tx.message_id,
    )
    to = row[{EMAIL: "email", SMS: "phone"}[payload["channel"]]] if row else ""
    if not count or not to:
        return None
    try:
        await channel.send(Message(tx.message_id, NOTICE, to, {"count": count, "address": post.address}))
    except Conflict as refusal:
        return refusal.reason
    return None


async def waiting(tx: Transaction) -> int:
    """How many notices wait for their hour."""
    return int(await tx.fetchval("SELECT count(*) FROM notice WHERE sent_in IS NULL"))


def _setting(row: Any) -> Setting:
    quiet = (row["quiet_from"], row["quiet_to"]) if row["quiet_from"] is not None else None
    where = (row["role_id"], row["organization_id"], tuple(row["roles"]), row["channel"], row["email"], row["phone"])
    return Setting(*where, row["digest_at"], quiet)
