"""Sign in by FranceConnect: a link that goes there, the way back, and what may be wrong, each with what to do about it (ADR 0027)."""

from __future__ import annotations

import logging
from datetime import timedelta

import msgspec
from starlette.responses import JSONResponse, RedirectResponse, Response

from maillage import record
from maillage.access import patient_binding, patient_link
from maillage.access.identity import Flow, PatientProvider, ProvedPatient
from maillage.access.patient_link import PatientVisit
from maillage.doors.edge import Limit
from maillage.doors.web import sessions, visits
from maillage.doors.web.pages import get
from maillage.doors.web.problems import NOBODY
from maillage.doors.web.provider_answers import answered
from maillage.doors.web.tracker.pages import SEALED_AS
from maillage.doors.web.view import View
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import MaillageError, NotAllowed, NotFound, Unauthenticated, Unavailable
from maillage.store import Transaction

log = logging.getLogger("maillage.web")
COOKIE = "maillage-fc"
FLOW = "franceconnect flow"
EXPLAINED = frozenset(
    {
        *("provider-away", "openid-denied", "openid-acr", "franceconnect-pivot", "traits-differ", "several-files", "bound-elsewhere"),
        *("file-bound", "not-bound", "identity-changed", "link-ended"),
    }
)
"""What is told as it is; whatever else is wrong with an answer is told in one sentence."""
_LASTS = timedelta(minutes=10)


def provider_of(view: View) -> PatientProvider:
    """The provider of the settings. Raises `NotFound` when there is none."""
    if view.door.patient_provider is None:
        raise NotFound("page")
    return view.door.patient_provider


async def show(view: View) -> Response:
    """The way in for who has been here before; and where the first time begins."""
    provider_of(view)
    return view.page("own_record/templates/entrance.html", "Mon dossier")


async def leave(view: View) -> Response:
    """Go to FranceConnect; what its answer must fit travels in a cookie, sealed, with the name of the page from which it was asked."""
    try:
        address, flow = await provider_of(view).begin(view.tx.now, back=view.query("suivi")[:64], confirm=False)
    except (Unavailable, Unauthenticated):
        return _failed(view, "provider-away", 503)
    response = RedirectResponse(address, 303)
    sealed = view.door.sealer.pack(msgspec.to_builtins(flow), FLOW, view.tx.now + _LASTS)
    sessions.put_cookie(response, view.door.site, COOKIE, sealed)
    return response


def _failed(view: View, reason: str, status: int = 403) -> Response:
    shown = reason if reason in EXPLAINED else "failed"
    response = view.page("own_record/templates/failed.html", "Connexion impossible", status=status, reason=f"own.sign-in.{shown}")
    sessions.drop_cookie(response, view.door.site, COOKIE)
    if status == 503:
        response.headers["Retry-After"] = "30"
    return response


async def come_back(view: View) -> Response:
    """FranceConnect's answer: checked against the flow of this very browser, then the file is opened; or the reason and what to do."""
    link: PatientVisit | None = None
    provider = provider_of(view)
    try:
        flow, proved = await _proved(view, provider)
        link = await _link_of(view, flow.back)
        response = await _entered(view, proved, link, asked_from_link=bool(flow.back))
    except Unavailable:
        return _failed(view, "provider-away", 503)
    except MaillageError as error:
        await _note(view, link, error.reason)
        return _failed(view, error.reason)
    sessions.drop_cookie(response, view.door.site, COOKIE)
    return response


async def _proved(view: View, provider: PatientProvider) -> tuple[Flow, ProvedPatient]:
    flow, given = answered(view, COOKIE, FLOW)
    return flow, await provider.finish(flow, given, view.tx.now)


async def _link_of(view: View, id: str) -> PatientVisit | None:
    """The page from which it was asked, when this browser still holds it open by a link."""
    secret = sessions.secret_of(view.request, view.door.site, visits.cookie(id)) if id else ""
    if not secret:
        return None
    async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id) as tx:
        found = await patient_link.visit_of(tx, id, secret)
    return found if found and found.focus else None


async def _entered(view: View, proved: ProvedPatient, link: PatientVisit | None, *, asked_from_link: bool) -> Response:
    """The file of who came back, under a new page and a new secret. A binding that no longer fits is ended first, and that is kept."""
    async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id, origin=view.tx.origin) as tx:
        fits = await patient_binding.still_agrees(tx, proved)
    if not fits:
        raise NotAllowed("identity-changed")
    sealed = view.door.sealer.seal(proved.id_token.encode(), SEALED_AS)
    async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id, origin=view.tx.origin) as tx:
        bound = await (patient_binding.bind(tx, proved, link.patient_id) if link else _known(tx, proved, asked_from_link=asked_from_link))
        secret, visit = await patient_link.open_record(tx, bound, sealed, before=link.id if link else "")
    response = RedirectResponse(f"/suivi/{visit.id}/dossier", 303)
    sessions.put_cookie(response, view.door.site, visits.cookie(visit.id), secret, int(patient_link.RECORD_OPEN.total_seconds()))
    if link:
        sessions.drop_cookie(response, view.door.site, visits.cookie(link.id))
    return response


async def _known(tx: Transaction, proved: ProvedPatient, *, asked_from_link: bool) -> patient_binding.Binding:
    try:
        return await patient_binding.sign_in(tx, proved)
    except NotAllowed as error:
        raise NotAllowed("link-ended" if asked_from_link else error.reason) from error


async def _note(view: View, link: PatientVisit | None, reason: str) -> None:
    """A sign-in that failed, in the trail: about the file when a link says which."""
    log.warning("patient-sign-in-refused: %s", reason, extra={"code": "patient-sign-in-refused", "request_id": view.tx.request_id})
    patient = link.patient_id if link else ""
    async with view.door.db.transaction(NOBODY, request_id=view.tx.request_id, origin=view.tx.origin) as tx:
        await record.audit(tx, "E", "Patient", patient, patient=patient or None, verb=reason[:60], outcome="4", act="login")


async def show_keys(view: View) -> Response:
    """Our public keys, under which FranceConnect+ encrypts what it says."""
    return JSONResponse({"keys": provider_of(view).published_keys()})


PAGES = (
    get("/mon-dossier", show, public=True, lazy=True),
    get("/mon-dossier/connexion", leave, public=True, lazy=True, limit=Limit.LOGIN),
    get("/mon-dossier/retour", come_back, public=True, lazy=True, limit=Limit.LOGIN),
    get("/mon-dossier/cles", show_keys, public=True, lazy=True),
)
