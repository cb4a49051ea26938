"""The stream of changes of an open page."""

from __future__ import annotations

import re

from starlette.responses import Response, StreamingResponse

from maillage.access import policy
from maillage.doors.web.pages import OWN, get
from maillage.doors.web.view import View
from maillage.kernel.errors import Malformed

KINDS = frozenset({"Task", "Appointment", "Schedule", "Communication"})


async def follow(view: View) -> Response:
    """Events (text/event-stream) that say that something of these types changed for the actor's places; of one object when it is named."""
    kinds = frozenset(view.query("sujets").split(",")) & KINDS
    allowed = frozenset(kind for kind in kinds if policy.view(view.actor, kind) != policy.NOTHING)
    if not allowed:
        raise Malformed.one("unknown-choice")
    hub = view.door.hub
    listener = hub.join(view.actor, allowed, view.query("objet"), _shown(view.query("depuis")))
    return StreamingResponse(hub.stream(listener), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _shown(told: str) -> float:
    """When the page was read, as it says itself in thousandths of a second; a page that does not say is told of what comes."""
    return int(told) / 1000 if re.fullmatch(r"[0-9]{1,15}", told) else float("inf")


PAGES = (get("/evenements", follow, on=OWN, stream=True),)
