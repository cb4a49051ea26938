"""Bulk Data Access STU2 (https://hl7.org/fhir/uv/bulkdata/STU2/export.html): `$export` of the system, of every patient, of a Group; its status and files."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from maillage import exports, record
from maillage.access import DIRECTORY_TYPES, policy
from maillage.codes.json import encode
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response, encode_query, http_date
from maillage.doors.fhir.operations.asked import question
from maillage.doors.fhir.problems import outcome
from maillage.exports import Filter, Level, Wanted
from maillage.kernel.errors import Issue, Malformed, NotAllowed, NotFound, Unavailable
from maillage.kernel.operations import Param
from maillage.record import SERVED
from maillage.store.blobs import Vault

PLACE: Final = "exports"
"""The first part of the addresses of exports: `/fhir/exports/[id]` and `/fhir/exports/[id]/[file]`."""

NDJSON: Final = "application/fhir+ndjson"
FORMATS: Final = frozenset({NDJSON, "application/ndjson", "ndjson"})
PARAMETERS: Final = (
    Param("_outputFormat", "string"),
    Param("_since", "instant"),
    Param("_type", "string", many=True),
    Param("_typeFilter", "string", many=True),
)
OF_PATIENTS: Final = (*PARAMETERS, Param("patient", "Reference", many=True, most=1000))
"""Of every patient or of a group: of these patients alone (by POST)."""

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
    given = question(request, PARAMETERS if level is Level.SYSTEM else OF_PATIENTS)
    if given.get("_outputFormat", NDJSON).replace(" ", "+") not in FORMATS:
        raise Malformed(Issue("error", "value", "search-parameter", "http._outputFormat", NDJSON))
    types = _types(context, level, given.get("_type", []))
    address = f"{request.base}/{'/'.join(request.path)}"
    told = f"{address}?{encode_query(request.query)}" if request.query else address
    patients = await _patients(context, request, group, given.get("patient", []))
    wanted = Wanted(level, types, told, group, given.get("_since"), patients, _filters(context, types, given.get("_typeFilter", [])))
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


async def _patients(context: Context, request: Request, group: str, named: list[str]) -> tuple[str, ...]:
    """The patients that were named, all of whom the caller sees, in the group if there is one. Raises `Malformed`, `NotFound`."""
    if named and request.method != "POST":
        raise Malformed(Issue("error", "value", "search-parameter", "http.patient", "patient is given by POST, in a Parameters resource."))
    ids = tuple(dict.fromkeys(text.removeprefix("Patient/") for text in named))
    if not ids:
        return ()
    context.require("Patient", "r")
    seen = await record.existing(context.tx, "Patient", ids, context.visible("Patient"))
    if group:
        seen &= set(await record.members_of(context.tx, group, context.visible("Group")))
    for id in ids:
        if id not in seen:
            raise NotFound("Patient", id)
    return ids


def _filters(context: Context, types: tuple[str, ...], named: list[str]) -> tuple[Filter, ...]:
    """The searches of `_typeFilter`, each understood now rather than when the files are made. Raises `Malformed`."""
    found: list[Filter] = []
    for text in [one for several in named for one in several.split(",") if one.strip()]:
        kind, _, query = text.strip().partition("?")
        if kind not in types:
            raise Malformed(Issue("error", "value", "search-parameter", "http._typeFilter", f"{kind[:60]} is not exported here."))
        search = tuple(parse_qsl(query, keep_blank_values=True))
        record.filtered(record.Query(context.visible, context.tx.now), kind, [search])
        found.append((kind, search))
    return tuple(found)


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
        "output": [{"type": file.type, "url": f"{address}/{file.id}", "count": file.count} for file in files if not file.deleted],
        "error": [],
    }
    if export.tells_deleted:
        manifest["deleted"] = [{"type": "Bundle", "url": f"{address}/{file.id}", "count": file.count} for file in files if file.deleted]
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
