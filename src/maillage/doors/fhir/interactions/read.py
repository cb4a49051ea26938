"""Read: the current version of a resource (https://hl7.org/fhir/R4/http.html#read)."""

from __future__ import annotations

from maillage import record
from maillage.doors.fhir import audits
from maillage.doors.fhir.context import AUDIT_TYPE, Context, version_headers
from maillage.doors.fhir.http import Request, Response, read_http_date
from maillage.doors.fhir.negotiation import versions_known
from maillage.doors.fhir.parts import parts_asked
from maillage.record import Stored


async def read(context: Context, request: Request) -> Response:
    """The resource, or 304 when the caller has this version already."""
    kind, id = request.path
    context.require(kind, "r")
    if kind == AUDIT_TYPE:
        return await audits.read(context, id)
    parts = parts_asked(request)
    stored = await record.read(context.tx, kind, id, context.visible(kind, "r"))
    await context.audit_read([stored])
    body = b"" if is_known(request, stored) else parts.of(stored)
    return Response(200 if body else 304, body, version_headers(stored), shown=((kind, id),))


def is_known(request: Request, stored: Stored) -> bool:
    """Whether the caller says to have this version: by If-None-Match, else by If-Modified-Since."""
    if asked := request.header("if-none-match"):
        known = versions_known(asked)
        return known is None or stored.version in known
    since = read_http_date(request.header("if-modified-since")) if request.header("if-modified-since") else None
    return since is not None and stored.at.replace(microsecond=0) <= since
