"""Sign in by Pro Santé Connect: a link that goes there, the way back, and its word that a session there is over."""

from __future__ import annotations

import logging
from datetime import timedelta

import msgspec
from starlette.responses import JSONResponse, RedirectResponse, Response

from maillage import record
from maillage.access import identity
from maillage.access.identity import Flow, IdentityProvider, Proof, Proved, Step
from maillage.doors.edge import Limit
from maillage.doors.web import sessions
from maillage.doors.web.account import proving
from maillage.doors.web.account.own import confirmed, own_session
from maillage.doors.web.pages import get, post
from maillage.doors.web.provider_answers import answered
from maillage.doors.web.view import View
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import MaillageError, NotAllowed, NotFound, Unauthenticated, Unavailable

log = logging.getLogger("maillage.web")
COOKIE = "maillage-psc"
ASSURANCE = "eidas2"
"""The e-CPS and the CPS card are means of the level that the eIDAS regulation calls substantial, whatever the provider calls it."""
_FLOW = timedelta(minutes=10)
_LOGOUT_KEPT = timedelta(minutes=10)


def _provider(view: View) -> IdentityProvider:
    if view.door.provider is None:
        raise NotFound
    return view.door.provider


async def leave(view: View) -> Response:
    """Go to the provider; what its answer must fit travels in a cookie, sealed: nothing is written for a link that was only followed."""
    back, confirm = sessions.safe_path(view.query("vers")), view.query("confirmer") == "1"
    try:
        address, flow = await _provider(view).begin(view.tx.now, back=back, confirm=confirm)
    except (Unavailable, Unauthenticated):
        return _failed(view, "provider-away", 503)
    response = RedirectResponse(address, 303)
    sealed = view.door.sealer.pack(msgspec.to_builtins(flow), "psc flow", view.tx.now + _FLOW)
    sessions.put_cookie(response, view.door.site, COOKIE, sealed)
    return response


def _failed(view: View, reason: str, status: int = 403) -> Response:
    response = view.page("account/templates/psc_failed.html", "Connexion impossible", status=status, reason=reason)
    sessions.drop_cookie(response, view.door.site, COOKIE)
    if status == 503:
        response.headers["Retry-After"] = "30"
    return response


async def come_back(view: View) -> Response:
    """The provider's answer: checked against the flow of this very browser, then in; or the same page for every refusal."""
    try:
        flow, proved = await _proved(view)
        response = await (_confirm(view, proved) if flow.confirm else _enter(view, proved, flow))
    except Unavailable:
        return _failed(view, "provider-away", 503)
    except MaillageError as error:
        log.warning("psc-refused: %s", error.reason, extra={"code": "psc-refused", "request_id": view.tx.request_id})
        await proving.note_failure(view, "psc")
        return _failed(view, error.reason)
    sessions.drop_cookie(response, view.door.site, COOKIE)
    return response


async def _proved(view: View) -> tuple[Flow, Proved]:
    flow, given = answered(view, COOKIE, "psc flow")
    return flow, await _provider(view).finish(flow, given, view.tx.now)


def _proof(view: View, proved: Proved) -> Proof:
    sealed = view.door.sealer.seal(proved.id_token.encode(), "psc id token")
    return Proof("psc", ASSURANCE, proved.session, proved.subject, sealed)


async def _enter(view: View, proved: Proved, flow: Flow) -> Response:
    """In, if an organisation let this RPPS in before: a person that we do not know is refused, never created."""
    async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id) as tx:
        account = await identity.account_of_rpps(tx, proved.rpps)
        if account is None:
            raise NotAllowed("psc-not-authorised")
        return await proving.begin_work(view, tx, Step("place", account["login"], _proof(view, proved), flow.back))


async def _confirm(view: View, proved: Proved) -> Response:
    """The same person showed a factor again: the same session under a new id. Somebody else's factor confirms nothing."""
    session = own_session(view)
    async with view.door.db.transaction(session.actor, request_id=view.tx.request_id) as tx:
        account = await identity.account_of_rpps(tx, proved.rpps)
        if account is None or account["login"] != session.login:
            raise NotAllowed("psc-somebody-else")
        await identity.join_provider(tx, view.secret, _proof(view, proved))
        return await confirmed(view, tx, "psc", _flow_back(view))


def _flow_back(view: View) -> str:
    sealed = sessions.secret_of(view.request, view.door.site, COOKIE)
    return str(view.door.sealer.unpack(sealed, "psc flow", view.tx.now)["back"])


async def end_from_there(view: View) -> Response:
    """The provider's server says that a session is over. Its token is good once; anything wrong is 400, and ends nothing."""
    try:
        notice = await _provider(view).read_logout(view.given("logout_token"), view.tx.now)
        async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id) as tx:
            await identity.spend(tx, f"logout {notice.id}".encode(), _LOGOUT_KEPT)
            await identity.end_provider_sessions(tx, notice.subject, notice.session)
    except Unauthenticated as error:
        async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id) as tx:
            await record.audit(tx, "E", "Session", verb=f"logout-refused-{error.reason}"[:60], outcome="4")
        return JSONResponse({"error": "invalid_request"}, 400)
    return Response(status_code=200)


PAGES = (
    get("/connexion/psc", leave, public=True, lazy=True, limit=Limit.LOGIN),
    get("/connexion/psc/retour", come_back, public=True, lazy=True, limit=Limit.LOGIN),
)
SERVER_PAGES = (post("/connexion/psc/fin", end_from_there, public=True, once=False, lazy=True),)
