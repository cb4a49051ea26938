"""The accounts of regulators, which the SAS makes, changes and disables: Practitioner with the source of the SAS (FrPractitionerRegul).

A national identifier belongs to one active account: a second is refused (409), `active=false` gives it free.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from maillage.codes import systems
from maillage.doors.fhir import conditions
from maillage.doors.fhir.bodies import read_resource
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.create import create as create_resource
from maillage.doors.fhir.interactions.update import update_where
from maillage.kernel.errors import Conflict, Invalid, Issue, Malformed

Resource = dict[str, Any]
TYPES: Final = {systems.IDNPS: "IDNPS", systems.SAS_SOURCE: "INTRN"}
"""The type that an identifier has to have, by its system."""


async def create(context: Context, request: Request) -> Response:
    """201; 409 when an active account has one of the identifiers."""
    resource = _checked(request)
    for one in resource["identifier"]:
        condition = f"?identifier={one['system']}|{one['value']}&_source={systems.SAS_SOURCE}&active=true"
        if await conditions.find_one(context, "Practitioner", condition, request.base, locked=True):
            raise Conflict("regulator-there")
    return await create_resource(context, replace(request, resource=resource))


async def update(context: Context, request: Request) -> Response:
    """The account that has the identifier of the URL becomes what is sent, a new identifier included; none: it is made."""
    resource = _checked(request)
    asked = [(name[:1].lower() + name[1:], value) for name, value in request.query]
    if [name for name, _ in asked] != ["identifier"]:
        raise Malformed(Issue("error", "required", "identifier-missing", "http.identifier", "PUT Practitioner?identifier=system|value"))
    source = ("_source", systems.SAS_SOURCE)
    standing = f"?identifier={asked[0][1]}&_source={systems.SAS_SOURCE}&active=true"
    live = await conditions.find_one(context, "Practitioner", standing, request.base, locked=True)
    active = "true" if live or resource["active"] else "false"
    return await update_where(context, replace(request, resource=resource, query=(*asked, source, ("active", active))))


def _checked(request: Request) -> Resource:
    """The account in the body. Raises `Malformed` for what is missing, `Invalid` for what breaks the profile."""
    resource = read_resource(request, "Practitioner")
    missing = list(_missing(resource))
    if missing:
        raise Malformed(*(Issue("error", "required", "required", f"Practitioner.{path}") for path in missing))
    if resource["meta"]["source"] != systems.SAS_SOURCE:
        raise Invalid.one("source-refused", "Practitioner.meta.source", systems.SAS_SOURCE)
    for place, one in enumerate(resource["identifier"]):
        codes = {coding.get("code") for coding in one["type"].get("coding", ())}
        if TYPES.get(one["system"]) not in codes and not (one["system"] == systems.IDNPS and "INTRN" in codes):
            raise Invalid.one("identifier-type", f"Practitioner.identifier[{place}].type", "IDNPS, or INTRN of the SAS")
    return resource


def _missing(resource: Resource) -> Iterator[str]:
    if not resource.get("meta", {}).get("source"):
        yield "meta.source"
    if not resource.get("identifier"):
        yield "identifier"
    for place, one in enumerate(resource.get("identifier", ())):
        yield from (f"identifier[{place}].{name}" for name in ("type", "system", "value") if not one.get(name))
    names = resource.get("name", ())
    if not any(one.get("family") and one.get("given") for one in names):
        yield "name"
    if not any(one.get("system") == "email" and one.get("value") for one in resource.get("telecom", ())):
        yield "telecom"
    if type(resource.get("active")) is not bool:
        yield "active"
