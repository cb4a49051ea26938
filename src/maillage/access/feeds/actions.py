"""Links to an agenda feed: made, ended, recognised."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from maillage.access.feeds.queries import feeds_of
from maillage.access.feeds.types import LASTS, MOST, Feed
from maillage.access.identity import WebSession
from maillage.access.identity.queries import actor_of
from maillage.access.identity.secret import digest, new_link
from maillage.kernel.actor import Actor
from maillage.kernel.errors import Conflict, NotFound
from maillage.kernel.ids import new_id
from maillage.store import Transaction

_READ_NOTED: Final = timedelta(hours=6)


async def open_feed(tx: Transaction, session: WebSession, site: str | None) -> str:
    """Make a link for the place where the person works now; answers its secret, which is shown once. Raises `Conflict` beyond five."""
    await tx.execute("SELECT 1 FROM account WHERE login = $1 FOR UPDATE", session.login)
    if len(await feeds_of(tx, session.login)) >= MOST:
        raise Conflict("too-many-feeds")
    secret = new_link()
    await tx.execute(
        "INSERT INTO calendar_feed (id, token_hash, login, role_id, site_id, made_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        new_id(),
        digest(secret),
        session.login,
        session.actor.role_id,
        site,
        tx.now,
        tx.now + LASTS,
    )
    return secret


async def close_feed(tx: Transaction, login: str, id: str) -> None:
    """End a link of one's own at once. Raises `NotFound`."""
    if await tx.execute("DELETE FROM calendar_feed WHERE login = $1 AND id = $2", login, id) == "DELETE 0":
        raise NotFound("calendar-feed", id)


async def feed_behind(tx: Transaction, secret: str) -> tuple[Actor, Feed]:
    """Who made a link, at the place for which it was made, when both still stand. Raises `NotFound`, whatever is wrong with it."""
    row = await tx.fetchrow(
        """
        SELECT f.*, a.practitioner_id, a.display, e.organization_id, e.roles
        FROM calendar_feed f JOIN account a ON a.login = f.login JOIN account_exercise e ON e.login = f.login AND e.role_id = f.role_id
        WHERE f.token_hash = $1 AND f.ends_at > $2 AND NOT a.disabled AND (e.ended_at IS NULL OR e.ended_at > $2)
        """,
        digest(secret),
        tx.now,
    )
    if row is None:
        raise NotFound("calendar-feed")
    if row["read_at"] is None or tx.now - row["read_at"] > _READ_NOTED:
        await tx.execute("UPDATE calendar_feed SET read_at = $2 WHERE id = $1", row["id"], tx.now)
    return actor_of(row), Feed(row["id"], row["role_id"], row["site_id"], row["made_at"], row["ends_at"], row["read_at"])
