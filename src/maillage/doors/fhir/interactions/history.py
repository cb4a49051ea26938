"""History of a resource: every version, newest first (https://hl7.org/fhir/R4/http.html#history)."""

from __future__ import annotations

from typing import Any

import msgspec

from maillage import record
from maillage.doors.fhir.context import AUDIT_TYPE, Context, json_response
from maillage.doors.fhir.http import Request, Response, etag
from maillage.kernel.errors import NotFound
from maillage.record import Stored

MOST = 200


async def history(context: Context, request: Request) -> Response:
    """A Bundle of type history; `_count` shortens it."""
    kind, id, _ = request.path
    context.require(kind, "r")
    if kind == AUDIT_TYPE:
        raise NotFound(kind, id)
    versions = await record.history(context.tx, kind, id, context.visible(kind))
    await context.audit_read(versions[:1], "history")
    asked = dict(request.query).get("_count", "")
    count = min(int(asked), MOST) if asked.isascii() and asked.isdigit() and len(asked) < 10 else MOST
    bundle = {
        "resourceType": "Bundle",
        "type": "history",
        "total": len(versions),
        "link": [{"relation": "self", "url": f"{request.base}/{kind}/{id}/_history"}],
        "entry": [_entry(stored, request.base) for stored in versions[:count]],
    }
    return json_response({key: value for key, value in bundle.items() if value != []})


def _entry(stored: Stored, base: str) -> dict[str, Any]:
    method = "DELETE" if stored.deleted else "POST" if stored.version == 1 else "PUT"
    status = {"DELETE": "204", "POST": "201", "PUT": "200"}[method]
    address = f"{stored.type}/{stored.id}" if method != "POST" else stored.type
    entry: dict[str, Any] = {"fullUrl": f"{base}/{stored.type}/{stored.id}"}
    if not stored.deleted:
        entry["resource"] = msgspec.Raw(stored.content.encode())
    entry["request"] = {"method": method, "url": address}
    entry["response"] = {"status": status, "etag": etag(stored.version), "lastModified": stored.at.isoformat(timespec="milliseconds")}
    return entry
