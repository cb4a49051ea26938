"""Delete (https://hl7.org/fhir/R4/http.html#delete): the history stays, reads answer 410."""

from __future__ import annotations

from maillage import record
from maillage.doors.fhir import intake
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.update import expected_version
from maillage.kernel.errors import Gone


async def delete(context: Context, request: Request) -> Response:
    """204; again 204 when it was deleted before."""
    kind, id = request.path
    context.require(kind, "d")
    try:
        before = await record.read(context.tx, kind, id, context.visible(kind))
    except Gone:
        return Response(204)
    await intake.delete(context, before, expected_version(request, before))
    return Response(204)
