"""Read: the current version of a resource (https://hl7.org/fhir/R4/http.html#read)."""

from __future__ import annotations

from maillage import record
from maillage.doors.fhir import audits
from maillage.doors.fhir.context import AUDIT_TYPE, Context, show, version_headers
from maillage.doors.fhir.http import Request, Response, read_http_date
from maillage.doors.fhir.negotiation import version_asked


async def read(context: Context, request: Request) -> Response:
    """The resource, or 304 when the caller has this version already."""
    kind, id = request.path
    context.require(kind, "r")
    if kind == AUDIT_TYPE:
        return await audits.read(context, id)
    stored = await record.read(context.tx, kind, id, context.visible(kind))
    await context.audit_read([stored])
    known = version_asked(request.header("if-none-match")) if request.header("if-none-match") != "*" else stored.version
    since = read_http_date(request.header("if-modified-since")) if known is None else None
    if known == stored.version or (since is not None and stored.at.replace(microsecond=0) <= since):
        return Response(304, b"", version_headers(stored), shown=((kind, id),))
    return show(stored)
