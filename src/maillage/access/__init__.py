"""Who is acting and what this actor may see: the first of the two walls (security.md 2).

`access.identity` is the face of sign-in: accounts, their places, sessions, factors. A grave act asks for a fresh proof of who one is:
`session.fresh(now, minutes)` on the `WebSession`; a page raises `Unauthenticated("not-fresh")` without it, and the browser goes through
`/compte/confirmer?vers=<where it was>` and comes back.
"""

from __future__ import annotations

from datetime import datetime

from maillage.access import identity
from maillage.access.actions import end_links, has_link, link
from maillage.access.clients.actions import issue_token, let_choose_ids
from maillage.access.clients.queries import Holder, holder_of_token, may_choose_id
from maillage.access.feeds import Feed, close_feed, feed_behind, feeds_of, open_feed
from maillage.access.identity import WebSession, demo_accounts, put_account, session_of, sign_in_demo, sign_out
from maillage.access.narrowing import allows, bounds, narrowed, unreadable_scopes
from maillage.access.queries import VisibleTo
from maillage.access.scopes import scope_allows
from maillage.access.types import DIRECTORY_TYPES
from maillage.kernel.actor import Actor
from maillage.record import Visible

__all__ = [
    "DIRECTORY_TYPES",
    "Feed",
    "Holder",
    "VisibleTo",
    "WebSession",
    "allows",
    "bounds",
    "close_feed",
    "demo_accounts",
    "end_links",
    "feed_behind",
    "feeds_of",
    "has_link",
    "holder_of_token",
    "identity",
    "issue_token",
    "let_choose_ids",
    "link",
    "may_choose_id",
    "open_feed",
    "put_account",
    "scope_allows",
    "session_of",
    "sign_in_demo",
    "sign_out",
    "unreadable_scopes",
    "visible_to",
]


def visible_to(actor: Actor, resource_type: str, now: datetime | None = None, *, letters: str = "rs") -> Visible:
    """The predicate from which every query on this resource type starts, for this actor; `now` where no transaction may have begun.

    It is cut to what the scopes of a token grant by one of the `letters` (read and search, unless the caller is about to write).
    """
    return narrowed(actor, resource_type, VisibleTo(actor, resource_type, now), letters)
