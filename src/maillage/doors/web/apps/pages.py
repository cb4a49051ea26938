"""Apps that act for the person who is signed in (SMART App Launch 2.2), and the other way: a request opened from the doctor's own software.

The answer to an app is a page that leads there, not a redirection of the form: our content policy lets no form lead to another site.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from maillage import access, directory, record
from maillage.access.clients import authorisation, queries
from maillage.access.clients.authorisation import Asked, Wrong
from maillage.access.clients.consents import actions as consents
from maillage.doors.web.apps import presenters
from maillage.doors.web.forms import Field, Reader, redisplay, summary
from maillage.doors.web.pages import OWN, get, post
from maillage.doors.web.patients.presenters import load_identity
from maillage.doors.web.view import View
from maillage.kernel.errors import Invalid, NotFound

INS = Field(
    "ins",
    "Patient concerné : matricule INS",
    required=True,
    hint="Quinze chiffres. L’application ne verra que ce patient.",
    inputmode="numeric",
    maxlength=25,
)


async def show_consent(view: View) -> Response:
    """What the app asks for, in words; what is wrong goes back to the app, once we know that the address is its own."""
    try:
        asked, launched = await _asked(view)
    except Wrong as wrong:
        return RedirectResponse(_error_back(view, wrong.error), 303)
    [field] = redisplay((INS,), view.rejected)
    return view.page(
        "apps/templates/consent.html",
        "Autoriser une application",
        app=asked.client.display or asked.client.name,
        host=presenters.host_of(asked.redirect_uri),
        lines=presenters.sentences(asked.scopes),
        patient=await load_identity(view.tx, launched) if launched else None,
        fields=[field] if asked.needs_patient else [],
        errors=summary(view.rejected, [field]),
        carried=[(name, _given(view, name)) for name in authorisation.NAMES if _given(view, name)],
    )


async def decide(view: View) -> Response:
    """Yes or no: the app is told, by the address that its record names."""
    try:
        asked, launched = await _asked(view)
    except Wrong as wrong:
        return _leave(view, _error_back(view, wrong.error), "")
    name = asked.client.display or asked.client.name
    if view.given("accord") != "oui":
        await record.audit(view.tx, "E", "Session", verb="app-refused")
        return _leave(view, asked.back(error="access_denied"), name)
    patient = (await load_identity(view.tx, launched)).id if launched else await _named(view, asked)
    if asked.launch and not await consents.spend_launch(view.tx, asked.launch):
        raise NotFound
    code = await consents.consent(
        view.tx,
        asked.client.name,
        login=_session(view).login,
        role_id=view.actor.role_id or "",
        scopes=authorisation.of_patient(asked.scopes, patient),
        patient=patient,
        redirect_uri=asked.redirect_uri,
        challenge=asked.challenge,
        nonce=asked.nonce,
    )
    await record.audit(view.tx, "E", "Session", patient=patient or None, verb="app-allowed")
    return _leave(view, asked.back(code=code), name)


def _fhir_base(view: View) -> str:
    """The address of the FHIR interface, as its own door says it."""
    return f"{view.door.site.base_url or str(view.request.base_url).rstrip('/')}/fhir"


def _session(view: View) -> access.WebSession:
    if view.session is None:
        raise NotFound
    return view.session


def _given(view: View, name: str) -> str:
    """A parameter of the app, from the address or from the form that carries it."""
    return view.values.get(name) or view.request.query_params.get(name, "")


async def _asked(view: View) -> tuple[Asked, str]:
    """The request of the app, and the patient from whose page it was opened, if any.

    Raises `NotFound` where the address to return to is not the app's own, `Wrong` for everything else.
    """
    given = {name: _given(view, name) for name in authorisation.NAMES}
    client = await queries.client_named(view.tx, given["client_id"]) if given["client_id"] else None
    if client is None or not authorisation.is_own(client, given["redirect_uri"]) or view.actor.organization not in client.organizations:
        raise NotFound
    asked = authorisation.read(client, given, _fhir_base(view))
    launched = await consents.launched(view.tx, client.name, _session(view).login, asked.launch) if asked.launch else ""
    if asked.launch and not launched:
        raise Wrong("invalid_request")
    return asked, launched


def _error_back(view: View, error: str) -> str:
    state = _given(view, "state")
    glue = "&" if "?" in _given(view, "redirect_uri") else "?"
    return f"{_given(view, 'redirect_uri')}{glue}{urlencode({'error': error, **({'state': state} if state else {})})}"


async def _named(view: View, asked: Asked) -> str:
    """For whom the app is allowed, by the INS that the person types; empty when it asks for none."""
    if not asked.needs_patient:
        return ""
    reader = Reader(view.values)
    ins = "".join((reader.read(INS) or "").split())
    reader.done()
    patients = await directory.find_patients(view.tx, access.visible_to(view.actor, "Patient"), ins=ins)
    if len(patients) != 1:
        raise Invalid.one("patient-unknown", "ins")
    return patients[0].id


def _leave(view: View, address: str, app: str) -> Response:
    """A page that leads to the app: at once where the browser allows it, else by its link."""
    response = view.page("apps/templates/leave.html", "Retour à l’application", address=address, app=app)
    response.headers["Refresh"] = f"0; url={address}"
    return response


# --- from a patient's page ------------------------------------------------------------
async def open_app(view: View) -> Response:
    """Open an app about this patient: it gets a handle, and will ask for consent."""
    identity = await load_identity(view.tx, view.path("id"))
    client = await queries.client_named(view.tx, view.path("client"))
    if client is None or not client.launch_uri or view.actor.organization not in client.organizations:
        raise NotFound
    handle = await consents.launch(view.tx, client.name, identity.id, login=_session(view).login)
    await record.audit(view.tx, "R", "Patient", identity.id, patient=identity.id, verb="app-opened")
    glue = "&" if "?" in client.launch_uri else "?"
    told = urlencode({"iss": _fhir_base(view), "launch": handle})
    return _leave(view, f"{client.launch_uri}{glue}{told}", client.display or client.name)


# --- from the doctor's software ----------------------------------------------------------
async def open_context(view: View) -> Response:
    """The patient whom the doctor's software has open: on to the request, where visibility is asked as ever. The handle gives no right."""
    found = await consents.context(view.tx, view.path("handle"), view.actor.organization)
    if found is None:
        raise NotFound
    patient, service = found
    return view.go(f"/demandes/nouvelle?{urlencode({'patient': patient, **({'service': service} if service else {})})}")


# --- what one has allowed -------------------------------------------------------------------
async def show_allowed(view: View) -> Response:
    """The apps that may act for the person now."""
    rows = await queries.grants_of(view.tx, _session(view).login)
    return view.page("apps/templates/allowed.html", "Applications autorisées", apps=[presenters.allowed(row) for row in rows])


async def take_back(view: View) -> Response:
    """End a consent at once."""
    await consents.end_grant(view.tx, _session(view).login, view.path("id"))
    await record.audit(view.tx, "E", "Session", verb="app-ended")
    return view.go("/compte/applications", "app-ended")


PAGES = (
    get("/oauth/authorize", show_consent, on=OWN, whole=True),
    post("/oauth/authorize", decide, again=show_consent, once=False, on=OWN),
    post("/patients/{id:id}/applications/{client:id}", open_app, once=False, on="Patient", to="read"),
    get("/ouvrir/{handle:id}", open_context, on="Patient"),
    get("/compte/applications", show_allowed, on=OWN),
    post("/compte/applications/{id:id}", take_back, on=OWN),
)
