"""Bulk Data Access STU2 (https://hl7.org/fhir/uv/bulkdata/STU2/export.html): `$export` of the system, of every patient, of a Group; its status and files."""

from __future__ import annotations

import re
from typing import Any, Final

from maillage import exports, record
from maillage.access import DIRECTORY_TYPES, policy
from maillage.codes.json import encode
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response, encode_query, http_date
from maillage.doors.fhir.operations.asked import question
from maillage.doors.fhir.problems import outcome
from maillage.exports import Level, Wanted
from maillage.kernel.errors import Issue, Malformed, NotAllowed, Unavailable
from maillage.kernel.operations import Param
from maillage.record import SERVED
from maillage.store.blobs import Vault

PLACE: Final = "exports"
"""The first part of the addresses of exports: `/fhir/exports/[id]` and `/fhir/exports/[id]/[file]`."""

NDJSON: Final = "application/fhir+ndjson"
FORMATS: Final = frozenset({NDJSON, "application/ndjson", "ndjson"})
PARAMETERS: Final = (Param("_outputFormat", "string"), Param("_since", "instant"), Param("_type", "string", many=True))
RETRY: Final = "5"
_LEVELS: Final = {1: Level.SYSTEM, 2: Level.PATIENT, 3: Level.GROUP}


async def export(context: Context, request: Request) -> Response:
    """202 and the address of the status: the files are made meanwhile."""
    if not any(part.strip().lower() == "respond-async" for part in re.split("[,;]", request.header("prefer"))):
        raise Malformed(Issue("error", "required", "respond-async", "http.prefer", "Prefer: respond-async is required."))
    if policy.is_narrowed(context.tx.actor):
        raise NotAllowed("role")
    level = _LEVELS[len(request.path)]
    group = request.path[1] if level is Level.GROUP else ""
    if group:
        context.require("Group", "r")
        await record.read(context.tx, "Group", group, context.visible("Group"))
    given = question(request, PARAMETERS)
    if given.get("_outputFormat", NDJSON).replace(" ", "+") not in FORMATS:
        raise Malformed(Issue("error", "value", "search-parameter", "http._outputFormat", NDJSON))
    types = _types(context, level, given.get("_type", []))
    address = f"{request.base}/{'/'.join(request.path)}"
    told = f"{address}?{encode_query(request.query)}" if request.query else address
    wanted = Wanted(level, types, told, group, given.get("_since"))
    id = await exports.ask(context.tx, wanted, most=context.registry.bulk.most)
    body = encode(outcome([Issue("information", "informational", "export-asked")]))
    return Response(202, body, {"content-location": f"{request.base}/{PLACE}/{id}"})


def _types(context: Context, level: Level, named: list[str]) -> tuple[str, ...]:
    """The types to export: those that are named, all of which the scopes must grant, or all that they grant. Raises `Malformed`, `NotAllowed`."""
    among = SERVED if level is Level.SYSTEM else tuple(kind for kind in SERVED if kind not in DIRECTORY_TYPES and kind != "Group")
    wanted = list(dict.fromkeys(kind.strip() for text in named for kind in text.split(",") if kind.strip()))
    for kind in wanted:
        if kind not in among:
            raise Malformed(Issue("error", "value", "search-parameter", "http._type", f"{kind[:60]} is not exported here."))
        context.require(kind, "rs")
    types = tuple(wanted) or tuple(kind for kind in among if context.allows(kind))
    if not types:
        raise NotAllowed("scope")
    return types


async def export_status(context: Context, request: Request) -> Response:
    """202 with the progress, 200 with the manifest, 500 when it was given up."""
    export = await exports.asked(context.tx, request.path[1])
    if export.status in ("accepted", "running"):
        return Response(202, b"", {"x-progress": f"{export.step} of {export.steps} types", "retry-after": RETRY})
    if export.status == "failed":
        return Response(500, encode(outcome([Issue("error", "exception", "export-failed")], status=500)))
    address = f"{request.base}/{PLACE}/{export.id}"
    files = await exports.files_of(context.tx, export.id)
    manifest: dict[str, Any] = {
        "transactionTime": export.asked_at.isoformat(timespec="milliseconds"),
        "request": export.request,
        "requiresAccessToken": True,
        "output": [{"type": file.type, "url": f"{address}/{file.id}", "count": file.count} for file in files],
        "error": [],
    }
    headers = {"content-type": "application/json"}
    if export.expires_at:
        headers["expires"] = http_date(export.expires_at)
    return Response(200, encode(manifest), headers)


async def export_cancel(context: Context, request: Request) -> Response:
    """202: no more is made, and the files are gone."""
    await exports.cancel(context.tx, request.path[1])
    return Response(202, encode(outcome([Issue("information", "informational", "export-cancelled")])))


async def export_file(context: Context, request: Request) -> Response:
    """The lines of a file that the caller may still see."""
    if policy.is_narrowed(context.tx.actor):
        raise NotAllowed("role")
    export = await exports.asked(context.tx, request.path[1])
    lines = await exports.fetch(context.tx, _vault(context), export, request.path[2], allows=context.allows, visible=context.visible)
    return Response(200, lines, {"content-type": NDJSON})


def _vault(context: Context) -> Vault:
    if context.registry.exported is None:
        raise Unavailable("no-exports")
    return context.registry.exported
