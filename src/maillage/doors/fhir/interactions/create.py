"""Create, conditional create (https://hl7.org/fhir/R4/http.html#create)."""

from __future__ import annotations

from maillage.doors.fhir import conditions, intake
from maillage.doors.fhir.bodies import read_resource
from maillage.doors.fhir.context import Context, written
from maillage.doors.fhir.http import Request, Response
from maillage.kernel.errors import Issue


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
    return await told(context, request, await intake.create(context, resource, request.base, id=id))


async def told(context: Context, request: Request, made: tuple[str, str, list[Issue]]) -> Response:
    """The answer to a creation. In a transaction it is written at the end, when the resource is what the whole transaction made of it."""
    kind, id, warnings = made
    warnings, context.findings = [*warnings, *context.findings], []
    context.shown.append((kind, id))
    if context.answers_late:
        return Response(201, shown=((kind, id),), later=lambda stored: written(stored, request, 201, warnings))
    return written(await intake.made(context.tx, kind, id), request, 201, warnings)
