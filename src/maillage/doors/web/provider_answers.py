"""What an identity provider answers, by way of the browser that we sent there: it must fit the flow that this very browser holds, sealed."""

from __future__ import annotations

import msgspec

from maillage.access.identity import Flow
from maillage.doors.web import sessions
from maillage.doors.web.view import View
from maillage.kernel.errors import Unauthenticated


def answered(view: View, cookie: str, purpose: str) -> tuple[Flow, dict[str, str]]:
    """The flow that was begun, and the parameters of the answer. Raises `Unauthenticated("openid-state")`."""
    try:
        sealed = sessions.secret_of(view.request, view.door.site, cookie)
        flow = msgspec.convert(view.door.sealer.unpack(sealed, purpose, view.tx.now), Flow)
    except Unauthenticated as error:
        raise Unauthenticated("openid-state") from error
    given = view.request.query_params
    if len(given.multi_items()) != len(given):  # a parameter given twice is somebody's trick (RFC 6749, 3.1)
        raise Unauthenticated("openid-state")
    return flow, dict(given)
