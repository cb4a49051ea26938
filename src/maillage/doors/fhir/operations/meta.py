"""`$meta`, `$meta-add`, `$meta-delete` (https://hl7.org/fhir/R4/resource-operation-meta.html): profiles and tags; labels are the server's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from maillage import record
from maillage.codes.json import decode
from maillage.doors.fhir import bodies, intake
from maillage.doors.fhir.context import AUDIT_TYPE, Context, json_response, version_headers
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.update import expected_version
from maillage.doors.fhir.operations.parameters import arguments
from maillage.doors.fhir.problems import UnknownPlace
from maillage.kernel.errors import Malformed
from maillage.kernel.operations import Param
from maillage.record import Stored

Meta = dict[str, Any]
LISTS = ("profile", "tag")
"""What a caller may add or take away: security labels and versions are written by the server."""


async def meta(context: Context, request: Request) -> Response:
    """What `meta` holds now."""
    before = await _visible(context, request, "r")
    await context.audit_read([before], "meta")
    return _answer(before)


async def add_meta(context: Context, request: Request) -> Response:
    """The given profiles and tags are there afterwards; what was there stays."""
    return await _change(context, request, _with)


async def delete_meta(context: Context, request: Request) -> Response:
    """The given profiles and tags are gone afterwards; it is no fault when they were not there."""
    return await _change(context, request, _without)


async def _change(context: Context, request: Request, change: Callable[[Meta, Meta], Meta]) -> Response:
    before = await _visible(context, request, "u")
    given = arguments(bodies.read_json(request), (Param("meta", "Meta", required=True),))["meta"]
    _check(given)
    version = expected_version(request, before) if request.header("if-match") else before.version
    resource = decode(before.content)
    changed = change(resource.get("meta", {}), given)
    if _lists(changed) == _lists(resource.get("meta", {})):
        return _answer(before)
    after, _ = await intake.update(context, before, {**resource, "meta": changed}, request.base, version)
    context.shown.append((after.type, after.id))
    return _answer(after)


async def _visible(context: Context, request: Request, letter: str) -> Stored:
    kind, id, _ = request.path
    if kind == AUDIT_TYPE:
        raise UnknownPlace
    context.require(kind, letter)
    return await record.read(context.tx, kind, id, context.visible(kind, letter))


def _answer(stored: Stored) -> Response:
    found = decode(stored.content)["meta"]
    response = json_response({"resourceType": "Parameters", "parameter": [{"name": "return", "valueMeta": found}]})
    response.headers |= version_headers(stored)
    response.shown = ((stored.type, stored.id),)
    return response


def _check(given: Meta) -> None:
    """A Meta is checked as part of a resource: there is no other way to send one."""
    bodies.check({"resourceType": "Basic", "code": {"text": "meta"}, "meta": given}, "Basic")
    if not any(name in given for name in LISTS):
        raise Malformed.one(
            "parameter-missing", "Parameters.parameter.where(name='meta')", "Give profiles or tags: the rest is the server's."
        )


def _lists(found: Meta) -> dict[str, Any]:
    return {name: found[name] for name in LISTS if name in found}


def _with(there: Meta, given: Meta) -> Meta:
    merged = dict(there)
    for name in LISTS:
        kept = list(there.get(name, []))
        kept += [item for item in given.get(name, []) if not _among(name, item, kept)]
        if kept:
            merged[name] = kept
    return merged


def _without(there: Meta, given: Meta) -> Meta:
    left = {key: value for key, value in there.items() if key not in LISTS}
    for name in LISTS:
        kept = [item for item in there.get(name, []) if not _among(name, item, given.get(name, []))]
        if kept:
            left[name] = kept
    return left


def _among(name: str, item: Any, listed: list[Any]) -> bool:
    return item in listed if name == "profile" else _coded(item) in [_coded(other) for other in listed]


def _coded(tag: Any) -> tuple[Any, Any]:
    return tag.get("system"), tag.get("code")
