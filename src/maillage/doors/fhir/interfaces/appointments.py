"""Appointments that a partner tells us: made, then told again by their identifier (conditional PUT), as SAS 1.2.0 and GAP 3.0.0 do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from maillage.codes import systems
from maillage.codes.aliases import canonical
from maillage.doors.fhir.bodies import read_resource
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.create import create
from maillage.doors.fhir.interactions.update import update_where
from maillage.kernel.errors import Invalid, Issue, Malformed

Resource = dict[str, Any]
STATUSES: Final = frozenset({"booked", "fulfilled", "noshow", "cancelled", "pending", "proposed"})
"""What the SAS and shared agendas tell of an appointment; pending and proposed ask for one."""


async def declare(context: Context, request: Request) -> Response:
    """201 with the Location of an appointment that the SAS declares. Raises `Malformed`, `Invalid` for what FrAppointmentSAS wants."""
    _check(read_resource(request, "Appointment"))
    return await create(context, request)


async def declare_again(context: Context, request: Request) -> Response:
    """The same appointment by its identifier: replaced, or made when nothing matches."""
    resource = read_resource(request, "Appointment")
    _check(resource)
    _check_condition(request, resource)
    return await update_where(context, request)


async def update_by_identifier(context: Context, request: Request) -> Response:
    """The conditional PUT of GAP: by `identifier` alone."""
    _check_condition(request, read_resource(request, "Appointment"))
    return await update_where(context, request)


def _check_condition(request: Request, resource: Resource) -> None:
    """Raise `Malformed` unless the condition is an identifier that the appointment has."""
    asked = [value for name, value in request.query if name.lower() == "identifier"]
    if len(asked) != 1:
        raise Malformed(Issue("error", "required", "identifier-missing", "http.identifier", "PUT Appointment?identifier=system|value"))
    system, _, value = asked[0].rpartition("|")
    own = [(one.get("system", ""), one.get("value")) for one in resource.get("identifier", ())]
    if not any(told == value and (not system or canonical(system) == canonical(place)) for place, told in own):
        raise Malformed(
            Issue("error", "value", "identifier-differs", "Appointment.identifier", "The identifier in the URL must be in the body.")
        )


def _check(resource: Resource) -> None:
    """Raise `Malformed` for what is missing, `Invalid` for what FrAppointmentSAS does not allow."""
    missing = list(_missing(resource))
    if missing:
        raise Malformed(*(Issue("error", "required", "required", f"Appointment.{path}") for path in missing))
    if resource["status"] not in STATUSES:
        raise Invalid.one("status-not-creatable", "Appointment.status", f"one of {', '.join(sorted(STATUSES))}")


def _missing(resource: Resource) -> Iterator[str]:
    yield from (name for name in ("start", "end", "created") if name not in resource)
    identifiers = resource.get("identifier", ())
    if len(identifiers) != 1 or not identifiers[0].get("system") or not identifiers[0].get("value"):
        yield "identifier"
    operators = [one for one in resource.get("extension", ()) if canonical(one.get("url", "")) == systems.EXT_APPOINTMENT_OPERATOR]
    if not operators:
        yield "extension"
    for place, one in enumerate(resource.get("participant", ())):
        told = one.get("actor", {}).get("identifier")
        if told is not None and not (told.get("value") and told.get("system") and told.get("type")):
            yield f"participant[{place}].actor.identifier"
