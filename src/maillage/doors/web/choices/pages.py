"""For the person at the desk: what a patient refuses and agrees to, recorded and taken back (CSP L1110-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from maillage import access, directory, journeys, record
from maillage.access import choices
from maillage.codes.json import decode
from maillage.doors.web import places
from maillage.doors.web.catalogue import say, word
from maillage.doors.web.choices import forms
from maillage.doors.web.forms import Field, Reader, redisplay, redisplay_at, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.patients.presenters import load_identity
from maillage.doors.web.view import View
from maillage.kernel.errors import Invalid, NotFound

DOCUMENTS = ("Composition", "DiagnosticReport", "DocumentReference")
_MOST = 50


@dataclass(frozen=True, slots=True)
class Line:
    """A choice in force, in words."""

    id: str
    title: str
    about: str
    said_by: str
    since: Any
    until: Any
    ends: Field
    """Who says that it ends; its form is open when it came back."""


async def show(view: View) -> Response:
    """The choices in force, and the two forms side by side."""
    patient = await load_identity(view.tx, view.path("id"))
    known = [one for one in await choices.choices_of(view.tx, patient.id) if one.ended_at is None]
    await record.audit(view.tx, "R", "Consent", patient=patient.id, verb="read")
    opposition, consent = await _opposition_fields(view, patient.id), await _consent_fields(view)
    here, lines = f"/patients/{patient.id}/choix", await _lines(view, known)
    refused = redisplay_at(view, f"{here}/opposition", opposition)
    agreed = redisplay_at(view, f"{here}/consentement", consent)
    ended = [line.ends for line in lines if line.ends.error]
    return view.page(
        "choices/templates/choices.html",
        "Choix du patient",
        patient=patient,
        lines=lines,
        opposition=refused,
        consent=agreed,
        errors=summary(view.rejected, ended or (agreed if view.request.url.path.endswith("/consentement") else refused)),
    )


async def _lines(view: View, known: Sequence[choices.Choice]) -> list[Line]:
    organizations = await places.organizations(view.tx)
    found = []
    for one in known:
        target = one.target
        place = organizations.get(target.organization or "")
        about = place.name if place else await _person(view, target.practitioner) if target.practitioner else ""
        about = about or say("choice.of.document" if target.document else "choice.of.all")
        title = word("choice", one.act) if one.is_consent else say("choice.opposition", act=word("choice", one.act).lower())
        found.append(Line(one.id, title, about, word("speaker", one.said_by), one.starts, one.ends, _ending(view, one.id)))
    return found


def _ending(view: View, choice: str) -> Field:
    """The question of who takes a choice back, as it was answered when it is this one that came back."""
    ours = view.request.path_params.get("choice") == choice
    return redisplay([replace(forms.withdrawal(), scope=f"{choice}-")], view.rejected if ours else None)[0]


async def _person(view: View, practitioner: str) -> str:
    roles = await directory.roles_of(view.tx, practitioner)
    return roles[0].display if roles else ""


async def _opposition_fields(view: View, patient: str) -> list[Field]:
    organizations = list((await places.organizations(view.tx)).values())
    people = sorted(await directory.roles_in(view.tx, "", code="medecin"), key=lambda role: (role.organization_name, role.id))
    return forms.opposition(organizations, people, await _documents(view, patient))


async def _consent_fields(view: View) -> list[Field]:
    organizations = (await places.organizations(view.tx)).values()
    return forms.consent([one for one in organizations if one.id != view.actor.organization])


async def _documents(view: View, patient: str) -> list[tuple[str, str]]:
    """The documents that the actor sees, by their type and date alone: no title, which may tell more than a desk reads."""
    kinds = [kind for kind in DOCUMENTS if access.policy.view(view.actor, kind) != access.policy.NOTHING]
    found = await record.of_patient(
        view.tx, record.Asked(patient, kinds, limit=_MOST), lambda kind: access.visible_to(view.actor, kind, view.tx.now)
    )
    return [(f"{one.type}/{one.id}", _document_words(decode(one.content), one.at)) for one in found]


def _document_words(resource: dict[str, Any], at: Any) -> str:
    coding: dict[str, Any] = next(iter(resource.get("type", resource.get("code", {})).get("coding", [])), {})
    return f"{coding.get('display', 'Document')}, {at:%d/%m/%Y}"


async def oppose(view: View) -> Response:
    """Record an opposition."""
    patient = view.path("id")
    given = forms.read_opposition(view.values, await _opposition_fields(view, patient))
    await _played("target", journeys.oppose(view.tx, patient, **given))
    return view.go(f"/patients/{patient}/choix", "oppose") if await _still_there(view, patient) else view.go("/patients", "oppose")


async def consent(view: View) -> Response:
    """Record a consent."""
    patient = view.path("id")
    given = forms.read_consent(view.values, await _consent_fields(view))
    await _played("until", journeys.consent(view.tx, patient, **given))
    return view.go(f"/patients/{patient}/choix", "consent")


async def revoke(view: View) -> Response:
    """Take a choice back, at once."""
    reader = Reader(view.values)
    speaker = reader.read(forms.withdrawal())
    reader.done()
    await journeys.revoke(view.tx, view.path("choice"), said_by=speaker)
    return view.go(f"/patients/{view.path('id')}/choix", "revoke")


async def _played(field: str, act: Any) -> None:
    """What the rule refuses is said at the question that it is about."""
    try:
        await act
    except Invalid as error:
        raise Invalid.one(error.reason, field) from error


async def _still_there(view: View, patient: str) -> bool:
    """Whether the desk still sees whom it just wrote about: an opposition may have closed the record to itself."""
    try:
        await directory.get_patient(view.tx, patient, access.visible_to(view.actor, "Patient", view.tx.now))
    except NotFound:
        return False
    return True


PAGES = (
    get("/patients/{id:id}/choix", show, on="Consent"),
    post("/patients/{id:id}/choix/opposition", oppose, again=show, on="Consent"),
    post("/patients/{id:id}/choix/consentement", consent, again=show, on="Consent"),
    post("/patients/{id:id}/choix/{choice:id}/fin", revoke, again=show, on="Consent"),
)
