"""A step as FHIR: the patient, the request with its answers, the parameters of a verb. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from maillage.kernel.operations import Param

Resource = dict[str, Any]
UUID_SYSTEM: Final = "urn:ietf:rfc:3986"
"""Identifiers that are URIs: a UUID as `urn:uuid:...` (https://hl7.org/fhir/R4/identifier-registry.html)."""

THEIRS_TO_SAY: Final = frozenset({"encounter_id", "encounter_class"})
"""What names a resource that is only here."""
_PLACE: Final = frozenset({"appointment_id", "start", "end", "expires_at"})
_PLACING: Final = frozenset({"offer", "book", "reschedule"})


def named_patient(patient: Mapping[str, Any]) -> tuple[Resource, str]:
    """A patient as the peer is given it, and the condition under which it has this one already: by our own id of it, whatever it is called there."""
    ours = {"system": UUID_SYSTEM, "value": f"urn:uuid:{patient['id']}"}
    kept = {key: value for key, value in patient.items() if key not in ("id", "meta", "text", "link")}
    return {**kept, "identifier": [*kept.get("identifier", ()), ours]}, f"identifier={UUID_SYSTEM}|{ours['value']}"


def bundle(request: Mapping[str, Any], form: Mapping[str, Any] | None, services: Iterable[str], patient: str) -> Resource:
    """The request as a draft for those services alone, and its answers, under their own ids, about the patient as the peer names it."""
    about = {"reference": f"Patient/{patient}"}
    asked = {f"HealthcareService/{id}" for id in services}
    draft = _own(request) | {"status": "draft", "subject": about}
    draft["performer"] = [one for one in request.get("performer", ()) if one.get("reference") in asked]
    draft.pop("supportingInfo", None)
    entries = [_put(draft)]
    if form is not None:
        entries.append(_put(_own(form) | {"subject": about, "status": "completed"}))
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _own(resource: Mapping[str, Any]) -> Resource:
    return {key: value for key, value in resource.items() if key not in ("meta", "text", "encounter")}


def _put(resource: Resource) -> Resource:
    return {"resource": resource, "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}}


def parameters(verb: str, declared: Iterable[Param], given: Mapping[str, Any], *, diary_there: bool) -> Resource:
    """What was brought with a verb, as the operation takes it; an appointment is named only where the diary is not."""
    left = {name: value for name, value in given.items() if name not in THEIRS_TO_SAY}
    if diary_there and verb in _PLACING:
        left = {name: value for name, value in left.items() if name not in _PLACE}
    listed = [part for param in declared for part in _parts(param, left.get(param.name))]
    return {"resourceType": "Parameters", "parameter": listed} if listed else {"resourceType": "Parameters"}


def _parts(param: Param, value: Any) -> list[Resource]:
    if value is None:
        return []
    return [_part(param, one) for one in (value if param.many else [value])]


def _part(param: Param, value: Any) -> Resource:
    if param.parts:
        return {"name": param.name, "part": [part for inner in param.parts for part in _parts(inner, value.get(inner.name))]}
    if param.type == "Reference":
        return {"name": param.name, "valueReference": {"reference": value if "/" in value else f"HealthcareService/{value}"}}
    return {"name": param.name, f"value{param.type[0].upper()}{param.type[1:]}": value}


def file(part: str, title: str, content_type: str, data: bytes) -> Resource:
    """A file as `$attach` takes it."""
    values = (("part", "valueCode", part), ("title", "valueString", title), ("content-type", "valueCode", content_type))
    listed = [{"name": name, kind: value} for name, kind, value in values]
    content = {"name": "content", "valueBase64Binary": base64.b64encode(data).decode()}
    return {"resourceType": "Parameters", "parameter": [*listed, content]}
