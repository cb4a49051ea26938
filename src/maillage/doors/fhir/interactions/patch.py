"""Patch, conditional patch (https://hl7.org/fhir/R4/http.html#patch): the result is taken in as an update would be."""

from __future__ import annotations

from typing import Any

from maillage import record
from maillage.codes.json import decode, encode
from maillage.doors.fhir import bodies, conditions, patches
from maillage.doors.fhir.context import Context, written
from maillage.doors.fhir.http import Request, Response, encode_query
from maillage.doors.fhir.interactions.update import expected_version, must_name_version, replace
from maillage.doors.fhir.patches import Change
from maillage.kernel.errors import Invalid, Malformed, NotFound
from maillage.record import Stored


async def patch(context: Context, request: Request) -> Response:
    """200 with the new version, or with the one that stands when the patch changes nothing."""
    kind, id = request.path
    context.require(kind, "u")
    change = patches.read(request)
    before = await record.read(context.tx, kind, id, context.visible(kind, "u"))
    version = expected_version(request, before, required=must_name_version(context, request))
    return await _apply(context, request, before, change, version)


async def patch_where(context: Context, request: Request) -> Response:
    """Conditional patch: the one that matches, 404 when none does."""
    kind = request.path[0]
    context.require(kind, "u")
    change = patches.read(request)
    found = await conditions.find_one(context, kind, encode_query(request.query), request.base, locked=True)
    if found is None:
        raise NotFound(kind)
    before = await record.read(context.tx, kind, found.id, context.visible(kind, "u"))
    return await _apply(context, request, before, change, expected_version(request, before, required=False))


def _check(after: dict[str, Any], kind: str) -> None:
    """What a patch makes of a resource breaks a rule (422), whatever the fault: the patch itself was well formed."""
    try:
        bodies.check(after, kind)
    except Malformed as error:
        raise Invalid(*error.issues) from error


async def _apply(context: Context, request: Request, before: Stored, change: Change, version: int | None) -> Response:
    stands = decode(before.content)
    after = change(stands)
    if (after.get("resourceType"), after.get("id")) != (before.type, before.id):
        raise Invalid.one("patch-identity", before.type, "A patch changes neither the type nor the id of a resource.")
    _check(after, before.type)
    if encode(record.comparable(after)) == encode(record.comparable(stands)):
        await context.audit_read([before])
        return written(before, request, 200)
    return await replace(context, request, before, after, version)
