"""Create, conditional create (https://hl7.org/fhir/R4/http.html#create)."""

from __future__ import annotations

from maillage.doors.fhir import conditions, intake
from maillage.doors.fhir.bodies import read_resource
from maillage.doors.fhir.context import Context, written
from maillage.doors.fhir.http import Request, Response


async def create(context: Context, request: Request) -> Response:
    """201 with the new resource; 200 with the one that was there when If-None-Exist found it."""
    kind = request.path[0]
    context.require(kind, "c")
    resource = read_resource(request, kind)
    if condition := request.header("if-none-exist"):
        found = await conditions.find_one(context, kind, condition, request.base, locked=True)
        if found:
            await context.audit_read([found])
            return written(found, request, 200)
    id = request.header("x-entry-id") if request.in_bundle else ""
    stored, warnings = await intake.create(context, resource, request.base, id=id)
    context.shown.append((stored.type, stored.id))
    return written(stored, request, 201, warnings)
