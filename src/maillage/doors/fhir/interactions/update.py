"""Update, conditional update, create under an id of the client (https://hl7.org/fhir/R4/http.html#update).

Ids are made by the server: PUT to an unknown id is 404, unless the client has a prefix of its own and the id begins with it.
"""

from __future__ import annotations

from typing import Any

from maillage import access, record
from maillage.doors.fhir import conditions, intake
from maillage.doors.fhir.bodies import read_resource
from maillage.doors.fhir.context import Context, written
from maillage.doors.fhir.http import Request, Response, encode_query
from maillage.doors.fhir.interactions.create import told
from maillage.doors.fhir.negotiation import version_asked
from maillage.kernel.errors import Conflict, Malformed, NotFound, PreconditionRequired, Stale
from maillage.record import Stored

Resource = dict[str, Any]


async def update(context: Context, request: Request) -> Response:
    """200 with the new version, 201 when it was deleted or did not exist; the version that was decided on must be the current one."""
    kind, id = request.path
    context.require(kind, "u")
    resource = read_resource(request, kind)
    if resource.get("id") != id:
        raise Malformed.one("id-differs", f"{kind}.id", "The id in the body must be the id in the URL.")
    return await put(context, request, resource, id)


async def put(context: Context, request: Request, resource: Resource, id: str) -> Response:
    """The resource under this id from now on."""
    kind = resource["resourceType"]
    before = await record.standing(context.tx, kind, id, context.visible(kind, "u"))
    if before is None and await _may_begin(context, request, id):
        if not await record.is_taken(context.tx, kind, id):
            return await _begin(context, request, resource, id)
        before = await record.standing(context.tx, kind, id, context.visible(kind, "u"))  # taken since we looked
    if before is None:
        raise NotFound(kind, id)
    if request.header("if-none-match") == "*" and not before.deleted:
        raise Stale(before.version)
    version = expected_version(request, before, required=must_name_version(context, request))
    return await replace(context, request, before, resource, version)


def must_name_version(context: Context, request: Request) -> bool:
    """Whether If-Match is required: not where a condition was looked up, under its lock."""
    return context.registry.policy.version_required and not (request.in_bundle and request.header("x-entry-matched"))


async def replace(context: Context, request: Request, before: Stored, resource: Resource, version: int | None) -> Response:
    """The next version of a resource that the caller sees; a deleted one comes back."""
    if before.deleted:
        context.require(before.type, "c")
        stored, warnings = await intake.revive(context, before, resource, request.base)
    else:
        stored, warnings = await intake.update(context, before, resource, request.base, version)
    context.shown.append((stored.type, stored.id))
    warnings, context.findings = [*warnings, *context.findings], []
    return written(stored, request, 201 if before.deleted else 200, warnings)


async def _may_begin(context: Context, request: Request, id: str) -> bool:
    """Whether the client may choose this id, and does not say that it changes something."""
    return not request.header("if-match") and await access.may_choose_id(context.tx, id)


async def _begin(context: Context, request: Request, resource: Resource, id: str) -> Response:
    """The first version under an id that the client chose."""
    context.require(resource["resourceType"], "c")
    return await told(context, request, await intake.create(context, resource, request.base, id=id, chosen=True))


async def update_where(context: Context, request: Request) -> Response:
    """Conditional update: replace the one that matches, create when none does; the lock on the condition stands for If-Match."""
    kind = request.path[0]
    context.require(kind, "u")
    resource = read_resource(request, kind)
    found = await conditions.find_one(context, kind, encode_query(request.query), request.base, locked=True)
    id = resource.get("id")
    if found is not None:
        if id not in (None, found.id):
            raise Malformed.one("id-differs", f"{kind}.id", "The id in the body is not the id of what matches.")
        before = await record.read(context.tx, kind, found.id, context.visible(kind, "u"))
        return await replace(context, request, before, resource, expected_version(request, before, required=False))
    if id is not None:
        if await record.existing(context.tx, kind, [id], context.visible(kind)):
            raise Conflict("condition-misses-id")
        return await put(context, request, resource, id)
    context.require(kind, "c")
    id = request.header("x-entry-id") if request.in_bundle else ""
    return await told(context, request, await intake.create(context, resource, request.base, id=id))


def expected_version(request: Request, before: Stored, *, required: bool = True) -> int | None:
    """The version in If-Match, which must be the current one; 428 without when it is required, 412 when it is not; both tell the current one."""
    version = version_asked(request.header("if-match"))
    if version is None and required:
        raise PreconditionRequired("version-required", current=before.version)
    if version not in (None, before.version):
        raise Stale(before.version)
    return version
