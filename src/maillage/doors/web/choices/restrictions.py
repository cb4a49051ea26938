"""What the house closes beyond roles and links: the labels of `meta.security`, set and lifted by who keeps the resource (CSP L1110-4, L1111-2, L1111-5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from maillage import journeys, record
from maillage.access import labels, policy
from maillage.codes.json import decode
from maillage.doors.web.catalogue import say, word
from maillage.doors.web.forms import Choice, Field, Reader, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.patients.presenters import load_identity
from maillage.doors.web.view import View
from maillage.kernel.answers import Allowed
from maillage.kernel.errors import Invalid, NotFound
from maillage.record import Stored

_MOST = 200
_MARK = "{}/{}"


@dataclass(frozen=True, slots=True)
class Line:
    """A label in force, in words."""

    id: str
    what: str
    code: str
    since: datetime
    until: datetime | None


async def show(view: View) -> Response:
    """The labels in force and the form of a new one: nothing chosen beforehand."""
    patient = await load_identity(view.tx, view.path("id"))
    await record.audit(view.tx, "R", "Patient", patient.id, patient=patient.id, verb="read")
    names = await _names(view, patient.id)
    fields = redisplay(_fields(names), view.rejected)
    known = await labels.labels_of(view.tx, patient.id)
    return view.page(
        "choices/templates/restrictions.html",
        "Accès restreints",
        patient=patient,
        lines=[_line(one, names) for one in known],
        fields=fields,
        errors=summary(view.rejected, fields),
    )


def _line(label: labels.Label, names: dict[str, str]) -> Line:
    what = names.get(_MARK.format(label.kind, label.resource)) or say(f"kind.{label.kind}")
    return Line(label.id, what, word("security", label.code), label.since, label.until)


async def _names(view: View, patient: str) -> dict[str, str]:
    """What the house keeps of the patient and the reader sees whole, each by its type and date; the record itself when the house keeps it."""
    kinds = [kind for kind in journeys.LABELLED if policy.sees_whole(view.actor, kind) and _acts(view, kind)]
    kept = await record.existing(view.tx, "Patient", [patient], labels.kept_by(view.tx, "Patient"))
    found = await record.of_patient(view.tx, record.Asked(patient, kinds, limit=_MOST), lambda kind: labels.kept_by(view.tx, kind))
    return {
        **{_MARK.format("Patient", id): say("kind.Patient") for id in kept},
        **{_MARK.format(one.type, one.id): _named(one) for one in found},
    }


def _acts(view: View, kind: str) -> bool:
    return policy.may(view.actor, "verb", kind) == Allowed()


def _named(one: Stored) -> str:
    title = " ".join(part for part in (say(f"kind.{one.type}"), _title(decode(one.content))) if part)
    return say("restriction.named", title=title, day=f"{one.at:%d/%m/%Y}")


def _title(resource: dict[str, Any]) -> str:
    """What a clinician calls it: the text or the display of its type or code; the types of an Encounter are several, and not told."""
    concept = resource.get("type") or resource.get("code")
    if not isinstance(concept, dict):
        return ""
    coding: dict[str, Any] = next(iter(concept.get("coding", [])), {})
    return str(concept.get("text") or coding.get("display") or "")


def _fields(names: dict[str, str]) -> list[Field]:
    return [
        Field("what", "Ce qui est restreint", "select", True, choices=tuple(Choice(mark, name) for mark, name in names.items())),
        Field("code", "Restriction", "radio", True, choices=tuple(Choice(code, word("security", code)) for code in labels.CODES)),
    ]


async def put(view: View) -> Response:
    """Set a label, in force at once."""
    patient = view.path("id")
    reader = Reader(view.values)
    given = {field.name: str(reader.read(field)) for field in _fields(await _names(view, patient))}
    reader.done()
    kind, _, id = given["what"].partition("/")
    try:
        await journeys.put_label(view.tx, kind, id, given["code"])
    except Invalid as error:
        raise Invalid.one(error.reason, "code") from error
    return view.go(f"/patients/{patient}/restrictions", "label")


async def lift(view: View) -> Response:
    """Lift a label: announced, or no longer secret. Raises `NotFound` for one that the reader is not shown."""
    patient = view.path("id")
    known = {one.id: one for one in await labels.labels_of(view.tx, patient)}
    label = known.get(view.path("label"))
    if label is None:
        raise NotFound("label", view.path("label"))
    await journeys.lift_label(view.tx, label.kind, label.resource, label.code)
    return view.go(f"/patients/{patient}/restrictions", "unlabel")


PAGES = (
    get("/patients/{id:id}/restrictions", show, on="Patient", to="verb"),
    post("/patients/{id:id}/restrictions", put, again=show, on="Patient"),
    post("/patients/{id:id}/restrictions/{label:id}/fin", lift, again=show, on="Patient"),
)
