"""Update (https://hl7.org/fhir/R4/http.html#update). Ids are made by the server: PUT to an unknown id is 404."""

from __future__ import annotations

from maillage import record
from maillage.doors.fhir import intake
from maillage.doors.fhir.bodies import read_resource
from maillage.doors.fhir.context import Context, written
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.negotiation import version_asked
from maillage.kernel.errors import Malformed, PreconditionRequired, Stale
from maillage.record import Stored


async def update(context: Context, request: Request) -> Response:
    """200 with the new version; the version that was decided on must be named and be the current one."""
    kind, id = request.path
    context.require(kind, "u")
    resource = read_resource(request, kind)
    if resource.get("id") != id:
        raise Malformed.one("id-differs", f"{kind}.id", "The id in the body must be the id in the URL.")
    before = await record.read(context.tx, kind, id, context.visible(kind))
    version = expected_version(request, before)
    stored, warnings = await intake.update(context, before, resource, request.base, version)
    context.shown.append((stored.type, stored.id))
    return written(stored, request, 200, warnings)


def expected_version(request: Request, before: Stored) -> int:
    """The version in If-Match, which must be the current one; 428 without, 412 when it is not, both tell the current one."""
    version = version_asked(request.header("if-match"))
    if version is None:
        raise PreconditionRequired("version-required", current=before.version)
    if version != before.version:
        raise Stale(before.version)
    return version
