"""A form that comes after its session has timed out, or before a factor is shown again: kept, and found again on its page after the sign-in.

It is shown to the person who wrote it, at the same place of work, and never acted on: whoever sends it sees first what stands there now.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request

from maillage.access import WebSession, identity
from maillage.doors.web import areas, sessions
from maillage.doors.web.pages import Page
from maillage.doors.web.view import Rejected, Values, View
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Malformed, NotAllowed, TooLarge, Unauthenticated

if TYPE_CHECKING:
    from maillage.doors.web.door import WebDoor

ASKED = "reprise"
SEALED_AS = "interrupted form"
_OF_THE_FORM = frozenset({"_csrf", "_key", "_version"})
_PART = re.compile(r"\{(\w+)(?::\w+)?\}")


class Written(msgspec.Struct):
    """What was written: on which page it is shown, what the addresses said, and the answers."""

    path: str
    parts: dict[str, str]
    query: str
    pairs: list[tuple[str, str]]


@cache
def _shown_on(page: Page) -> str:
    """Where the form of a page that acts is shown: nothing for what is no form, or holds a secret, and for the pages of patients."""
    if not page.writes or page.again is None or page.patient or page.public:
        return ""
    return next((one.path for one in areas.PAGES if one.method == "GET" and one.handler is page.again), "")


async def is_of_before(door: WebDoor, page: Page, session: WebSession, token: str) -> bool:
    """Whether a form with a foreign token is of an earlier session of the same person, and can be kept."""
    if not _shown_on(page):
        return False
    async with door.db.transaction(SYSTEM, lazy=True) as tx:
        return await identity.is_form_of(tx, session.login, session.actor.role_id, token)


async def keep(door: WebDoor, page: Page, request: Request, session: WebSession | None, values: Values) -> str:
    """Keep what was written; answers where it stands again, nothing when it is not kept."""
    if not _shown_on(page):
        return ""
    if session:
        return await _put(door, page, request, (session.login, session.actor.role_id), values)
    async with door.db.transaction(SYSTEM, lazy=True) as tx:
        writer = await identity.writer_of(tx, sessions.secret_of(request, door.site))
    if writer is None:
        return ""
    try:
        values, _ = await door.read_form(page, request)
        sessions.require_token(writer.csrf, values.get("_csrf", ""))
    except (NotAllowed, Malformed, TooLarge):
        return ""
    return await _put(door, page, request, (writer.login, writer.role_id), values)


async def _put(door: WebDoor, page: Page, request: Request, who: tuple[str, str | None], values: Values) -> str:
    parts = {name: str(value) for name, value in request.path_params.items()}
    path = _PART.sub(lambda part: parts[part[1]], _shown_on(page))
    pairs = [(name, text) for name, text in values.multi_items() if name not in _OF_THE_FORM]
    plain = msgspec.json.encode(Written(path, parts, request.url.query, pairs))
    async with door.db.transaction(SYSTEM, request_id=request.state.id) as tx:
        id = await identity.keep_form(tx, *who, door.sealer.seal(plain, SEALED_AS))
    return f"{path}?{ASKED}={id}"


async def resume(page: Page, view: View) -> None:
    """Put what was kept back into its form, on its own page, of its own patient."""
    id, session = view.query(ASKED), view.session
    if not id or session is None or page.method != "GET" or page.patient:
        return
    written = _opened(view, await identity.kept_form(view.tx, session.login, session.actor.role_id, id))
    if written is None or written.path != view.request.url.path:
        return
    scope = view.request.scope
    view.request = Request({**scope, "path_params": {**scope["path_params"], **written.parts}, "query_string": written.query.encode()})
    view.values = Values([(name, text) for name, text in written.pairs])
    view.rejected, view.resumed = Rejected((), view.values), True


def _opened(view: View, sealed: bytes | None) -> Written | None:
    """What was written; nothing when it is not kept, or under a key that we no longer have."""
    with suppress(Unauthenticated):
        return msgspec.json.decode(view.door.sealer.open(sealed, SEALED_AS), type=Written) if sealed else None
    return None
