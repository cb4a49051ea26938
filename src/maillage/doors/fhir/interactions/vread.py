"""Vread: one version of a resource (https://hl7.org/fhir/R4/http.html#vread)."""

from __future__ import annotations

from maillage import record
from maillage.doors.fhir.context import AUDIT_TYPE, Context, version_headers
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.read import is_known
from maillage.doors.fhir.parts import parts_asked
from maillage.kernel.errors import NotFound

LARGEST = 2_147_483_647


async def vread(context: Context, request: Request) -> Response:
    """An old version is visible only while its resource is; a version that is a deletion answers 410."""
    kind, id, _, version = request.path
    context.require(kind, "r")
    if kind == AUDIT_TYPE or not (version.isascii() and version.isdigit() and len(version) < 11 and int(version) <= LARGEST):
        raise NotFound(kind, id)
    parts = parts_asked(request)
    stored = await record.vread(context.tx, kind, id, int(version), context.visible(kind, "r"))
    if context.is_narrowed(kind, "r") and stored.version != (await record.read(context.tx, kind, id, context.visible(kind, "r"))).version:
        raise NotFound(kind, id)  # nothing is kept that would tell whether an earlier version met the query of the scope
    await context.audit_read([stored], "vread")
    body = b"" if is_known(request, stored) else parts.of(stored)
    return Response(200 if body else 304, body, version_headers(stored), shown=((kind, id),))
