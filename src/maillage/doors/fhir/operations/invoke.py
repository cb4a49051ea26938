"""The verbs of the rooms as operations: `POST [type]/[id]/$verb` with a Parameters resource, the function that the button calls."""

from __future__ import annotations

from typing import Any

from maillage import access, record
from maillage.doors.fhir.context import READABLE, Context, json_response, written
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.update import expected_version
from maillage.doors.fhir.operations import asked
from maillage.doors.fhir.operations.parameters import arguments
from maillage.doors.fhir.operations.table import find_operation
from maillage.doors.fhir.problems import MethodNotAllowed, UnknownOperation
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import NotFound
from maillage.kernel.operations import Operation


async def invoke(context: Context, request: Request) -> Response:
    """Play a verb, or answer a question, on a type or an instance."""
    *place, name = request.path
    kind = place[0] if place else ""
    published = find_operation(kind, name[1:], ("system", "type", "instance")[len(place)])
    if published is not None:
        if request.method not in published.methods:
            raise MethodNotAllowed(published.methods)
        return await published.answer(context, request)
    operation = context.registry.operations.get((kind, name[1:], len(place) == 2))
    if operation is None or kind not in READABLE:
        raise UnknownOperation(name[1:])
    if operation.writes and request.method != "POST":
        raise MethodNotAllowed(("POST",))
    context.require(kind, _letters(operation), "verb" if operation.writes else "read")
    given = arguments(asked.body(request), operation.parameters)
    done = await _call(context, request, operation, place, given)
    return await _answer(context, request, operation, done)


def _letters(operation: Operation) -> str:
    if operation.writes:
        return "u" if operation.on_instance else "cu"
    return "r" if operation.on_instance else "s"


async def _call(context: Context, request: Request, operation: Operation, place: list[str], given: dict[str, Any]) -> Any:
    if not operation.on_instance:
        return await operation.call(context.tx, **given)
    kind, id = place
    before = await record.read(context.tx, kind, id, context.visible(kind, _letters(operation)))
    if not operation.writes:
        await context.audit_read([before], operation.name)
        return await operation.call(context.tx, id, **given)
    makes_another = operation.answer_type not in ("", kind)
    version = None if makes_another else expected_version(request, before)
    return await operation.call(context.tx, id, version=version, **given)


async def _done(context: Context, kind: str, id: str) -> record.Stored:
    try:
        return await record.read(context.tx, kind, id, access.visible_to(SYSTEM, kind))
    except NotFound:  # out of sight of the second wall, too
        return await record.read(context.tx.acting_as(SYSTEM), kind, id, access.visible_to(SYSTEM, kind))


async def _answer(context: Context, request: Request, operation: Operation, done: Any) -> Response:
    """The resource that the verb answers for; whoever played the verb is shown it, even when it moved out of sight."""
    if type(done) is dict and "resourceType" in done:
        return json_response(done)
    if type(done) is not str:
        raise TypeError(f"{operation.type}/${operation.name} answered {type(done).__name__}")
    kind = operation.answer_type or operation.type
    try:
        stored = await _done(context, kind, done)
    except NotFound as error:
        raise LookupError(f"{operation.type}/${operation.name} answered an id that is not there") from error
    if operation.writes and not operation.on_instance:
        await context.stay_within(kind, done, "cu")
    context.shown.append((kind, done))
    response = written(stored, request, 200)
    response.headers["content-location"] = f"{request.base}/{kind}/{done}/_history/{stored.version}"
    return response
